// The header of the wal-index, the shared memory that says which frames of a WAL are part of the
// database. Source: SQLite, "WAL-mode File Format", section 2.
#pragma once

#include <cstdint>

#include "model/bytes.h"
#include "model/wal/wal.h"

namespace model::wal {

/// Bytes to copy from the start of the shared memory: two copies of the header, then nBackfill. In
/// this order, each copy before the next: the writer writes the second copy first.
inline constexpr std::size_t index_header_size = 48;
inline constexpr std::size_t index_size = 2 * index_header_size + 4;

struct Index {
    std::uint32_t change = 0;  // counts transactions
    WordOrder order = WordOrder::little;
    std::uint32_t page_size = 0;  // bytes
    std::uint32_t frames = 0;     // mxFrame: the last frame of the last committed transaction
    std::uint32_t pages = 0;      // size of the database after it
    Checksum checksum;            // of frame `frames`; meaningless where there is none
    Salts salts;
    std::uint32_t backfilled = 0;  // nBackfill: frames that are in the database file too
    friend bool operator==(const Index&, const Index&) = default;
};

/// The machine's own byte order. unavailable: it is being written at this moment (copies differ,
/// checksum wrong) or not made yet: look again. invalid: a version that we do not know.
[[nodiscard]] Result<Index> parse_index(ByteView bytes);

}  // namespace model::wal
