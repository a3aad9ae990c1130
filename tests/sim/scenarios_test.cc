// Scenarios that tests/scripts cannot express: throughput, and every step of a promotion.
// Everything but time, store, disk and backend is the real code; the invariants of world.h are
// checked at every event.
#include "tests/sim/cluster_test.h"

namespace sim {
namespace {

using namespace std::chrono_literals;

class Scenario : public ClusterTest {};

// A file per commit would cost a busy writer the time to make and ship each of them.
TEST_F(Scenario, CommitsInQuickSuccessionShareFiles) {
    start({.seed = 40});
    world_->write_rows(false);
    world_->run_for(1s);
    const auto files_before = world_->log().visible().value;
    const auto commits_before = world_->committed();
    for (int i = 0; i < 1000; ++i) {
        world_->write_now();
        world_->run_for(200us);
    }
    world_->run_for(1s);
    ASSERT_EQ(world_->committed(), commits_before + 1000);
    // 200 ms of commits, in at most a fifth as many files.
    EXPECT_LE(world_->log().visible().value, files_before + 50);
    EXPECT_GE(world_->log().visible().value, files_before + 10);
    expect_converged();
}

// A commit after a pause is shipped without delay.
TEST_F(Scenario, ACommitAfterAPauseIsShippedAtOnce) {
    start({.seed = 41});
    world_->write_rows(false);
    for (int i = 0; i < 20; ++i) {
        world_->run_for(50ms);
        const auto before = world_->log().visible();
        world_->write_now();
        EXPECT_TRUE(world_->run_until([&] { return world_->log().visible() > before; }, 20ms)) << i;
    }
    expect_converged();
}

// Killed before every change on the disk during a promotion: the promotion is always completed
// later.
// defects.md C18 C19
TEST_F(Scenario, APromotionKilledAtAnyStepOfTheDiskIsFinishedLater) {
    std::uint64_t step = 0;
    for (bool died = true; died; ++step) {
        start({.seed = 17});
        auto& former = leader();
        auto& other = follower();
        world_->write_rows(false);
        ASSERT_TRUE(world_->run_until([&] { return world_->converged(); }, 20s));
        former.cut_power(false);
        other.kill_node_after_steps(step);
        lead();
        other.spare_node();
        died = count(other.id() + " node.died") > 0;
        world_->write_rows(true);
        world_->run_for(2s);
        former.boot();
        expect_converged();
        if (HasFailure()) FAIL() << "killed after " << step << " steps";
    }
    EXPECT_GT(step, 20U);
}

}  // namespace
}  // namespace sim
