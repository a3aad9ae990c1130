#include "reconcilers/freshness.h"

#include <gtest/gtest.h>

namespace reconcilers {
namespace {

using namespace std::chrono_literals;

constexpr model::Instant changed{100s};

TEST(Freshness, EndsAfterThreeOfTheLongerHeartbeat) {
    EXPECT_TRUE(is_fresh(changed, 1000, 3s, changed + 9s - 1ns));
    EXPECT_FALSE(is_fresh(changed, 1000, 3s, changed + 9s));
    EXPECT_TRUE(is_fresh(changed, 5000, 3s, changed + 15s - 1ns));
    EXPECT_FALSE(is_fresh(changed, 5000, 3s, changed + 15s));
}

TEST(Freshness, TakesNoHeartbeatThatIsNotPlausible) {
    EXPECT_EQ(heartbeat_of(-1, 3s), 3s);
    EXPECT_EQ(heartbeat_of(60'000, 3s), 60s);
    EXPECT_EQ(heartbeat_of(std::int64_t{1} << 60, 3s), 60s);
}

}  // namespace
}  // namespace reconcilers
