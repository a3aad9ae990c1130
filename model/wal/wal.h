// SQLite's write-ahead log: parsing and checksums. Source: SQLite file format, section 4, "The
// Write-Ahead Log".
#pragma once

#include <bit>
#include <cstdint>
#include <optional>

#include "model/bytes.h"
#include "model/result.h"

namespace model::wal {

inline constexpr std::size_t header_size = 32;
inline constexpr std::size_t frame_header_size = 24;

/// Whether SQLite allows this page size: a power of two, 512 to 65536 bytes.
[[nodiscard]] constexpr bool valid_page_size(std::uint32_t page_size) {
    return page_size >= 512 && page_size <= 65536 && std::has_single_bit(page_size);
}

/// The cumulative checksum of the WAL up to some frame.
struct Checksum {
    std::uint32_t first = 0;
    std::uint32_t second = 0;
    friend bool operator==(const Checksum&, const Checksum&) = default;
};

/// The byte order in which the checksum reads words: that of the machine that created the WAL.
enum class WordOrder : std::uint8_t { little, big };

/// Continues the checksum `start` over `bytes`, whose length is a multiple of eight.
[[nodiscard]] Checksum chain(Checksum start, ByteView bytes, WordOrder order);

struct Salts {
    std::uint32_t first = 0;
    std::uint32_t second = 0;
    friend bool operator==(const Salts&, const Salts&) = default;
};

struct Header {
    WordOrder order = WordOrder::little;
    std::uint32_t page_size = 0;  // bytes
    std::uint32_t sequence = 0;   // counts restarts within one connection; not a generation number
    Salts salts;
    Checksum checksum;  // the first frame's checksum continues it
    friend bool operator==(const Header&, const Header&) = default;
};

/// Parses the first 32 bytes. corrupt: wrong magic, version, page size or checksum, as happens
/// while the header is being written.
[[nodiscard]] Result<Header> parse_header(ByteView bytes);

struct Frame {
    std::uint32_t page = 0;    // number, from 1
    std::uint32_t commit = 0;  // of a commit frame: size of the database in pages, else 0
    Salts salts;
    Checksum checksum;
    friend bool operator==(const Frame&, const Frame&) = default;
};

/// Parses 24 bytes, without checks.
[[nodiscard]] Frame parse_frame(ByteView bytes);

/// Byte offset in the file of frame `number`, which counts from 1.
[[nodiscard]] constexpr std::int64_t frame_offset(std::uint32_t number, std::uint32_t page_size) {
    return static_cast<std::int64_t>(header_size) +
           (static_cast<std::int64_t>(number) - 1) *
               (static_cast<std::int64_t>(frame_header_size) + page_size);
}

/// Verifies the frames of one WAL generation in order, each by the checksum of the one before.
class Chain {
public:
    Chain(WordOrder order, Salts salts, Checksum start)
        : order_{order}, salts_{salts}, checksum_{start} {}

    /// `bytes` is one whole frame, header and page. Empty, and the chain unchanged, where the frame
    /// does not continue it: it is of another generation, partly written or absent.
    [[nodiscard]] std::optional<Frame> next(ByteView bytes);

    /// Of the last frame accepted.
    [[nodiscard]] Checksum checksum() const { return checksum_; }

private:
    WordOrder order_;
    Salts salts_;
    Checksum checksum_;
};

}  // namespace model::wal
