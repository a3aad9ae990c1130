// SQLite's write-ahead log, bytes in, values out. Source: SQLite file format, section 4, "The
// Write-Ahead Log".
#pragma once

#include <cstdint>
#include <optional>

#include "model/bytes.h"
#include "model/result.h"

namespace model::wal {

inline constexpr std::size_t header_size = 32;
inline constexpr std::size_t frame_header_size = 24;

/// The cumulative checksum of everything up to a place in the WAL.
struct Checksum {
    std::uint32_t first = 0;
    std::uint32_t second = 0;
    friend bool operator==(const Checksum&, const Checksum&) = default;
};

/// Which way round the checksum reads its words: the byte order of the machine that made the WAL.
enum class WordOrder : std::uint8_t { little, big };

/// Goes on from `start` over `bytes`, whose length is a multiple of eight.
[[nodiscard]] Checksum chain(Checksum start, ByteView bytes, WordOrder order);

struct Salts {
    std::uint32_t first = 0;
    std::uint32_t second = 0;
    friend bool operator==(const Salts&, const Salts&) = default;
};

struct Header {
    WordOrder order = WordOrder::little;
    std::uint32_t page_size = 0;  // bytes
    std::uint32_t sequence = 0;   // counts resets of one connection: no generation number
    Salts salts;
    Checksum checksum;  // the first frame continues it
    friend bool operator==(const Header&, const Header&) = default;
};

/// Needs the first 32 bytes. corrupt: magic, version, page size or checksum are wrong, as they are
/// while the header is being written.
[[nodiscard]] Result<Header> parse_header(ByteView bytes);

struct Frame {
    std::uint32_t page = 0;  // number, from 1
    std::uint32_t commit =
        0;  // size of the database in pages where a transaction ends here, else 0
    Salts salts;
    Checksum checksum;
    friend bool operator==(const Frame&, const Frame&) = default;
};

/// Needs 24 bytes. Nothing is checked.
[[nodiscard]] Frame parse_frame(ByteView bytes);

/// Offset in the file, in bytes, of frame `number`, from 1.
[[nodiscard]] constexpr std::int64_t frame_offset(std::uint32_t number, std::uint32_t page_size) {
    return static_cast<std::int64_t>(header_size) +
           (static_cast<std::int64_t>(number) - 1) *
               (static_cast<std::int64_t>(frame_header_size) + page_size);
}

/// Walks the frames of one generation in order and proves each by the one before it.
class Chain {
public:
    Chain(WordOrder order, Salts salts, Checksum start)
        : order_{order}, salts_{salts}, checksum_{start} {}

    /// `bytes` is one whole frame, header and page. Empty where it does not continue the chain: it
    /// is of another generation, or not wholly written, or there is none. The chain stays then.
    [[nodiscard]] std::optional<Frame> next(ByteView bytes);

    /// Of the last frame taken.
    [[nodiscard]] Checksum checksum() const { return checksum_; }

private:
    WordOrder order_;
    Salts salts_;
    Checksum checksum_;
};

}  // namespace model::wal
