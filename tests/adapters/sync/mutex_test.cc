#include "adapters/sync/mutex.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace adapters::sync {
namespace {

using namespace std::chrono_literals;

constexpr auto long_enough = 20s;  // a limit that no wait here reaches

class Flag {
public:
    void set() {
        {
            const Lock lock{mutex_};
            set_ = true;
        }
        changed_.notify_all();
    }
    void wait() {
        const Lock lock{mutex_};
        changed_.wait(mutex_, [this]() REQUIRES(mutex_) { return set_; });
    }
    bool wait_until(std::chrono::steady_clock::time_point time) {
        const Lock lock{mutex_};
        return changed_.wait_until(mutex_, time, [this]() REQUIRES(mutex_) { return set_; });
    }
    bool wait_for(std::chrono::nanoseconds limit) {
        const Lock lock{mutex_};
        return changed_.wait_for(mutex_, limit, [this]() REQUIRES(mutex_) { return set_; });
    }
    bool wait_for(const std::stop_token& stop, std::chrono::nanoseconds limit) {
        const Lock lock{mutex_};
        return changed_.wait_for(mutex_, stop, limit, [this]() REQUIRES(mutex_) { return set_; });
    }

private:
    Mutex mutex_;
    Condition changed_;
    bool set_ GUARDED_BY(mutex_) = false;
};

TEST(Mutex, IsHeldByOneThreadAtATime) {
    struct {
        Mutex mutex;
        int count GUARDED_BY(mutex) = 0;
    } all;
    constexpr int each = 20000;
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < 4; ++i) {
            threads.emplace_back([&] {
                for (int j = 0; j < each; ++j) {
                    const Lock lock{all.mutex};
                    ++all.count;
                }
            });
        }
    }
    const Lock lock{all.mutex};
    EXPECT_EQ(all.count, 4 * each);
}

TEST(Condition, EveryWaitEndsWhenItHolds) {
    Flag flag;
    {
        const std::jthread setter{[&] { flag.set(); }};
        flag.wait();
    }
    EXPECT_TRUE(flag.wait_until(std::chrono::steady_clock::now() + long_enough));
    EXPECT_TRUE(flag.wait_for(long_enough));
    EXPECT_TRUE(flag.wait_for(std::stop_token{}, long_enough));
    EXPECT_TRUE(flag.wait_for(0ns)) << "what holds already needs no time";
}

TEST(Condition, ATimeoutIsDistinguishedFromSuccess) {
    Flag flag;
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_FALSE(flag.wait_until(begin + 10ms));
    EXPECT_GE(std::chrono::steady_clock::now() - begin, 10ms);
    EXPECT_FALSE(flag.wait_for(10ms));
    EXPECT_FALSE(flag.wait_for(std::stop_token{}, 10ms));
    EXPECT_GE(std::chrono::steady_clock::now() - begin, 30ms);
}

TEST(Condition, AStopEndsTheWaitBeforeAndDuringIt) {
    Flag flag;
    std::stop_source stop;
    const auto begin = std::chrono::steady_clock::now();
    {
        const std::jthread stopper{[&] { stop.request_stop(); }};
        EXPECT_FALSE(flag.wait_for(stop.get_token(), long_enough));
    }
    EXPECT_FALSE(flag.wait_for(stop.get_token(), long_enough));
    sleep_for(long_enough, stop.get_token());
    EXPECT_LT(std::chrono::steady_clock::now() - begin, long_enough);
}

TEST(SleepFor, LastsAsLongAsItSays) {
    const auto begin = std::chrono::steady_clock::now();
    sleep_for(10ms, std::stop_token{});
    EXPECT_GE(std::chrono::steady_clock::now() - begin, 10ms);
}

}  // namespace
}  // namespace adapters::sync
