// A cluster that leads, for tests that tell a story.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "tests/sim/cluster/world.h"

namespace sim {

class Story : public testing::Test {
protected:
    /// Boots the machines and lets the first primary work for a while.
    void start(WorldSettings settings) {
        world_.emplace(settings);
        world_->boot_all();
        lead();
        world_->run_for(std::chrono::seconds{3});
    }
    /// Waits for a primary.
    void lead(model::Duration within = std::chrono::seconds{60}) {
        ASSERT_TRUE(world_->run_until([&] { return world_->primary() != nullptr; }, within))
            << world_->violation() << world_->standing();
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
    /// Every copy is whole and equal, and nothing was violated on the way.
    void expect_rest() {
        world_->write_rows(false);
        EXPECT_TRUE(
            world_->run_until([&] { return world_->converged(); }, std::chrono::seconds{120}))
            << world_->standing();
        EXPECT_EQ(world_->violation(), "");
    }
    [[nodiscard]] int count(const std::string& text) const { return world_->count(text); }
    /// The log's nuids and staged files reach the disk: the worst case of a power cut that takes
    /// only the WAL.
    void sync_staged(Machine& machine) {
        auto& files = machine.files();
        const auto folder = machine.paths().state + "/staged";
        const auto names = files.list(folder).value();
        for (const auto& name : names)
            (void)files.sync(folder + "/" + name);
        (void)files.sync_folder(folder);
    }

    /// The WAL reaches the disk, as after an application's checkpoint or the kernel's write-back:
    /// the power cut takes only the staged files.
    void sync_wal(Machine& machine) {
        auto& files = machine.files();
        const auto wal = machine.paths().data + "-wal";
        ASSERT_TRUE(files.sync(wal).has_value());
        ASSERT_TRUE(files.sync_folder("/data").has_value());
        const auto folder = machine.paths().state + "/staged";
        const auto staged = files.list(folder).value();
        ASSERT_FALSE(staged.empty());
        for (const auto& name : staged)
            ASSERT_TRUE(files.remove(folder + "/" + name).has_value());
        ASSERT_TRUE(files.sync_folder(folder).has_value());
    }

    std::optional<World> world_;
};

}  // namespace sim
