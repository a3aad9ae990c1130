#include "model/ip_address.h"

#include <gtest/gtest.h>

#include "tests/support/result.h"

namespace model {
namespace {

std::string round(std::string_view text) {
    const auto prefix = parse_ip_prefix(text);
    return prefix ? to_text(*prefix) : "refused";
}

TEST(IpAddress, IsWrittenInOneForm) {
    EXPECT_EQ(round("192.0.2.7"), "192.0.2.7/32");
    EXPECT_EQ(round("0.0.0.0/1"), "0.0.0.0/1");
    EXPECT_EQ(round("255.255.255.255/32"), "255.255.255.255/32");
    EXPECT_EQ(round("2001:DB8:0:0:0:0:0:7"), "2001:db8::7/128");
    EXPECT_EQ(round("2001:0db8::0007/64"), "2001:db8::7/64");
    EXPECT_EQ(round("::"), "::/128");
    EXPECT_EQ(round("::1"), "::1/128");
    EXPECT_EQ(round("fe80::"), "fe80::/128");
    EXPECT_EQ(round("1:0:0:2:0:0:0:3"), "1:0:0:2::3/128");
    EXPECT_EQ(round("1:0:2:3:4:5:6:7"), "1:0:2:3:4:5:6:7/128");
    EXPECT_EQ(round("1:0:0:2:3:0:0:4"), "1::2:3:0:0:4/128");
    EXPECT_EQ(round("1:2:3:4:5:6:7::"), "1:2:3:4:5:6:7:0/128");
    EXPECT_EQ(round("::ffff:192.0.2.7"), "::ffff:c000:207/128");
}

TEST(IpAddress, AnythingElseIsRefused) {
    for (
        const auto* const text :
        {"",        "192.0.2",      "192.0.2.7.1", "192.0.2.256", "192.0.2.07", "192.0.2.",
         "a.b.c.d", "192.0.2.7 ",   ":",           ":::",         "1:2:3",      "1:2:3:4:5:6:7:8:9",
         "12345::", "fe80::1%eth0", "1::2::3",     "1:",          ":1",         "1:2:3:4:5:6:7:8::",
         "g::",     "::1.2.3",      "1.2.3.4::"})
        EXPECT_EQ(test_support::code_of(parse_ip_address(text)), Errc::invalid) << text;
}

// defects.md C31: a mask of zero, and prefixes of IPv6 that were refused.
TEST(IpAddress, TheLengthOfItsPrefixIsFromOneToThatOfTheAddress) {
    for (const auto* const text : {"192.0.2.7/0",
                                   "192.0.2.7/33",
                                   "192.0.2.7/",
                                   "192.0.2.7/x",
                                   "192.0.2.7/-1",
                                   "2001:db8::7/129",
                                   "2001:db8::7/0",
                                   "/24"})
        EXPECT_EQ(test_support::code_of(parse_ip_prefix(text)), Errc::invalid) << text;
    EXPECT_EQ(round("192.0.2.7/1"), "192.0.2.7/1");
    EXPECT_EQ(round("192.0.2.7/32"), "192.0.2.7/32");
    EXPECT_EQ(round("2001:db8::7/33"), "2001:db8::7/33");
    EXPECT_EQ(round("2001:db8::7/128"), "2001:db8::7/128");
}

// defects.md C28: 10.0.0.10 was "found" in 10.0.0.100.
TEST(IpAddress, IsComparedAsAWhole) {
    EXPECT_NE(*parse_ip_prefix("10.0.0.10/24"), *parse_ip_prefix("10.0.0.100/24"));
    EXPECT_NE(*parse_ip_prefix("10.0.0.10/24"), *parse_ip_prefix("10.0.0.10/25"));
    EXPECT_NE(*parse_ip_address("0.0.0.1"), *parse_ip_address("::1"));
    EXPECT_EQ(*parse_ip_address("fd00:0::1"), *parse_ip_address("FD00::1"));
}

TEST(IpAddress, OfAnInterfaceReadsAsTheCommandTakesIt) {
    EXPECT_EQ(to_text(VirtualAddress{.at = *parse_ip_prefix("192.0.2.7/24"), .interface = "eth0"}),
              "192.0.2.7/24 dev eth0");
    EXPECT_EQ(to_text(MacAddress{0x02, 0xab, 0, 0, 0, 0x1f}), "02:ab:00:00:00:1f");
}

}  // namespace
}  // namespace model
