// When the node process kills in the warden's place.
#include "model/second_belt.h"

#include <gtest/gtest.h>

#include <chrono>

namespace model {
namespace {

using namespace std::chrono_literals;

constexpr auto margin = 2s;  // so the strike comes 1 s before the lease ends, the belt 750 ms

Instant at(std::chrono::milliseconds since_boot) { return Instant{since_boot}; }

TEST(SecondBelt, StrikesAnEighthOfTheMarginAfterTheStrikeTimeAndNotBefore) {
    const WardenWatch watch{.valid_until = at(10s), .dropped_at = {}};
    auto plan = plan_belt(watch, margin, at(9'249ms));
    EXPECT_FALSE(plan.strike);
    EXPECT_EQ(plan.again, at(9'250ms));
    plan = plan_belt(watch, margin, at(9'250ms));
    EXPECT_TRUE(plan.strike);
    EXPECT_EQ(plan.reason, "strike_time");
    EXPECT_EQ(plan.due, at(9s));
}

TEST(SecondBelt, LeavesThreeEighthsOfTheShortestMarginBeforeTheLeaseEnds) {
    const WardenWatch watch{.valid_until = at(10s), .dropped_at = {}};
    const auto plan = plan_belt(watch, 500ms, at(0ms));
    ASSERT_TRUE(plan.again);
    EXPECT_LE(*plan.again, at(10s) - 187ms);
}

TEST(SecondBelt, HasNothingToDoWhereTheWardenHoldsNoDeadline) {
    EXPECT_EQ(plan_belt({}, margin, at(1h)), BeltPlan{});
}

// A strike of the warden shows as a deadline of none, a renewal as a later one.
TEST(SecondBelt, IsHeldOffByWhatIsHeardOfTheWarden) {
    const auto now = at(9'500ms);
    EXPECT_TRUE(plan_belt({.valid_until = at(10s), .dropped_at = {}}, margin, now).strike);
    EXPECT_FALSE(plan_belt({.valid_until = at(12s), .dropped_at = {}}, margin, now).strike);
    EXPECT_FALSE(plan_belt({}, margin, now).strike);
}

TEST(SecondBelt, WaitsForNoStrikeTimeOnceTheNodeIsDeposed) {
    const WardenWatch watch{.valid_until = at(10s), .dropped_at = at(3s)};
    EXPECT_FALSE(plan_belt(watch, margin, at(3'249ms)).strike);
    EXPECT_EQ(plan_belt(watch, margin, at(3'249ms)).again, at(3'250ms));
    const auto plan = plan_belt(watch, margin, at(3'250ms));
    EXPECT_TRUE(plan.strike);
    EXPECT_EQ(plan.reason, "deposed");
}

// The message may be lost with a warden that was never heard of.
TEST(SecondBelt, StrikesForADeposedNodeWhoseWardenSaidNothingYet) {
    EXPECT_TRUE(plan_belt({.valid_until = {}, .dropped_at = at(3s)}, margin, at(4s)).strike);
}

TEST(SecondBelt, AfterASuspendItStrikesAtOnce) {
    const WardenWatch watch{.valid_until = at(10s), .dropped_at = {}};
    EXPECT_TRUE(plan_belt(watch, margin, at(24h)).strike);
}

}  // namespace
}  // namespace model
