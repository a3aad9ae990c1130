// Unsigned LEB128, as the page index of an LTX file stores its numbers.
#pragma once

#include <cstdint>

#include "model/bytes.h"

namespace model::ltx {

inline void append_varint(Bytes& out, std::uint64_t value) {
    for (; value >= 0x80; value >>= 7U)
        out.push_back(static_cast<std::byte>((value & 0x7fU) | 0x80U));
    out.push_back(static_cast<std::byte>(value));
}

/// Appends one entry of the page index: offset and length of a page's frame, its header included.
inline void append_index_entry(Bytes& out,
                               std::uint32_t page,
                               std::uint64_t offset,
                               std::uint64_t length) {
    append_varint(out, page);
    append_varint(out, offset);
    append_varint(out, length);
}

}  // namespace model::ltx
