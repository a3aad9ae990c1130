// The contract of every Backend.
#include <gtest/gtest.h>

#include <functional>

#include "tests/contract/backend_world.h"
#include "tests/support/eventually.h"
#include "tests/support/result.h"

namespace contract {
namespace {

using model::Errc;
using State = reconcilers::ports::BackendObserved::State;
using test_support::eventually;

struct Kind {
    const char* name;
    std::unique_ptr<BackendWorld> (*make)();
};

class BackendContract : public testing::TestWithParam<Kind> {
protected:
    [[nodiscard]] reconcilers::ports::Backend& backend() { return world_->backend(); }
    [[nodiscard]] reconcilers::ports::BackendObserved observed() {
        auto seen = backend().observe();
        EXPECT_TRUE(seen);
        return seen ? *seen : reconcilers::ports::BackendObserved{};
    }
    [[nodiscard]] bool becomes(State state) {
        return eventually([&] {
            world_->step();
            return observed().state == state;
        });
    }
    void start() {
        world_->hold();
        ASSERT_TRUE(becomes(State::absent));
        const auto started = test_support::answered([&] { return backend().start(); });
        ASSERT_TRUE(started) << started.error().message;
        ASSERT_TRUE(becomes(State::running));
        ASSERT_TRUE(eventually([&] { return world_->lives() && observed().pid != 0; }));
    }

    const std::unique_ptr<BackendWorld> world_ = GetParam().make();
};

TEST_P(BackendContract, IsAbsentThenRunningThenAbsentAgain) {
    ASSERT_TRUE(becomes(State::absent));
    EXPECT_TRUE(backend().check());
    const auto before = observed().starts;
    start();
    EXPECT_TRUE(test_support::answered([&] { return backend().start(); }))
        << "every action may run twice";
    EXPECT_EQ(observed().starts, before + 1);
    EXPECT_NE(observed().pid, 0);
    ASSERT_TRUE(test_support::answered([&] { return backend().stop(); }));
    ASSERT_TRUE(becomes(State::absent));
    EXPECT_FALSE(world_->lives());
    EXPECT_TRUE(test_support::answered([&] { return backend().stop(); }));
    EXPECT_TRUE(test_support::answered([&] { return backend().kill(); }));
}

TEST_P(BackendContract, IsNotStartedWhereNoStrikeTimeIsAhead) {
    ASSERT_TRUE(becomes(State::absent));
    EXPECT_EQ(test_support::answered([&] { return backend().start(); }).error().code, Errc::fenced);
    start();
    world_->strike();
    ASSERT_TRUE(becomes(State::absent));
    EXPECT_EQ(test_support::answered([&] { return backend().start(); }).error().code, Errc::fenced);
    EXPECT_FALSE(world_->lives());
}

TEST_P(BackendContract, EndsWithTheLease) {
    world_->ignore_stops();
    start();
    world_->strike();
    ASSERT_TRUE(eventually([&] {
        world_->step();
        return !world_->lives();
    }));
    EXPECT_TRUE(becomes(State::absent));
}

TEST_P(BackendContract, IsKilledWhereItDoesNotStop) {
    world_->ignore_stops();
    start();
    ASSERT_TRUE(test_support::answered([&] { return backend().stop(); }));
    world_->step();
    EXPECT_EQ(observed().state, State::running) << "not dead before it is";
    ASSERT_TRUE(test_support::answered([&] { return backend().kill(); }));
    ASSERT_TRUE(becomes(State::absent));
    EXPECT_FALSE(world_->lives());
    EXPECT_EQ(observed().last_exit, "signal 9 (KILL)");
}

TEST_P(BackendContract, ThatDiesByItselfSaysHow) {
    start();
    const auto first = observed().starts;
    world_->die();
    ASSERT_TRUE(becomes(State::absent));
    EXPECT_EQ(observed().last_exit, "exit 3");
    start();
    EXPECT_EQ(observed().starts, first + 1);
}

TEST_P(BackendContract, OutlivesTheNodeProcess) {
    start();
    const auto pid = observed().pid;
    world_->restart_node_process();
    ASSERT_TRUE(becomes(State::running));
    EXPECT_EQ(observed().pid, pid);
    EXPECT_NE(observed().starts, 0U);
    EXPECT_TRUE(world_->lives());
    ASSERT_TRUE(test_support::answered([&] { return backend().stop(); }));
    EXPECT_TRUE(becomes(State::absent));
}

TEST_P(BackendContract, SaysWhyItCannotBeStartedHereUntilItCan) {
    world_->spoil();
    world_->hold();
    ASSERT_TRUE(eventually([&] { return !backend().check(); }));
    ASSERT_TRUE(eventually([&] {
        const auto able = backend().check();
        return !able && able.error().message.find("not there") != std::string::npos;
    }));
    EXPECT_EQ(backend().check().error().code, Errc::invalid);
    const auto started = test_support::answered([&] { return backend().start(); });
    // A child's program is found missing by the warden, after it has taken the request.
    const auto code = started ? Errc::invalid : started.error().code;
    EXPECT_EQ(code, Errc::invalid);
    EXPECT_TRUE(becomes(State::absent));
    world_->mend();
    ASSERT_TRUE(eventually([&] { return backend().check().has_value(); }));
    start();
}

INSTANTIATE_TEST_SUITE_P(Kinds,
                         BackendContract,
                         testing::Values(Kind{"process", process_world},
                                         Kind{"systemd", systemd_world}),
                         [](const auto& each) { return std::string{each.param.name}; });

}  // namespace
}  // namespace contract
