// Numbers that order reigns, data and messages. Numbers of different meaning never share a type.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "model/result.h"

namespace model {

/// Counts changes of primary, and fences them: every write to shared storage carries the epoch of
/// its author, and whoever has seen a larger one refuses it. Grows when the lease changes hands or
/// is adopted, stays on renewal. Zero: no node has been primary yet.
struct Epoch {
    std::uint64_t value = 0;
    [[nodiscard]] constexpr Epoch next() const { return {value + 1}; }
    friend constexpr auto operator<=>(Epoch, Epoch) = default;
};

/// The epoch in which a holder's data was promoted. Adoption keeps it: it names a lineage of data.
/// Zero: none.
struct Tenure {
    std::uint64_t value = 0;
    friend constexpr auto operator<=>(Tenure, Tenure) = default;
};

/// LTX transaction number, contiguous within the log. 0: none. 1: the first image of the database.
struct Txid {
    std::uint64_t value = 0;
    [[nodiscard]] constexpr Txid next() const { return {value + 1}; }
    friend constexpr auto operator<=>(Txid, Txid) = default;
};

/// Sequence of a message in the object stream. Zero: before the first.
struct Sequence {
    std::uint64_t value = 0;
    [[nodiscard]] constexpr Sequence next() const { return {value + 1}; }
    friend constexpr auto operator<=>(Sequence, Sequence) = default;
};

/// The revision of a KV entry, for compare-and-set only; it does not order reigns. Zero: the key
/// must not exist.
struct Revision {
    std::uint64_t value = 0;
    friend constexpr auto operator<=>(Revision, Revision) = default;
};

/// Where a node's data stands: positions of different tenures compare by tenure first, as in a Raft
/// log.
struct Position {
    Tenure tenure;
    Txid txid;
    friend constexpr auto operator<=>(Position, Position) = default;
};

/// Sixteen lower-case hexadecimal digits, as LTX names and markers carry numbers.
[[nodiscard]] std::string to_hex16(std::uint64_t value);

/// Parses exactly sixteen lower-case hexadecimal digits. invalid: anything else.
[[nodiscard]] Result<std::uint64_t> parse_hex16(std::string_view text);

/// Parses decimal digits. invalid: empty, anything but digits, or above 2^64 - 1.
[[nodiscard]] Result<std::uint64_t> parse_number(std::string_view text);

}  // namespace model
