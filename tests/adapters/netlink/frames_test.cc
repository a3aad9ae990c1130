#include "adapters/netlink/frames.h"

#include <gtest/gtest.h>

namespace adapters::netlink {
namespace {

using model::IpAddress;

const MacAddress mac{0x02, 0, 0, 0, 0, 0x2a};
const IpAddress v4 = *model::parse_ip_address("192.0.2.7");
const IpAddress v6 = *model::parse_ip_address("2001:db8::12:3456");

// defects.md C30: one form of an announcement, by an external command, and none for IPv6.
TEST(Frames, AnAnnouncementSaysWhoHasTheAddress) {
    for (const bool as_reply : {false, true}) {
        const auto frame = arp_announcement(mac, v4, as_reply);
        ASSERT_EQ(frame.size(), 42U);
        EXPECT_EQ(frame.at(21), as_reply ? 2 : 1);
        EXPECT_EQ(claim_in_arp(frame), (Claim{.address = v4, .mac = mac}));
        // The target's address is the sender's, which makes it gratuitous.
        EXPECT_TRUE(std::equal(frame.begin() + 28, frame.begin() + 32, frame.begin() + 38));
        // And so is its hardware address in a reply; in a request it is not known.
        EXPECT_EQ(std::equal(frame.begin() + 22, frame.begin() + 28, frame.begin() + 32), as_reply);
    }
    const auto message = neighbour_advertisement(mac, v6);
    EXPECT_EQ(message.size(), 32U);
    EXPECT_EQ(message.at(4), 0x20) << "Override, not Solicited";
    EXPECT_EQ(claim_in_advertisement(message), (Claim{.address = v6, .mac = mac}));
}

TEST(Frames, AQuestionClaimsNothing) {
    const auto probe = arp_probe(mac, v4);
    EXPECT_EQ(probe.size(), 42U);
    EXPECT_TRUE(std::equal(probe.begin() + 38, probe.end(), v4.bytes.begin()));
    EXPECT_EQ(claim_in_arp(probe), std::nullopt);
    EXPECT_EQ(claim_in_advertisement(neighbour_solicitation(mac, v6)), std::nullopt);
    EXPECT_EQ(to_text(solicited_node(v6)), "ff02::1:ff12:3456");
}

TEST(Frames, WhatIsCutShortOrOfAnotherKindClaimsNothing) {
    const auto frame = arp_announcement(mac, v4, true);
    for (std::size_t size = 0; size < frame.size(); ++size)
        EXPECT_EQ(claim_in_arp({frame.data(), size}), std::nullopt) << size;
    auto padded = frame;  // as on a real network, where a frame has at least 60 bytes
    padded.resize(60);
    EXPECT_NE(claim_in_arp(padded), std::nullopt);
    for (const std::size_t at : {12U, 14U, 16U, 18U, 19U, 20U, 21U}) {
        auto other = frame;
        other.at(at) ^= 0x40;
        EXPECT_EQ(claim_in_arp(other), std::nullopt) << at;
    }
    const auto message = neighbour_advertisement(mac, v6);
    for (std::size_t size = 0; size < message.size(); ++size)
        EXPECT_EQ(claim_in_advertisement({message.data(), size}), std::nullopt) << size;
    auto endless = message;
    endless.at(25) = 0;  // an option of length zero
    EXPECT_EQ(claim_in_advertisement(endless), std::nullopt);
    auto long_option = message;
    long_option.at(25) = 2;
    EXPECT_EQ(claim_in_advertisement(long_option), std::nullopt);
}

TEST(Frames, AnOptionBeforeTheOneWithTheAddressIsSkipped) {
    auto message = neighbour_advertisement(mac, v6);
    const Packet nonce{14, 1, 1, 2, 3, 4, 5, 6};
    message.insert(message.begin() + 24, nonce.begin(), nonce.end());
    EXPECT_EQ(claim_in_advertisement(message), (Claim{.address = v6, .mac = mac}));
}

}  // namespace
}  // namespace adapters::netlink
