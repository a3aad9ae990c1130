#include "model/ltx/checksum.h"

#include <array>
#include <bit>
#include <cstring>

#include "model/big_endian.h"

namespace model::ltx {
namespace {

using Table = std::array<std::uint64_t, 256>;

/// Eight tables process eight bytes a step; byte by byte, the CRC would dominate the cost of
/// encoding.
constexpr std::array<Table, 8> make_tables() {
    constexpr std::uint64_t polynomial = 0xd800000000000000;
    std::array<Table, 8> tables{};
    for (std::uint64_t i = 0; i < 256; ++i) {
        std::uint64_t crc = i;
        for (int bit = 0; bit < 8; ++bit)
            crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? polynomial : 0);
        tables[0][i] = crc;
    }
    for (std::size_t k = 1; k < 8; ++k) {
        for (std::size_t i = 0; i < 256; ++i) {
            const std::uint64_t before = tables[k - 1][i];
            tables[k][i] = tables[0][before & 0xffU] ^ (before >> 8U);
        }
    }
    return tables;
}

constexpr std::array<Table, 8> tables = make_tables();

static_assert(std::endian::native == std::endian::little, "the eight-byte step loads words as is");

}  // namespace

void Crc64::update(ByteView bytes) {
    std::uint64_t crc = state_;
    const std::byte* at = bytes.data();
    std::size_t left = bytes.size();
    for (; left >= 8; left -= 8, at += 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, at, sizeof word);
        word ^= crc;
        crc = tables[7][word & 0xffU] ^ tables[6][(word >> 8U) & 0xffU] ^
              tables[5][(word >> 16U) & 0xffU] ^ tables[4][(word >> 24U) & 0xffU] ^
              tables[3][(word >> 32U) & 0xffU] ^ tables[2][(word >> 40U) & 0xffU] ^
              tables[1][(word >> 48U) & 0xffU] ^ tables[0][word >> 56U];
    }
    for (; left > 0; --left, ++at) {
        crc = tables[0][(crc ^ std::to_integer<std::uint64_t>(*at)) & 0xffU] ^ (crc >> 8U);
    }
    state_ = crc;
}

std::uint64_t page_checksum(std::uint32_t number, ByteView page) {
    Bytes prefix;
    prefix.reserve(sizeof number);
    append_be(prefix, number);
    Crc64 crc;
    crc.update(prefix);
    crc.update(page);
    return crc.value() | checksum_flag;
}

}  // namespace model::ltx
