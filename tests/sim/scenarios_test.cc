// Stories of a cluster, told by the events of its nodes: what happens when a leader crashes, is cut
// off, is asked to hand over. Everything but time, store, disk and backend is the real code.
#include <gtest/gtest.h>

#include "tests/sim/cluster/world.h"

namespace sim {
namespace {

using namespace std::chrono_literals;

class Scenario : public testing::Test {
protected:
    void start(WorldSettings settings) {
        world_.emplace(settings);
        world_->boot_all();
        ASSERT_TRUE(world_->run_until([&] { return world_->primary() != nullptr; }, 60s))
            << world_->violation() << world_->standing();
        world_->run_for(3s);
    }
    /// No violation so far, and the cluster comes to rest with every copy whole.
    void expect_rest() {
        world_->write_rows(false);
        EXPECT_TRUE(world_->run_until([&] { return world_->converged(); }, 120s))
            << world_->standing();
        EXPECT_EQ(world_->violation(), "");
    }

    std::optional<World> world_;
};

TEST_F(Scenario, TwoEmptyNodesMakeOneDatabase) {
    start({.seed = 1});
    // A node that has not looked at its own data yet takes nothing over.
    EXPECT_EQ(world_->count("lease.taken"), 1);
    EXPECT_EQ(world_->count("replica.promoted"), 1);
    expect_rest();
}

}  // namespace
}  // namespace sim
