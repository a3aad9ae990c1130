// The checksums of LTX files: CRC-64/GO-ISO over files and pages. Source: LTX format, version 3.
#pragma once

#include <cstdint>

#include "model/bytes.h"

namespace model::ltx {

/// Set in every stored checksum, so that 0 can mean "none".
inline constexpr std::uint64_t checksum_flag = std::uint64_t{1} << 63;

/// CRC-64/GO-ISO: reflected polynomial D800000000000000, all ones before and after.
class Crc64 {
public:
    void update(ByteView bytes);
    [[nodiscard]] std::uint64_t value() const { return ~state_; }

private:
    std::uint64_t state_ = ~std::uint64_t{0};
};

/// Checksum of one page and its number, with the flag set.
[[nodiscard]] std::uint64_t page_checksum(std::uint32_t number, ByteView page);

/// The checksum of a whole database, independent of the order of its pages. To update a page,
/// toggle its old checksum, then its new one. The caller leaves out the lock page.
class DatabaseChecksum {
public:
    /// Adds the page with this checksum, or removes it if it was added before.
    void toggle(std::uint64_t page) { value_ = (value_ ^ page) | checksum_flag; }
    [[nodiscard]] std::uint64_t value() const { return value_; }

private:
    std::uint64_t value_ = checksum_flag;
};

}  // namespace model::ltx
