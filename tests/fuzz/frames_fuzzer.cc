// Packets of other hosts that claim an address.
#include "adapters/netlink/frames.h"
#include "tests/fuzz/fuzz.h"

namespace {

using namespace adapters::netlink;
using Family = model::IpAddress::Family;

void check(const std::uint8_t* data, std::size_t size) {
    const PacketView packet{data, size};
    if (const auto claim = claim_in_arp(packet)) {
        fuzz::require(claim->address.family == Family::v4, "ARP is about IPv4");
        fuzz::require(claim->address != model::IpAddress{}, "a probe claims nothing");
        fuzz::require(claim_in_arp(arp_announcement(claim->mac, claim->address, true)) == claim,
                      "our own packet makes the same claim");
    }
    if (const auto claim = claim_in_advertisement(packet)) {
        fuzz::require(claim->address.family == Family::v6, "neighbour discovery is about IPv6");
        fuzz::require(
            claim_in_advertisement(neighbour_advertisement(claim->mac, claim->address)) == claim,
            "our own packet makes the same claim");
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    check(data, size);
    return 0;
}
