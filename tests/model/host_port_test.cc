#include "model/host_port.h"

#include <gtest/gtest.h>

namespace model {
namespace {

TEST(HostPort, IsReadStrictly) {
    EXPECT_EQ(*parse_host_port("a:1"), (HostPort{"a", 1}));
    EXPECT_EQ(*parse_host_port("[::1]:65535"), (HostPort{"::1", 65535}));
    EXPECT_EQ(to_text(HostPort{"::1", 2}), "[::1]:2");
    for (const auto* bad :
         {"", ":", "a", "a:", ":1", "a:0", "a:65536", "a:-1", "a:1x", "::1:2", "a b:1", "[]:1"})
        EXPECT_FALSE(parse_host_port(bad)) << bad;
}

}  // namespace
}  // namespace model
