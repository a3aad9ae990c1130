#include "tests/soak/judge.h"

#include <gtest/gtest.h>

namespace soak {
namespace {

// One sample a second; each figure grows by so much from one to the next.
std::vector<Sample> samples(double fds, double rss_kb, double rate, double rate_grows = 0) {
    std::vector<Sample> all;
    double switches = 0;
    for (int i = 0; i < 40; ++i) {
        switches += rate + rate_grows * i;
        all.push_back({.seconds = 1.0 * i,
                       .fds = 20 + fds * i,
                       .rss_kb = 20'000 + rss_kb * i,
                       .switches = switches});
    }
    return all;
}

TEST(SoakJudge, IsContentWithWhatStays) {
    const auto growth = judge(samples(0, 0, 50));
    EXPECT_TRUE(growth.too_much.empty());
    EXPECT_EQ(growth.rate_before, 50);
    EXPECT_EQ(growth.rate_after, 50);
}

TEST(SoakJudge, SeesEachFigureGrow) {
    const auto leak = judge(samples(0.1, 0, 50));
    ASSERT_EQ(leak.too_much.size(), 1U);
    EXPECT_EQ(leak.too_much.front().rfind("open files grew from ", 0), 0U);
    const auto memory = judge(samples(0, 100, 50));
    ASSERT_EQ(memory.too_much.size(), 1U);
    EXPECT_EQ(memory.too_much.front().rfind("RSS in kB grew from ", 0), 0U);
    const auto wakeups = judge(samples(0, 0, 50, 1));
    ASSERT_EQ(wakeups.too_much.size(), 1U);
    EXPECT_EQ(wakeups.too_much.front().rfind("wake-ups in a second grew from ", 0), 0U);
}

TEST(SoakJudge, OfTooFewSamplesItSaysNothingGood) {
    EXPECT_FALSE(judge({{}, {}, {}, {}, {}, {}, {}}).too_much.empty());
}

}  // namespace
}  // namespace soak
