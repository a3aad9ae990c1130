#include "model/join.h"

#include <gtest/gtest.h>

namespace model {
namespace {

TEST(Join, PutsTheSeparatorBetweenWords) {
    EXPECT_EQ(join({}, ", "), "");
    EXPECT_EQ(join({"a"}, ", "), "a");
    EXPECT_EQ(join({"a", "b", "c"}, ", "), "a, b, c");
}

}  // namespace
}  // namespace model
