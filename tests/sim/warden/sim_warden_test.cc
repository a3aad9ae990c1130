#include "tests/sim/warden/sim_warden.h"

#include <gtest/gtest.h>

namespace sim {
namespace {

using model::Errc;
using model::Instant;
using namespace std::chrono_literals;

model::WardenList one_backend() { return {.items = {model::Spawn{.command = {"/b"}, .dir = "/"}}}; }

class HandClock final : public reconcilers::ports::Clock {
public:
    [[nodiscard]] Instant now() const override { return now_; }
    [[nodiscard]] model::WallTime wall() const override { return {}; }
    Instant now_{1000s};
};

class SimWardenTest : public testing::Test {
protected:
    void boot() {
        warden_ = std::make_unique<SimWarden>(
            warden::Settings{.ttl = 10s,
                             .margin = 2s,
                             .stop_timeout = 90s,
                             .boot_id = "b",
                             .run = "r",
                             .list = one_backend()},
            file_,
            clock_,
            backend_,
            SimWarden::Machine{.spawn_node = [this] { ++spawned_; },
                               .kill_node = [this] { node_killed_ = true; }});
        warden_->begin();
        node_ = warden_->connect();
    }
    void advance(model::Duration by) {
        clock_.now_ += by;
        warden_->step();
        if (std::exchange(node_killed_, false)) {
            node_.reset();
            warden_->node_died(9);
            node_ = warden_->connect();
        }
    }

    HandClock clock_;
    SimBackend backend_;
    std::optional<warden::Saved> file_;
    int spawned_ = 0;
    bool node_killed_ = false;
    std::unique_ptr<SimWarden> warden_;
    std::unique_ptr<reconcilers::ports::Warden> node_;
};

TEST_F(SimWardenTest, StrikesAtTheStrikeTime) {
    boot();
    ASSERT_TRUE(node_->set_deadline(clock_.now() + 10s));
    ASSERT_TRUE(node_->start_backend({0}));
    EXPECT_EQ(warden_->wakeup(), clock_.now() + 9s);
    advance(9s - 1ns);
    EXPECT_TRUE(backend_.alive);
    EXPECT_EQ(spawned_, 1);
    advance(1ns);
    EXPECT_FALSE(backend_.alive);
    EXPECT_EQ(spawned_, 2);
    EXPECT_FALSE(node_->view().backend_running);
    EXPECT_EQ(node_->start_backend({0}).error().code, Errc::fenced);
}

TEST_F(SimWardenTest, AKilledNodeProcessHasLostItsWarden) {
    boot();
    int woken = 0;
    node_->on_change([&] { ++woken; });
    ASSERT_TRUE(node_->set_deadline(clock_.now() + 10s));
    const auto old = std::move(node_);
    clock_.now_ += 9s;
    warden_->step();
    EXPECT_TRUE(old->view().lost);
    EXPECT_GT(woken, 0);
    EXPECT_EQ(old->set_deadline(clock_.now() + 10s).error().code, Errc::fenced);
    warden_->node_died(9);
    EXPECT_EQ(old->start_backend({0}).error().code, Errc::fenced);
    EXPECT_FALSE(warden_->connect()->view().lost);
}

TEST_F(SimWardenTest, WhatCannotBeKilledIsKilledLater) {
    boot();
    ASSERT_TRUE(node_->set_deadline(clock_.now() + 10s));
    ASSERT_TRUE(node_->start_backend({0}));
    backend_.unkillable = true;
    advance(9s);
    EXPECT_TRUE(backend_.alive);
    EXPECT_TRUE(node_->view().backend_running);
    backend_.unkillable = false;
    advance(2s);
    EXPECT_FALSE(backend_.alive);
    EXPECT_FALSE(node_->view().backend_running);
}

TEST_F(SimWardenTest, ACrashTakesTheBackendAndLeavesTheDeadline) {
    boot();
    const auto until = clock_.now() + 10s;
    ASSERT_TRUE(node_->set_deadline(until));
    ASSERT_TRUE(node_->start_backend({0}));
    warden_->crash();
    EXPECT_FALSE(backend_.alive);
    EXPECT_TRUE(node_->view().lost);
    node_.reset();
    clock_.now_ += 1s;
    boot();
    EXPECT_EQ(node_->view().valid_until, until);
    EXPECT_FALSE(node_->view().backend_running);
}

TEST_F(SimWardenTest, ReportsStopsDeathsAndRefusals) {
    boot();
    ASSERT_TRUE(node_->set_deadline(clock_.now() + 10s));
    backend_.refuses = "exec: No such file or directory";
    EXPECT_EQ(node_->start_backend({0}).error().code, Errc::invalid);
    backend_.refuses.clear();
    ASSERT_TRUE(node_->start_backend({0}));
    EXPECT_EQ(node_->start_backend({0}).error().code, Errc::conflict);
    backend_.ignores_stop = true;
    EXPECT_TRUE(node_->stop_backend());
    EXPECT_TRUE(backend_.alive);
    backend_.ignores_stop = false;
    EXPECT_TRUE(node_->stop_backend());
    EXPECT_FALSE(backend_.alive);
    EXPECT_EQ(node_->view().backend_exit, 15);
    ASSERT_TRUE(node_->start_backend({0}));
    warden_->backend_died(3 << 8);
    EXPECT_EQ(node_->view().backend_exit, 3 << 8);
    EXPECT_EQ(node_->view().backend_starts, 3U);
}

}  // namespace
}  // namespace sim
