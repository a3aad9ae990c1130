// Base class of tests that run a cluster with a leader.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "tests/sim/cluster/world.h"

namespace sim {

class ClusterTest : public testing::Test {
protected:
    /// Boots the machines and waits until the first primary has worked for a while.
    void start(WorldSettings settings) {
        world_.emplace(settings);
        world_->boot_all();
        lead();
        world_->run_for(std::chrono::seconds{3});
    }
    /// Waits for a primary.
    void lead(model::Duration within = std::chrono::seconds{60}) {
        ASSERT_TRUE(world_->run_until([&] { return world_->primary() != nullptr; }, within))
            << world_->violation() << world_->describe();
    }
    [[nodiscard]] Machine& leader() {
        auto* const machine = world_->primary();
        model::check(machine != nullptr, "somebody leads");
        return *machine;
    }
    [[nodiscard]] Machine& follower() {
        const auto* const lead = world_->primary();
        return &world_->machine(0) == lead ? world_->machine(1) : world_->machine(0);
    }
    /// Requires that all copies are complete and equal, and that no invariant was violated.
    void expect_converged() {
        world_->write_rows(false);
        EXPECT_TRUE(
            world_->run_until([&] { return world_->converged(); }, std::chrono::seconds{120}))
            << world_->describe();
        EXPECT_EQ(world_->violation(), "");
    }
    [[nodiscard]] int count(const std::string& text) const { return world_->count(text); }

    std::optional<World> world_;
};

}  // namespace sim
