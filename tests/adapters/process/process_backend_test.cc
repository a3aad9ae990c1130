// The backend of kind `process` over the real decisions of the warden.
#include "adapters/process/process_backend.h"

#include <gtest/gtest.h>

#include "tests/sim/warden/sim_warden.h"

namespace adapters::process {
namespace {

using model::Errc;
using State = reconcilers::ports::BackendObserved::State;
using namespace std::chrono_literals;

class HandClock final : public reconcilers::ports::Clock {
public:
    [[nodiscard]] model::Instant now() const override { return now_; }
    [[nodiscard]] model::WallTime wall() const override { return {}; }
    model::Instant now_{1000s};
};

class ProcessBackendTest : public testing::Test {
protected:
    void SetUp() override { sim_.begin(); }

    HandClock clock_;
    sim::SimBackend process_;
    std::optional<warden::Saved> file_;
    sim::SimWarden sim_{{.ttl = 10s, .margin = 2s, .stop_timeout = 90s, .boot_id = "b", .run = "r"},
                        file_,
                        clock_,
                        process_,
                        {}};
};

TEST_F(ProcessBackendTest, IsAbsentThenRunningThenAbsentAgain) {
    const auto warden = sim_.connect();
    ProcessBackend backend{*warden, {.command = {"/b"}}};
    EXPECT_EQ(backend.observe()->state, State::absent);
    EXPECT_EQ(backend.start().error().code, Errc::fenced);
    ASSERT_TRUE(warden->hold_until(clock_.now() + 10s));
    ASSERT_TRUE(backend.start());
    ASSERT_TRUE(backend.start());  // any action may run twice
    auto observed = *backend.observe();
    EXPECT_EQ(observed.state, State::running);
    EXPECT_NE(observed.pid, 0);
    EXPECT_EQ(observed.starts, 1U);
    EXPECT_EQ(observed.last_exit, "");
    ASSERT_TRUE(backend.stop());
    observed = *backend.observe();
    EXPECT_EQ(observed.state, State::absent);
    EXPECT_EQ(observed.last_exit, "signal 15 (TERM)");
    EXPECT_TRUE(backend.stop());
    EXPECT_TRUE(backend.kill());
}

TEST_F(ProcessBackendTest, StaysRunningUntilNothingOfItLives) {
    const auto warden = sim_.connect();
    ProcessBackend backend{*warden, {.command = {"/b"}}};
    ASSERT_TRUE(warden->hold_until(clock_.now() + 10s));
    ASSERT_TRUE(backend.start());
    process_.unkillable = true;
    ASSERT_TRUE(backend.kill());
    EXPECT_EQ(backend.observe()->state, State::running);
    process_.unkillable = false;
    ASSERT_TRUE(backend.kill());
    EXPECT_EQ(backend.observe()->state, State::absent);
    EXPECT_EQ(backend.observe()->last_exit, "signal 9 (KILL)");
}

TEST_F(ProcessBackendTest, IsNeverTakenForAbsentWithoutAWarden) {
    const auto warden = sim_.connect();
    ProcessBackend backend{*warden, {.command = {"/b"}}};
    sim_.crash();
    EXPECT_EQ(backend.observe().error().code, Errc::fenced);
    EXPECT_EQ(backend.start().error().code, Errc::fenced);
}

TEST(DescribeExit, SaysItForPeople) {
    EXPECT_EQ(describe_exit(0), "exit 0");
    EXPECT_EQ(describe_exit(3 << 8), "exit 3");
    EXPECT_EQ(describe_exit(11), "signal 11 (SEGV)");
    EXPECT_EQ(describe_exit(9 | 0x80), "signal 9 (KILL)");
}

}  // namespace
}  // namespace adapters::process
