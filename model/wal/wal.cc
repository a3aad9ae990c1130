#include "model/wal/wal.h"

#include <bit>
#include <cstring>

#include "model/big_endian.h"

namespace model::wal {
namespace {

constexpr std::uint32_t magic_little = 0x377f0682;
constexpr std::uint32_t magic_big = 0x377f0683;
constexpr std::uint32_t version = 3007000;

template <bool swap>
Checksum chain_words(Checksum sum, ByteView bytes) {
    for (std::size_t i = 0; i + 8 <= bytes.size(); i += 8) {
        std::uint32_t words[2];
        std::memcpy(words, bytes.data() + i, sizeof words);
        if constexpr (swap) {
            words[0] = __builtin_bswap32(words[0]);
            words[1] = __builtin_bswap32(words[1]);
        }
        sum.first += words[0] + sum.second;
        sum.second += words[1] + sum.first;
    }
    return sum;
}

}  // namespace

Checksum chain(Checksum start, ByteView bytes, WordOrder order) {
    check(bytes.size() % 8 == 0, "the WAL checksum takes eight bytes at a time");
    const bool native_is_big = std::endian::native == std::endian::big;
    return (order == WordOrder::big) == native_is_big ? chain_words<false>(start, bytes)
                                                      : chain_words<true>(start, bytes);
}

Result<Header> parse_header(ByteView bytes) {
    if (bytes.size() < header_size) {
        return error(Errc::corrupt, "wal header: " + std::to_string(bytes.size()) + " of 32 bytes");
    }
    const auto field = [bytes](std::size_t i) {
        return load_be<std::uint32_t>(bytes.subspan(i * sizeof(std::uint32_t)));
    };
    if (field(0) != magic_little && field(0) != magic_big) {
        return error(Errc::corrupt, "wal header: no magic number of a WAL");
    }
    if (field(1) != version) {
        return error(Errc::corrupt, "wal header: unknown version " + std::to_string(field(1)));
    }
    const Header header{.order = field(0) == magic_big ? WordOrder::big : WordOrder::little,
                        .page_size = field(2),
                        .sequence = field(3),
                        .salts = {field(4), field(5)},
                        .checksum = {field(6), field(7)}};
    if (!valid_page_size(header.page_size)) {
        return error(Errc::corrupt, "wal header: page size " + std::to_string(header.page_size));
    }
    if (chain({}, bytes.first(24), header.order) != header.checksum) {
        return error(Errc::corrupt, "wal header: its checksum");
    }
    return header;
}

Frame parse_frame(ByteView bytes) {
    const auto field = [bytes](std::size_t i) {
        return load_be<std::uint32_t>(bytes.subspan(i * sizeof(std::uint32_t)));
    };
    return {.page = field(0),
            .commit = field(1),
            .salts = {field(2), field(3)},
            .checksum = {field(4), field(5)}};
}

std::optional<Frame> Chain::next(ByteView bytes) {
    const Frame frame = parse_frame(bytes);
    if (frame.salts != salts_ || frame.page == 0) return std::nullopt;
    const Checksum sum =
        chain(chain(checksum_, bytes.first(8), order_), bytes.subspan(frame_header_size), order_);
    if (sum != frame.checksum) return std::nullopt;
    checksum_ = sum;
    return frame;
}

}  // namespace model::wal
