#include "model/wal/index.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "model/big_endian.h"

namespace model::wal {
namespace {

constexpr std::uint32_t version = 3007000;
constexpr std::size_t checksum_offset = 40;

template <typename T>
T native(ByteView bytes, std::size_t offset) {
    T value{};
    std::memcpy(&value, bytes.data() + offset, sizeof value);
    return value;
}

}  // namespace

Result<Index> parse_index(ByteView bytes) {
    if (bytes.size() < index_size) return error(Errc::unavailable, "wal-index: not there yet");
    const auto first = bytes.first(index_header_size);
    const auto second = bytes.subspan(index_header_size, index_header_size);
    if (!std::equal(first.begin(), first.end(), second.begin())) {
        return error(Errc::unavailable, "wal-index: its two headers differ");
    }
    if (first[12] == std::byte{0}) return error(Errc::unavailable, "wal-index: not made yet");
    constexpr auto order =
        std::endian::native == std::endian::big ? WordOrder::big : WordOrder::little;
    const Checksum stored{native<std::uint32_t>(first, checksum_offset),
                          native<std::uint32_t>(first, checksum_offset + 4)};
    if (chain({}, first.first(checksum_offset), order) != stored) {
        return error(Errc::unavailable, "wal-index: its checksum");
    }
    if (native<std::uint32_t>(first, 0) != version) {
        return error(
            Errc::invalid,
            "wal-index: unknown version " + std::to_string(native<std::uint32_t>(first, 0)));
    }
    // 65536 does not fit the 16-bit field; SQLite stores 1.
    const std::uint32_t stored_size = native<std::uint16_t>(first, 14);
    const std::uint32_t page_size = stored_size == 1 ? 65536 : stored_size;
    const auto frames = native<std::uint32_t>(first, 16);
    if (!valid_page_size(page_size) && (page_size != 0 || frames != 0)) {
        return error(Errc::invalid, "wal-index: page size " + std::to_string(page_size));
    }
    return Index{.change = native<std::uint32_t>(first, 8),
                 .order = first[13] == std::byte{0} ? WordOrder::little : WordOrder::big,
                 .page_size = page_size,
                 .frames = frames,
                 .pages = native<std::uint32_t>(first, 20),
                 .checksum = {native<std::uint32_t>(first, 24), native<std::uint32_t>(first, 28)},
                 .salts = {load_be<std::uint32_t>(first.subspan(32)),
                           load_be<std::uint32_t>(first.subspan(36))},
                 .backfilled = native<std::uint32_t>(bytes, 2 * index_header_size)};
}

}  // namespace model::wal
