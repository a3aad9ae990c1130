#include "model/fnv.h"

#include <gtest/gtest.h>

namespace model {
namespace {

// Test vectors of the draft.
TEST(Fnv, IsThePublishedFunction) {
    EXPECT_EQ(fnv1a(""), 0xcbf29ce484222325U);
    EXPECT_EQ(fnv1a("a"), 0xaf63dc4c8601ec8cU);
    EXPECT_EQ(fnv1a("foobar"), 0x85944171f73967e8U);
}

TEST(Fnv, TakesEveryByteForWhatItIs) {
    EXPECT_NE(fnv1a("\xff"), fnv1a("\x7f"));
    EXPECT_NE(fnv1a(std::string_view("\0", 1)), fnv1a(""));
}

}  // namespace
}  // namespace model
