// The packets that say on the network who has an address; pure. Sources: RFC 826 and RFC 5227
// (ARP), RFC 4861 (neighbour discovery).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "model/ip_address.h"

namespace adapters::netlink {

using model::MacAddress;
using Packet = std::vector<std::uint8_t>;
using PacketView = std::span<const std::uint8_t>;

/// Ethernet frames with an ARP packet, 42 bytes, to all hosts of the link.
/// Asks who has `target`; its sender's address is 0.0.0.0, so that no host takes it for an owner.
[[nodiscard]] Packet arp_probe(const MacAddress& mac, const model::IpAddress& target);
/// Says that `mac` has `address`. Some hosts take only the one form, some only the other.
[[nodiscard]] Packet arp_announcement(const MacAddress& mac,
                                      const model::IpAddress& address,
                                      bool as_reply);

/// ICMPv6 messages; the kernel fills in the checksum.
[[nodiscard]] Packet neighbour_solicitation(const MacAddress& mac, const model::IpAddress& target);
/// Unsolicited, with the flag Override.
[[nodiscard]] Packet neighbour_advertisement(const MacAddress& mac,
                                             const model::IpAddress& address);
/// The group at which the owner of `target` listens.
[[nodiscard]] model::IpAddress solicited_node(const model::IpAddress& target);

/// Who says in a packet that it has which address.
struct Claim {
    model::IpAddress address;
    MacAddress mac{};
    friend bool operator==(const Claim&, const Claim&) = default;
};
/// From an Ethernet frame with ARP; empty: it claims nothing, or is no such frame.
[[nodiscard]] std::optional<Claim> claim_in_arp(PacketView frame);
/// From an ICMPv6 message; one without the sender's link-layer address claims nothing that could be
/// told from our own.
[[nodiscard]] std::optional<Claim> claim_in_advertisement(PacketView message);

}  // namespace adapters::netlink
