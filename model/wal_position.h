// A place in a SQLite WAL, and a batch of pages captured from it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/bytes.h"

namespace model {

/// The end of a committed frame: frame number `frames` of the WAL generation with these salts, with
/// its cumulative checksum. frames 0: the start of the generation.
struct WalPosition {
    std::uint32_t salt1 = 0;
    std::uint32_t salt2 = 0;
    std::uint32_t frames = 0;
    std::uint32_t checksum1 = 0;
    std::uint32_t checksum2 = 0;
    friend bool operator==(const WalPosition&, const WalPosition&) = default;
};

/// Five decimal numbers separated by spaces: two salts, frames, two checksums.
[[nodiscard]] std::string to_text(const WalPosition& position);
/// Inverse of to_text(). Empty: anything else.
[[nodiscard]] std::optional<WalPosition> parse_wal_position(std::string_view text);

struct Page {
    std::uint32_t number = 0;  // from 1
    Bytes data;                // one page
    friend bool operator==(const Page&, const Page&) = default;
};

/// All pages changed between two positions, each once with its newest content, in ascending order.
struct WalBatch {
    WalPosition from;  // where its first frame was read; frames 0 where the WAL was restarted
    WalPosition to;
    std::uint32_t page_size = 0;
    std::uint32_t commit = 0;     // size of the database in pages after the batch
    std::int64_t wal_offset = 0;  // byte offset of the first frame read, for the LTX header
    std::int64_t wal_bytes = 0;   // total length of the frames read
    std::vector<Page> pages;      // pages above `commit` are left out
    [[nodiscard]] bool empty() const { return pages.empty() && wal_bytes == 0; }
};

}  // namespace model
