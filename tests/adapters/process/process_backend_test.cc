// The backend of kind `process` over the warden's real core.
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

    const ProcessBackend::SpawnCheck able_ = [] { return model::Result<void>{}; };
    HandClock clock_;
    sim::SimBackend process_;
    std::optional<warden::Saved> file_;
    sim::SimWarden sim_{{.ttl = 10s,
                         .margin = 2s,
                         .stop_timeout = 90s,
                         .boot_id = "b",
                         .run = "r",
                         .list = {.items = {model::Spawn{.command = {"/b"}, .dir = "/"}}}},
                        file_,
                        clock_,
                        process_,
                        {}};
};

TEST_F(ProcessBackendTest, IsAbsentThenRunningThenAbsentAgain) {
    const auto warden = sim_.connect();
    ProcessBackend backend{*warden, model::WardenEntry{0}, able_};
    EXPECT_EQ(backend.observe()->state, State::absent);
    EXPECT_EQ(backend.start().error().code, Errc::fenced);
    ASSERT_TRUE(warden->set_deadline(clock_.now() + 10s));
    ASSERT_TRUE(backend.start());
    ASSERT_TRUE(backend.start());  // every action may run twice
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
    ProcessBackend backend{*warden, model::WardenEntry{0}, able_};
    ASSERT_TRUE(warden->set_deadline(clock_.now() + 10s));
    ASSERT_TRUE(backend.start());
    process_.unkillable = true;
    ASSERT_TRUE(backend.kill());
    EXPECT_EQ(backend.observe()->state, State::running);
    process_.unkillable = false;
    ASSERT_TRUE(backend.kill());
    EXPECT_EQ(backend.observe()->state, State::absent);
    EXPECT_EQ(backend.observe()->last_exit, "signal 9 (KILL)");
}

TEST_F(ProcessBackendTest, IsUnknownUntilItsDeathIsProven) {
    const auto warden = sim_.connect();
    ProcessBackend backend{*warden, model::WardenEntry{0}, able_};
    ASSERT_TRUE(warden->set_deadline(clock_.now() + 10s));
    ASSERT_TRUE(backend.start());
    process_.unknown_because = "cgroup.events: Permission denied";
    ASSERT_TRUE(backend.kill());
    EXPECT_EQ(backend.observe()->state, State::unknown);
    process_.unknown_because.clear();
    clock_.now_ += 1s;
    sim_.step();  // the kill is repeated
    EXPECT_EQ(backend.observe()->state, State::absent);
}

TEST_F(ProcessBackendTest, IsNeverTakenForAbsentWithoutAWarden) {
    const auto warden = sim_.connect();
    ProcessBackend backend{*warden, model::WardenEntry{0}, able_};
    sim_.crash();
    EXPECT_EQ(backend.observe().error().code, Errc::fenced);
    EXPECT_EQ(backend.start().error().code, Errc::fenced);
}

TEST_F(ProcessBackendTest, SaysWhyItCouldNotRunHere) {
    const auto warden = sim_.connect();
    const ProcessBackend::SpawnCheck unable = [] {
        return model::Result<void>{model::error(Errc::invalid, "/b is not there")};
    };
    ProcessBackend backend{*warden, model::WardenEntry{0}, unable};
    EXPECT_EQ(backend.check().error().message, "/b is not there");
    EXPECT_TRUE((ProcessBackend{*warden, model::WardenEntry{0}, able_}).check());
}

TEST_F(ProcessBackendTest, SaysWhetherItIsContained) {
    EXPECT_EQ((ProcessBackend{*sim_.connect(), model::WardenEntry{0}, able_}).observe()->contained,
              std::optional{false})
        << "this warden has no cgroup";
}

}  // namespace
}  // namespace adapters::process
