#include "adapters/netlink/frames.h"

#include <algorithm>
#include <cstddef>
#include <initializer_list>

namespace adapters::netlink {
namespace {

using model::IpAddress;

constexpr std::size_t ethernet_header = 14;
constexpr std::size_t arp_frame = ethernet_header + 28;
constexpr std::uint8_t request = 1;
constexpr std::uint8_t reply = 2;
constexpr MacAddress everybody{0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

constexpr std::uint8_t solicitation = 135;
constexpr std::uint8_t advertisement = 136;
constexpr std::size_t message_header = 24;  // up to the options
constexpr std::uint8_t override_flag = 0x20;
constexpr std::uint8_t source_option = 1;
constexpr std::uint8_t target_option = 2;
constexpr std::size_t option_unit = 8;  // bytes; also the length of a link-layer option

// Ethernet, IPv4, with addresses of 6 and 4 bytes: hardware and protocol of an ARP packet.
constexpr std::initializer_list<std::uint8_t> arp_header{0, 1, 8, 0, 6, 4, 0};

void append(Packet& to, std::initializer_list<std::uint8_t> bytes) {
    to.insert(to.end(), bytes.begin(), bytes.end());
}
void append(Packet& to, const MacAddress& mac) { to.insert(to.end(), mac.begin(), mac.end()); }
void append(Packet& to, const IpAddress& address) {
    to.insert(to.end(),
              address.bytes.begin(),
              address.bytes.begin() + static_cast<std::ptrdiff_t>(address.size()));
}

Packet arp(std::uint8_t operation,
           const MacAddress& from,
           const IpAddress& sender,
           const MacAddress& target_mac,
           const IpAddress& target) {
    Packet frame;
    append(frame, everybody);
    append(frame, from);
    append(frame, {0x08, 0x06});
    append(frame, arp_header);
    append(frame, {operation});
    append(frame, from);
    append(frame, sender);
    append(frame, target_mac);
    append(frame, target);
    return frame;
}

Packet neighbour(std::uint8_t type,
                 std::uint8_t flags,
                 const IpAddress& target,
                 std::uint8_t option,
                 const MacAddress& mac) {
    Packet message;
    append(message, {type, 0, 0, 0, flags, 0, 0, 0});
    append(message, target);
    append(message, {option, 1});
    append(message, mac);
    return message;
}

IpAddress address_at(PacketView bytes, std::size_t at, IpAddress::Family family) {
    IpAddress address{.family = family};
    std::copy_n(
        bytes.begin() + static_cast<std::ptrdiff_t>(at), address.size(), address.bytes.begin());
    return address;
}

MacAddress mac_at(PacketView bytes, std::size_t at) {
    MacAddress mac{};
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), mac.size(), mac.begin());
    return mac;
}

}  // namespace

Packet arp_probe(const MacAddress& mac, const IpAddress& target) {
    return arp(request, mac, {}, {}, target);
}

Packet arp_announcement(const MacAddress& mac, const IpAddress& address, bool as_reply) {
    // In a reply, the target's hardware address is the sender's: Linux takes no other one for
    // gratuitous.
    if (as_reply) return arp(reply, mac, address, mac, address);
    return arp(request, mac, address, {}, address);
}

Packet neighbour_solicitation(const MacAddress& mac, const IpAddress& target) {
    return neighbour(solicitation, 0, target, source_option, mac);
}

Packet neighbour_advertisement(const MacAddress& mac, const IpAddress& address) {
    return neighbour(advertisement, override_flag, address, target_option, mac);
}

IpAddress solicited_node(const IpAddress& target) {
    IpAddress group{.family = IpAddress::Family::v6,
                    .bytes = {0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x01, 0xff}};
    std::copy(target.bytes.begin() + 13, target.bytes.end(), group.bytes.begin() + 13);
    return group;
}

std::optional<Claim> claim_in_arp(PacketView frame) {
    if (frame.size() < arp_frame) return {};
    const bool is_arp =
        frame[12] == 0x08 && frame[13] == 0x06 &&
        std::equal(arp_header.begin(), arp_header.end(), frame.begin() + ethernet_header);
    const auto operation = frame[ethernet_header + arp_header.size()];
    if (!is_arp || (operation != request && operation != reply)) return {};
    const Claim claim{.address = address_at(frame, 28, IpAddress::Family::v4),
                      .mac = mac_at(frame, 22)};
    if (claim.address == IpAddress{}) return {};  // a probe
    return claim;
}

std::optional<Claim> claim_in_advertisement(PacketView message) {
    if (message.size() < message_header || message[0] != advertisement || message[1] != 0)
        return {};
    for (auto at = message_header; at + option_unit <= message.size();) {
        const std::size_t length = message[at + 1] * option_unit;
        if (length == 0) return {};
        if (message[at] == target_option && length == option_unit) {
            return Claim{.address = address_at(message, 8, IpAddress::Family::v6),
                         .mac = mac_at(message, at + 2)};
        }
        at += length;
    }
    return {};
}

}  // namespace adapters::netlink
