// When a reconciler's thread runs a pass.
#include "app/runner.h"

#include <gtest/gtest.h>

#include <atomic>
#include <vector>

#include "tests/support/eventually.h"

namespace app {
namespace {

using namespace std::chrono_literals;
using test_support::eventually;

/// Does not advance: how long a thread waits depends only on the time named by its pass.
class FixedClock final : public reconcilers::ports::Clock {
public:
    [[nodiscard]] model::Instant now() const override { return model::Instant{100s}; }
    [[nodiscard]] model::WallTime wall() const override { return {}; }
};

class RunnerTest : public testing::Test {
protected:
    /// Starts passes that return `wake_at`.
    void start(model::Instant wake_at) {
        runner_.start([this, wake_at](bool hinted) {
            if (hinted) ++hinted_;
            ++passes_;
            return wake_at;
        });
    }
    bool made(int passes) {
        return eventually([&] { return passes_ >= passes; });
    }
    /// No further pass comes within several times the time of a wake-up.
    bool quiet_at(int passes) {
        return !eventually([&] { return passes_ != passes; }, 100ms);
    }

    FixedClock clock_;
    std::atomic<int> passes_ = 0;
    std::atomic<int> hinted_ = 0;
    std::atomic<bool> go_on_ = false;  // set by the test; a pass waits for it
    Runner runner_{clock_};
};

constexpr model::Instant in_an_hour{100s + 3600s};

TEST_F(RunnerTest, BeginsWithAPassThatReadsEverything) {
    start(in_an_hour);
    ASSERT_TRUE(made(1));
    EXPECT_TRUE(quiet_at(1));
    EXPECT_EQ(hinted_, 1);
}

TEST_F(RunnerTest, AWakeUpMakesAPassAndOnlyAHintSaysSo) {
    start(in_an_hour);
    ASSERT_TRUE(made(1));
    runner_.wake();
    ASSERT_TRUE(made(2));
    EXPECT_EQ(hinted_, 1);
    runner_.hint();
    ASSERT_TRUE(made(3));
    EXPECT_EQ(hinted_, 2);
    EXPECT_TRUE(quiet_at(3));
}

TEST_F(RunnerTest, ComesBackWhenThePassNamesATimeThatIsNear) {
    start(model::Instant{100s + 1ms});
    EXPECT_TRUE(made(5));
    EXPECT_EQ(hinted_, 1);
}

TEST_F(RunnerTest, ATimeThatIsOverIsNow) {
    start(model::Instant{99s});
    EXPECT_TRUE(made(100));
}

// A suspend stops the clock of the wait, but not the clock of deadlines.
TEST_F(RunnerTest, ChecksOnceASecondAtTheLatest) {
    start(in_an_hour);
    const auto began = std::chrono::steady_clock::now();
    ASSERT_TRUE(made(2));
    EXPECT_GE(std::chrono::steady_clock::now() - began, 900ms);
}

TEST_F(RunnerTest, WhatComesInAPassIsMadeUpForByOneMore) {
    runner_.start([&](bool hinted) {
        if (hinted) ++hinted_;
        if (++passes_ == 1) {
            EXPECT_TRUE(eventually([&] { return go_on_.load(); }));
        }
        return in_an_hour;
    });
    ASSERT_TRUE(made(1));
    runner_.wake();
    runner_.hint();
    runner_.wake();
    go_on_ = true;
    ASSERT_TRUE(made(2));
    EXPECT_TRUE(quiet_at(2));
    EXPECT_EQ(hinted_, 2);
}

TEST_F(RunnerTest, EndsAfterThePassThatIsUnderWay) {
    std::atomic<bool> ended = false;
    runner_.start([&](bool) {
        ++hinted_;
        EXPECT_TRUE(eventually([&] { return go_on_.load(); }));
        ++passes_;
        return model::Instant{99s};
    });
    ASSERT_TRUE(eventually([&] { return hinted_ == 1; }));
    std::jthread stopper{[&] {
        runner_.stop();
        ended = true;
    }};
    EXPECT_FALSE(eventually([&] { return ended.load(); }, 50ms));
    go_on_ = true;
    ASSERT_TRUE(eventually([&] { return ended.load(); }));
    EXPECT_EQ(passes_, 1);
    EXPECT_TRUE(quiet_at(1));
}

TEST_F(RunnerTest, EndsAtOnceWhileItWaits) {
    start(in_an_hour);
    ASSERT_TRUE(made(1));
    const auto began = std::chrono::steady_clock::now();
    runner_.stop();
    EXPECT_LT(std::chrono::steady_clock::now() - began, 900ms);
    EXPECT_EQ(passes_, 1);
    runner_.stop();  // a second stop has no effect
    runner_.wake();  // no thread is left to wake
    EXPECT_EQ(passes_, 1);
}

TEST(WakeUp, RemembersOneThatCameBeforeTheWait) {
    WakeUp wake_up;
    wake_up.wake();
    wake_up.wake();
    const auto began = std::chrono::steady_clock::now();
    wake_up.wait(10s);
    EXPECT_LT(std::chrono::steady_clock::now() - began, 5s);
    wake_up.wait(20ms);  // the wake-up was consumed: it waits
    EXPECT_GE(std::chrono::steady_clock::now() - began, 20ms);
}

TEST(WakeUp, EndsAWaitOfAnotherThread) {
    WakeUp wake_up;
    std::atomic<bool> ended = false;
    std::jthread waiter{[&] {
        wake_up.wait(1h);
        ended = true;
    }};
    wake_up.wake();
    EXPECT_TRUE(eventually([&] { return ended.load(); }));
}

}  // namespace
}  // namespace app
