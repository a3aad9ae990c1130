#include "model/ip_address.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "model/ids.h"

namespace model {
namespace {

constexpr std::size_t groups = 8;  // of an IPv6 address, 16 bits each
constexpr std::string_view digits = "0123456789abcdef";

Error wrong(std::string_view text) {
    return error(Errc::invalid, "'" + std::string{text} + "' is no IPv4 or IPv6 address");
}

std::optional<IpAddress> parse_v4(std::string_view text) {
    IpAddress address;
    for (std::size_t i = 0; i < 4; ++i) {
        const auto dot = i < 3 ? text.find('.') : text.size();
        if (dot == std::string_view::npos) return {};
        const auto part = text.substr(0, dot);
        const auto number = parse_number(part);
        if (!number || *number > 255 || (part.size() > 1 && part.front() == '0')) return {};
        address.bytes.at(i) = static_cast<std::uint8_t>(*number);
        text.remove_prefix(std::min(dot + 1, text.size()));
    }
    return address;
}

/// One to four hexadecimal digits.
std::optional<unsigned> parse_group(std::string_view text) {
    if (text.empty() || text.size() > 4) return {};
    unsigned value = 0;
    for (const char c : text) {
        const auto digit =
            digits.find(c >= 'A' && c <= 'F' ? static_cast<char>(c + ('a' - 'A')) : c);
        if (digit == std::string_view::npos) return {};
        value = value * 16 + static_cast<unsigned>(digit);
    }
    return value;
}

/// The bytes of groups separated by colons; the last may be an IPv4 address. "" has none.
std::optional<std::vector<std::uint8_t>> parse_groups(std::string_view text) {
    std::vector<std::uint8_t> bytes;
    while (!text.empty()) {
        const auto colon = text.find(':');
        const auto part = text.substr(0, colon);
        if (colon == std::string_view::npos && part.find('.') != std::string_view::npos) {
            const auto v4 = parse_v4(part);
            if (!v4) return {};
            bytes.insert(bytes.end(), v4->bytes.begin(), v4->bytes.begin() + 4);
            return bytes;
        }
        const auto group = parse_group(part);
        if (!group) return {};
        bytes.push_back(static_cast<std::uint8_t>(*group >> 8));
        bytes.push_back(static_cast<std::uint8_t>(*group & 0xff));
        if (colon == std::string_view::npos) break;
        text.remove_prefix(colon + 1);
        if (text.empty()) return {};  // ends with a colon
    }
    return bytes;
}

std::optional<IpAddress> parse_v6(std::string_view text) {
    IpAddress address{.family = IpAddress::Family::v6};
    const auto gap = text.find("::");
    const auto head = parse_groups(text.substr(0, gap));
    if (!head) return {};
    if (gap == std::string_view::npos) {
        if (head->size() != address.bytes.size()) return {};
        std::copy(head->begin(), head->end(), address.bytes.begin());
        return address;
    }
    if (text.substr(0, gap).find('.') != std::string_view::npos) return {};
    const auto tail = parse_groups(text.substr(gap + 2));
    if (!tail || head->size() + tail->size() > address.bytes.size() - 2) return {};
    std::copy(head->begin(), head->end(), address.bytes.begin());
    std::copy_backward(tail->begin(), tail->end(), address.bytes.end());
    return address;
}

std::string v4_text(const IpAddress& address) {
    std::string text;
    for (std::size_t i = 0; i < 4; ++i)
        text += (i == 0 ? "" : ".") + std::to_string(address.bytes.at(i));
    return text;
}

std::string hex(unsigned value) {
    std::string text;
    do {
        text.insert(text.begin(), digits[value & 0xfU]);
        value >>= 4U;
    } while (value != 0);
    return text;
}

std::string v6_text(const IpAddress& address) {
    std::array<unsigned, groups> values{};
    for (std::size_t i = 0; i < groups; ++i)
        values.at(i) = address.bytes.at(2 * i) * 256U + address.bytes.at(2 * i + 1);
    // The longest run of zeros, if it is longer than one group; of several the first.
    std::size_t from = groups;
    std::size_t length = 1;
    for (std::size_t i = 0; i < groups; ++i) {
        std::size_t run = 0;
        while (i + run < groups && values.at(i + run) == 0)
            ++run;
        if (run > length) {
            from = i;
            length = run;
        }
    }
    std::string text;
    for (std::size_t i = 0; i < groups; ++i) {
        if (i == from) {
            text += "::";
            i += length - 1;
            continue;
        }
        if (!text.empty() && text.back() != ':') text += ':';
        text += hex(values.at(i));
    }
    return text;
}

}  // namespace

Result<IpAddress> parse_ip_address(std::string_view text) {
    const bool v6 = text.find(':') != std::string_view::npos;
    auto address = v6 ? parse_v6(text) : parse_v4(text);
    if (!address) return wrong(text);
    return *address;
}

std::string to_text(const IpAddress& address) {
    return address.family == IpAddress::Family::v4 ? v4_text(address) : v6_text(address);
}

Result<IpPrefix> parse_ip_prefix(std::string_view text) {
    const auto slash = text.find('/');
    auto address = parse_ip_address(text.substr(0, slash));
    if (!address) return std::move(address).error();
    IpPrefix prefix{.address = *address, .length = address->host_prefix()};
    if (slash == std::string_view::npos) return prefix;
    const auto length = parse_number(text.substr(slash + 1));
    if (!length || *length < 1 || *length > static_cast<std::uint64_t>(prefix.length)) {
        return error(Errc::invalid,
                     "'" + std::string{text} + "': the length of a prefix is from 1 to " +
                         std::to_string(prefix.length));
    }
    prefix.length = static_cast<int>(*length);
    return prefix;
}

std::string to_text(const IpPrefix& prefix) {
    return to_text(prefix.address) + "/" + std::to_string(prefix.length);
}

std::string to_text(const VirtualAddress& address) {
    return to_text(address.at) + " dev " + address.interface;
}

std::string to_text(const MacAddress& mac) {
    std::string text;
    for (const auto byte : mac) {
        if (!text.empty()) text += ':';
        text += digits[byte >> 4U];
        text += digits[byte & 0xfU];
    }
    return text;
}

}  // namespace model
