// The header of an LTX file, and the rules that hold for the file as a whole. Source: LTX format,
// version 3, as Litestream 0.5 writes and reads it.
#pragma once

#include <cstdint>

#include "model/bytes.h"
#include "model/ids.h"
#include "model/result.h"
#include "model/time.h"

namespace model::ltx {

inline constexpr std::size_t header_size = 100;
inline constexpr std::size_t trailer_size = 16;
/// The file has no database checksums. Litestream's compaction and restore require this flag.
inline constexpr std::uint32_t no_checksum = 2;

struct Header {
    std::uint32_t flags = no_checksum;
    std::uint32_t page_size = 0;  // bytes: a power of two, 512 to 65536
    std::uint32_t commit = 0;     // size of the database in pages after this file
    Txid min;
    Txid max;
    WallTime timestamp;
    std::uint64_t pre_apply_checksum = 0;
    std::int64_t wal_offset = 0;  // byte offset in the WAL of the first frame that was read
    std::int64_t wal_size = 0;    // bytes of frames read
    std::uint32_t wal_salt1 = 0;
    std::uint32_t wal_salt2 = 0;
    std::uint64_t node_id = 0;

    /// A snapshot holds every page of the database but the lock page.
    [[nodiscard]] bool snapshot() const { return min.value == 1; }
    [[nodiscard]] bool checksums() const { return (flags & no_checksum) == 0; }
    friend bool operator==(const Header&, const Header&) = default;
};

/// The page at byte 2^30, where SQLite keeps its locks. It is never in an LTX file.
[[nodiscard]] constexpr std::uint32_t lock_page(std::uint32_t page_size) {
    return 0x40000000U / page_size + 1;
}

/// The page after `number` in a snapshot; `number` 0 gives the first page.
[[nodiscard]] constexpr std::uint32_t next_page(std::uint32_t number, std::uint32_t page_size) {
    return number + 1 == lock_page(page_size) ? number + 2 : number + 1;
}

/// invalid: a field breaks a rule of the format; the message names it.
[[nodiscard]] Result<void> validate(const Header& header);

/// Encodes a valid header in 100 bytes.
[[nodiscard]] Bytes encode_header(const Header& header);

/// Decodes the first 100 bytes of a file. corrupt: not an LTX file, or a rule is broken.
[[nodiscard]] Result<Header> decode_header(ByteView bytes);

}  // namespace model::ltx
