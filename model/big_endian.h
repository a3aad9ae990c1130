// Big-endian integers, as LTX files and SQLite's WAL store them.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>

#include "model/bytes.h"

namespace model {

/// The first sizeof(T) bytes, which must be there.
template <std::integral T>
[[nodiscard]] T load_be(ByteView bytes) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i)
        value = value << 8U | std::to_integer<std::uint64_t>(bytes[i]);
    return static_cast<T>(value);
}

template <std::integral T>
void append_be(Bytes& out, T value) {
    for (std::size_t i = sizeof(T); i-- > 0;)
        out.push_back(static_cast<std::byte>(static_cast<std::uint64_t>(value) >> (8 * i)));
}

}  // namespace model
