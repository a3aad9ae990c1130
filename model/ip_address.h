// Addresses of the Internet protocols as values: text and exact comparison, never of parts of a
// text.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "model/result.h"

namespace model {

struct IpAddress {
    enum class Family : std::uint8_t { v4, v6 };
    Family family = Family::v4;
    std::array<std::uint8_t, 16> bytes{};  // in network order; of an IPv4 address the first four

    /// Bytes in use: 4 or 16.
    [[nodiscard]] std::size_t size() const { return family == Family::v4 ? 4 : 16; }
    /// Length of the prefix of the address alone: 32 or 128 bits.
    [[nodiscard]] int host_prefix() const { return static_cast<int>(size()) * 8; }
    friend auto operator<=>(const IpAddress&, const IpAddress&) = default;
};

/// Parses "192.0.2.7" or "2001:db8::7". invalid: anything else, also a zone ("fe80::1%eth0") and a
/// number with leading zeros in an IPv4 address, which some programs read as octal.
[[nodiscard]] Result<IpAddress> parse_ip_address(std::string_view text);
/// One text for each address: IPv6 as RFC 5952 writes it.
[[nodiscard]] std::string to_text(const IpAddress& address);

/// An address as an interface has it.
struct IpPrefix {
    IpAddress address;
    int length = 32;  // bits of the prefix that is on the same link
    friend auto operator<=>(const IpPrefix&, const IpPrefix&) = default;
};

/// Parses "192.0.2.7/24"; without a slash, the prefix is the address alone. invalid: no address, or
/// a length that is not from 1 to 32 (IPv4) or 128 (IPv6).
[[nodiscard]] Result<IpPrefix> parse_ip_prefix(std::string_view text);
[[nodiscard]] std::string to_text(const IpPrefix& prefix);

/// A virtual address: it is where the lease is, and nowhere else.
struct VirtualAddress {
    IpPrefix at;
    std::string interface;  // the name; its index changes when it is created again
    friend auto operator<=>(const VirtualAddress&, const VirtualAddress&) = default;
};

/// "192.0.2.7/24 dev eth0", as `ip addr` takes it.
[[nodiscard]] std::string to_text(const VirtualAddress& address);

/// "02:00:00:00:00:01".
using MacAddress = std::array<std::uint8_t, 6>;
[[nodiscard]] std::string to_text(const MacAddress& mac);

}  // namespace model
