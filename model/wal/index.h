// The header of the wal-index, the shared memory that records which frames of a WAL are committed.
// Source: SQLite, "WAL-mode File Format", section 2.
#pragma once

#include <cstdint>

#include "model/bytes.h"
#include "model/wal/wal.h"

namespace model::wal {

/// Bytes to copy from the start of the shared memory: two copies of the header, then nBackfill.
/// Copy them in this order: the writer writes the second copy first.
inline constexpr std::size_t index_header_size = 48;
inline constexpr std::size_t index_size = 2 * index_header_size + 4;

struct Index {
    std::uint32_t change = 0;  // transaction counter
    WordOrder order = WordOrder::little;
    std::uint32_t page_size = 0;  // bytes; 0 where SQLite created the index for an empty WAL
    std::uint32_t frames = 0;     // mxFrame: the last frame of the last committed transaction
    std::uint32_t pages = 0;      // database size after it, in pages
    Checksum checksum;            // of frame `frames`; meaningless where frames is 0
    Salts salts;
    std::uint32_t backfilled = 0;  // nBackfill: frames already copied to the database file
    friend bool operator==(const Index&, const Index&) = default;
};

/// Parses the header, in the machine's own byte order. unavailable: it is just being written
/// (copies differ, checksum wrong) or not yet created: read again. invalid: an unknown version, or
/// not a page size of SQLite.
[[nodiscard]] Result<Index> parse_index(ByteView bytes);

}  // namespace model::wal
