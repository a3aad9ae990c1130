// A short hash of a text, to name files and to detect a torn record. Not a protection against an
// attacker.
#pragma once

#include <cstdint>
#include <string_view>

namespace model {

/// FNV-1a over 64 bits.
///
/// Source: draft-eastlake-fnv, "The FNV Non-Cryptographic Hash Algorithm", sections 2 and 5.
[[nodiscard]] constexpr std::uint64_t fnv1a(std::string_view text) {
    std::uint64_t hash = 0xcbf29ce484222325U;
    for (const char c : text)
        hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
    return hash;
}

}  // namespace model
