#include "adapters/sync/gate.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/support/eventually.h"

namespace adapters::sync {
namespace {

using test_support::eventually;

TEST(Gate, NothingPassesOnceItIsClosed) {
    Gate gate;
    int calls = 0;
    gate.pass([&] { ++calls; });
    gate.close();
    gate.pass([&] { ++calls; });
    EXPECT_EQ(calls, 1);
}

TEST(Gate, CloseWaitsForTheCallInside) {
    Gate gate;
    std::atomic<bool> inside = false;
    std::atomic<bool> go_on = false;
    std::atomic<bool> ended = false;
    std::atomic<bool> closed = false;
    const std::jthread caller{[&] {
        gate.pass([&] {
            inside = true;
            EXPECT_TRUE(eventually([&] { return go_on.load(); }));
            ended = true;
        });
    }};
    ASSERT_TRUE(eventually([&] { return inside.load(); }));
    const std::jthread closer{[&] {
        gate.close();
        EXPECT_TRUE(ended);
        closed = true;
    }};
    // New calls are refused while one is still inside.
    EXPECT_TRUE(eventually([&] {
        bool let_in = false;
        gate.pass([&] { let_in = true; });
        return !let_in;
    }));
    EXPECT_FALSE(closed);
    go_on = true;
}

TEST(Callback, CallsWhatWasSetLast) {
    Callback callback;
    int first = 0;
    int second = 0;
    callback();  // no function is set
    callback.set([&] { ++first; });
    callback();
    callback.set([&] { ++second; });
    callback();
    callback();
    callback.set({});
    callback();
    EXPECT_EQ(first, 1);
    EXPECT_EQ(second, 2);
}

TEST(Callback, TheOneBeforeHasEndedWhenAnotherIsSet) {
    Callback callback;
    std::atomic<bool> inside = false;
    std::atomic<bool> go_on = false;
    std::atomic<bool> ended = false;
    callback.set([&] {
        inside = true;
        EXPECT_TRUE(eventually([&] { return go_on.load(); }));
        ended = true;
    });
    const std::jthread caller{[&] { callback(); }};
    ASSERT_TRUE(eventually([&] { return inside.load(); }));
    int calls_of_next = 0;
    std::atomic<bool> replaced = false;
    {
        const std::jthread setter{[&] {
            callback.set([&] { ++calls_of_next; });
            replaced = ended.load();
        }};
        go_on = true;
    }
    EXPECT_TRUE(replaced);
    callback();
    EXPECT_EQ(calls_of_next, 1);
}

}  // namespace
}  // namespace adapters::sync
