// Stories of a cluster: what happens when a leader crashes, is cut off, is asked to hand over.
// Everything but time, store, disk and backend is the real code; the invariants of world.h hold at
// every event.
#include <algorithm>

#include "tests/sim/story.h"

namespace sim {
namespace {

using namespace std::chrono_literals;
using model::Duration;

class Scenario : public Story {};

TEST_F(Scenario, TwoEmptyNodesMakeOneDatabase) {
    start({.seed = 1});
    // A node that has not looked at its own data yet takes nothing over.
    EXPECT_EQ(count("lease.taken"), 1);
    EXPECT_EQ(count("replica.promoted"), 1);
    EXPECT_EQ(count("database.converted"), 1);
    expect_rest();
}

// defects.md C10 C13 C15 C24
TEST_F(Scenario, ACrashedLeaderIsReplacedAndComesBackAsACopy) {
    start({.seed = 2});
    auto& former = leader();
    auto& other = follower();
    const auto crashed = world_->now();
    former.cut_power(false);
    lead();
    EXPECT_EQ(&leader(), &other);
    // ttl, the drift allowance, a heartbeat's phase, rank and start.
    EXPECT_LT(world_->now() - crashed, Duration{13s});
    former.boot();
    world_->run_for(30s);
    EXPECT_EQ(&leader(), &other);
    expect_rest();
}

// A file for each commit would take from a busy writer what it costs to make and ship one.
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
    // 200 ms, and one file in five of them.
    EXPECT_LE(world_->log().visible().value, files_before + 50);
    EXPECT_GE(world_->log().visible().value, files_before + 10);
    expect_rest();
}

// A commit after a pause waits for nothing.
TEST_F(Scenario, ACommitAfterAPauseIsShippedAtOnce) {
    start({.seed = 41});
    world_->write_rows(false);
    for (int i = 0; i < 20; ++i) {
        world_->run_for(50ms);
        const auto before = world_->log().visible();
        world_->write_now();
        EXPECT_TRUE(world_->run_until([&] { return world_->log().visible() > before; }, 20ms)) << i;
    }
    expect_rest();
}

// defects.md C02 C03 G01 G02
TEST_F(Scenario, ALeaderThatIsCutOffStopsBeforeItsLeaseEnds) {
    start({.seed = 3});
    auto& former = leader();
    auto& other = follower();
    former.partition(true);
    const auto cut = world_->now();
    // The margin is two seconds: its backend is gone before anyone else may lead.
    ASSERT_TRUE(world_->run_until([&] { return !former.backend_alive(); }, 9100ms));
    EXPECT_GT(world_->now() - cut, Duration{4s});
    EXPECT_FALSE(other.backend_alive());
    lead(15s);
    EXPECT_EQ(&leader(), &other);
    world_->run_for(10s);
    EXPECT_FALSE(former.backend_alive());
    former.partition(false);
    world_->run_for(10s);
    EXPECT_EQ(&leader(), &other);
    EXPECT_EQ(count("lease.released"), 0);
    expect_rest();
}

// defects.md C01 C02 C14 G06: the daemon hangs, wherever it is, and the backend still ends in time.
TEST_F(Scenario, ALeaderThatIsStoppedIsKilledByItsWarden) {
    start({.seed = 4});
    auto& former = leader();
    auto& other = follower();
    former.stop_node();
    ASSERT_TRUE(world_->run_until([&] { return !former.backend_alive(); }, 9100ms));
    EXPECT_EQ(count(former.id() + " warden.struck"), 1);
    lead(15s);
    EXPECT_EQ(&leader(), &other);
    former.continue_node();
    expect_rest();
}

// defects.md C04 C05 G03
TEST_F(Scenario, TwentySwitchoversUnderWritesLoseNothing) {
    start({.seed = 5});
    for (int i = 0; i < 20; ++i) {
        auto& former = leader();
        auto& other = follower();
        ASSERT_TRUE(world_->run_until(
            [&] { return other.board() != nullptr && other.board()->replica.fit; }, 10s));
        const auto committed = world_->committed();
        const auto asked = world_->now();
        world_->wish_switchover(i % 2 == 0 ? other.id() : std::string{});
        ASSERT_TRUE(world_->run_until([&] { return world_->primary() == &other; }, 10s))
            << world_->violation() << world_->standing();
        // Its stop (up to 0.2 s) and start (0.4 s), and little else: nobody waits for the lease.
        EXPECT_LT(world_->now() - asked, Duration{2s});
        world_->run_for(1s);
        EXPECT_GT(world_->committed(), committed);
        EXPECT_FALSE(former.backend_alive());
    }
    EXPECT_EQ(count("lease.released"), 20);
    EXPECT_EQ(count("replica.set_aside"), 0);
    EXPECT_EQ(count("replica.rejoined"), 20);
    expect_rest();
    EXPECT_EQ(leader().rows()->size(), world_->committed());
}

// defects.md C36 G04
TEST_F(Scenario, AKilledNodeProcessAdoptsItsLeaseAndItsBackend) {
    start({.seed = 6});
    auto& machine = leader();
    const auto starts = machine.backend_starts();
    const auto committed = world_->committed();
    for (int i = 0; i < 5; ++i) {
        machine.kill_node();
        EXPECT_TRUE(machine.backend_alive());
        lead(2s);
        EXPECT_EQ(&leader(), &machine);
        world_->run_for(3s);
    }
    EXPECT_EQ(count("lease.adopted"), 5);
    EXPECT_EQ(count("lease.taken"), 1);
    EXPECT_EQ(machine.backend_starts(), starts);
    EXPECT_GT(world_->committed(), committed);
    expect_rest();
    EXPECT_EQ(leader().rows()->size(), world_->committed());
}

// D3: the WAL began anew while nobody captured. Within one boot every page is the next file.
TEST_F(Scenario, AGapOfCaptureWithinOneBootLosesNothing) {
    start({.seed = 18});
    auto& machine = leader();
    const auto starts = machine.backend_starts();
    machine.kill_node();
    machine.checkpoint();
    world_->write_now();
    world_->write_now();
    lead(3s);
    EXPECT_EQ(&leader(), &machine);
    EXPECT_EQ(count("capture.gap_found"), 1);
    EXPECT_EQ(count("replica.set_aside"), 0);
    EXPECT_EQ(machine.backend_starts(), starts);
    world_->run_for(3s);
    expect_rest();
    EXPECT_EQ(leader().rows()->size(), world_->committed());
}

// defects.md C37: the store is away from everybody, the same node leads again: its own newer data
// is the truth.
TEST_F(Scenario, AfterAnOutageTheFormerHolderGoesOnWithItsNewerData) {
    start({.seed = 7});
    auto& former = leader();
    auto& other = follower();
    other.cut_power(false);
    former.partition(true);
    ASSERT_TRUE(world_->run_until([&] { return !former.backend_alive(); }, 20s));
    const auto rows = former.rows();
    ASSERT_TRUE(rows);
    // It committed while it could ship nothing.
    EXPECT_GT(rows->size(), world_->log().rows()->size());
    world_->run_for(10s);
    former.partition(false);
    lead(40s);
    EXPECT_EQ(&leader(), &former);
    EXPECT_TRUE(begins_with(*former.rows(), *rows));
    other.boot();
    EXPECT_EQ(count("replica.set_aside"), 0);
    expect_rest();
    EXPECT_EQ(leader().rows()->size(), world_->committed());
}

// The other side of C37: another node opened meanwhile, and what was not shipped is set aside,
// never deleted. defects.md C19
TEST_F(Scenario, WhatAFormerHolderDidNotShipIsSetAside) {
    start({.seed = 8});
    auto& former = leader();
    auto& other = follower();
    former.partition(true);
    ASSERT_TRUE(world_->run_until([&] { return world_->primary() == &other; }, 30s));
    const auto unshipped = former.rows();
    former.partition(false);
    ASSERT_TRUE(
        world_->run_until([&] { return count(former.id() + " replica.set_aside") == 1; }, 20s));
    const auto names = former.files().list("/data").value();
    EXPECT_TRUE(std::any_of(names.begin(), names.end(), [](const auto& name) {
        return name.starts_with("db.sqlite.diverged-1-");
    }));
    expect_rest();
    EXPECT_LT(leader().rows()->size(), world_->committed());
}

// Hole 4 of checked.md: the log has what the power cut took from the WAL.
TEST_F(Scenario, ALeaderThatLostTheTailOfItsWalIsRebuilt) {
    start({.seed = 9});
    auto& former = leader();
    auto& other = follower();
    world_->write_rows(false);
    ASSERT_TRUE(world_->run_until([&] { return world_->converged(); }, 20s));
    const auto rows = *former.rows();
    sync_staged(former);
    other.cut_power(false);
    former.cut_power(false);
    former.boot();
    lead(90s);
    EXPECT_EQ(&leader(), &former);
    EXPECT_EQ(count("replica.set_aside"), 1);
    EXPECT_EQ(*former.rows(), rows);
    other.boot();
    world_->write_rows(true);
    world_->run_for(3s);
    expect_rest();
}

// D2 after a reboot: the log tells where its last TXID ends in the WAL, and the WAL has that frame.
TEST_F(Scenario, ALeaderThatLostOnlyItsRecordsGoesOnInPlace) {
    start({.seed = 9});
    auto& former = leader();
    auto& other = follower();
    world_->write_rows(false);
    ASSERT_TRUE(world_->run_until([&] { return world_->converged(); }, 20s));
    const auto rows = *former.rows();
    other.cut_power(false);
    sync_wal(former);
    former.cut_power(false);
    former.boot();
    lead(90s);
    EXPECT_EQ(&leader(), &former);
    EXPECT_EQ(count("replica.set_aside"), 0);
    EXPECT_EQ(*former.rows(), rows);
    EXPECT_EQ(count("snapshot.restore_started"), 1) << "the other's first copy is the only one";
    other.boot();
    world_->write_rows(true);
    world_->run_for(3s);
    expect_rest();
}

// D2, D3: what was committed and not shipped before the power cut is the next TXID after it.
TEST_F(Scenario, ACommitThatTheLogNeverSawSurvivesThePowerCutOfItsMachine) {
    start({.seed = 9});
    auto& former = leader();
    auto& other = follower();
    world_->write_rows(false);
    ASSERT_TRUE(world_->run_until([&] { return world_->converged(); }, 20s));
    const auto before = former.rows()->size();
    other.cut_power(false);
    former.partition(true);
    world_->write_rows(true);
    ASSERT_TRUE(world_->run_until([&] { return former.rows()->size() > before; }, 20s));
    const auto rows = *former.rows();
    sync_wal(former);
    former.cut_power(false);
    former.partition(false);
    world_->write_rows(false);
    former.boot();
    lead(90s);
    EXPECT_EQ(&leader(), &former);
    EXPECT_EQ(count("replica.set_aside"), 0);
    EXPECT_EQ(*former.rows(), rows);
    other.boot();
    expect_rest();
}

// D4, D7 after a reboot: proven an ancestor by the log's word alone.
TEST_F(Scenario, AFormerLeaderThatLostOnlyItsRecordsBecomesACopyWithoutADownload) {
    start({.seed = 9});
    auto& former = leader();
    auto& other = follower();
    world_->write_rows(false);
    ASSERT_TRUE(world_->run_until([&] { return world_->converged(); }, 20s));
    sync_wal(former);
    former.cut_power(false);
    world_->write_rows(true);
    ASSERT_TRUE(world_->run_until([&] { return world_->primary() == &other; }, 60s));
    former.boot();
    world_->run_for(5s);
    EXPECT_EQ(count("replica.set_aside"), 0);
    EXPECT_EQ(count("replica.rejoined"), 1);
    expect_rest();
    EXPECT_EQ(count("snapshot.restore_started"), 1) << "the other's first copy is the only one";
}

// defects.md C39 M01
TEST_F(Scenario, ANodeWithoutACopyNeverLeadsWhileDataExists) {
    world_.emplace(WorldSettings{.seed = 10, .machines = 2});
    world_->machine(0).boot();
    lead();
    world_->run_for(2s);
    world_->machine(0).cut_power(false);
    // It knows nobody, has no copy, and the lease is free.
    world_->machine(1).boot();
    world_->machine(1).partition(true);
    world_->run_for(5s);
    world_->machine(1).partition(false);
    bool led = false;
    (void)world_->run_until(
        [&] {
            led |= world_->machine(1).backend_alive() &&
                   !world_->machine(1).board()->replica.copy_complete;
            return led;
        },
        60s);
    EXPECT_FALSE(led);
    EXPECT_EQ(count("replica.alarm_raised"), 0);
    world_->machine(0).boot();
    lead();
    world_->run_for(2s);
    expect_rest();
}

// Hole 13: `released` that was only seen, not watched coming, may be older than a lease that the
// store forgot.
TEST_F(Scenario, AReleaseOnlySeenWaitsLikeAnythingElse) {
    start({.seed = 11, .machines = 3});
    auto& former = leader();
    const int taken = count("lease.taken");
    former.stop_daemon();
    ASSERT_TRUE(world_->run_until([&] { return count("reason=Shutdown") == 2; }, 5s));
    // All who saw it released are gone before they could take it.
    for (std::size_t i = 0; i < 3; ++i) {
        if (&world_->machine(i) != &former) world_->machine(i).kill_node();
    }
    const auto released = world_->now();
    ASSERT_TRUE(world_->run_until([&] { return count("lease.taken") > taken; }, 30s));
    EXPECT_GT(world_->now() - released, Duration{10s});
    lead();
    former.start_daemon();
    expect_rest();
}

// defects.md C11: the store is away when the node starts.
// L11: the first sight of its own old key, however late, is no sign of another owner.
TEST_F(Scenario, ANodeThatBootsDuringAnOutageClaimsItsIdWhenItIsOver) {
    start({.seed = 12});
    auto& other = follower();
    other.cut_power(false);
    other.boot();
    other.partition(true);
    world_->run_for(20s);
    other.partition(false);
    ASSERT_TRUE(world_->run_until(
        [&] { return other.board() != nullptr && other.board()->membership.claimed; }, 20s));
    EXPECT_EQ(count("membership.id_refused"), 0);
    expect_rest();
}

// D6: what was staged for former data does not come back with the power.
TEST_F(Scenario, StagedFilesOfFormerDataDoNotOutliveIt) {
    start({.seed = 13});
    auto& machine = leader();
    auto& other = follower();
    sync_staged(machine);
    world_->run_for(2s);
    machine.partition(true);
    ASSERT_TRUE(world_->run_until([&] { return world_->primary() == &other; }, 30s));
    world_->run_for(2s);
    machine.partition(false);
    ASSERT_TRUE(world_->run_until([&] { return count("replica.set_aside") == 1; }, 20s));
    world_->run_for(5s);
    machine.cut_power(false);
    EXPECT_EQ(machine.files().list(machine.paths().state + "/staged").value(),
              std::vector<std::string>{});
    machine.boot();
    world_->run_for(20s);
    other.cut_power(false);
    lead();
    EXPECT_EQ(count("capture.gap_found"), 0);
    other.boot();
    expect_rest();
}

// S10, hole 14: a store that lost what a node has read is noticed, and nothing is cut to match.
TEST_F(Scenario, AStoreThatLostItsLastMessageRaisesAnAlarm) {
    start({.seed = 14});
    world_->write_rows(false);
    ASSERT_TRUE(world_->run_until([&] { return world_->converged(); }, 20s));
    const auto rows = *leader().rows();
    world_->lose_last("OBJ_wal");
    world_->run_for(5s);
    EXPECT_TRUE(world_->alarmed());
    EXPECT_TRUE(leader().backend_alive());
    EXPECT_EQ(*leader().rows(), rows);
    EXPECT_EQ(world_->violation(), "");
}

// S10 for a former leader that starts anew: it knows its log from before, though it reads all of
// it.
TEST_F(Scenario, AStoreThatLostWhatItTookIsNoticedByALeaderThatComesBack) {
    for (const int lost : {1, 3}) {
        start({.seed = 14});
        auto& former = leader();
        world_->write_rows(false);
        ASSERT_TRUE(world_->run_until([&] { return world_->converged(); }, 20s));
        world_->machine(0).stop_daemon();
        world_->machine(1).stop_daemon();
        world_->run_for(5s);
        for (int i = 0; i < lost; ++i)
            world_->lose_last("OBJ_wal");
        const auto promoted = count("replica.promoted");
        former.start_daemon();
        world_->run_for(60s);
        EXPECT_TRUE(world_->alarmed());
        EXPECT_EQ(count("replica.promoted"), promoted) << "never a candidate by itself";
        EXPECT_EQ(count("replica.set_aside"), 0);
        EXPECT_EQ(world_->violation(), "");
    }
}

// D7: a tenure in which nobody committed anything leaves nothing behind.
TEST_F(Scenario, AQuietServiceMovesBackAndForthWithoutACopyMadeAnew) {
    start({.seed = 21});
    world_->write_rows(false);
    ASSERT_TRUE(world_->run_until([&] { return world_->converged(); }, 20s));
    for (int i = 1; i <= 3; ++i) {
        auto& to = follower();
        world_->wish_switchover("");
        ASSERT_TRUE(world_->run_until([&] { return world_->primary() == &to; }, 30s)) << i;
        ASSERT_TRUE(world_->run_until([&] { return count("replica.rejoined") == i; }, 30s))
            << i << world_->standing();
        expect_rest();
    }
    EXPECT_EQ(count("replica.set_aside"), 0);
    EXPECT_EQ(count("snapshot.restore_started"), 1) << "the first copy is the only one";
}

// defects.md C08 C09 G05: epochs only grow, whoever leads, whatever restarts.
TEST_F(Scenario, EpochsGrowThroughEveryKindOfChange) {
    start({.seed = 15, .machines = 3});
    std::uint64_t last = 0;
    for (int i = 0; i < 6; ++i) {
        const auto epoch = leader().board()->role.lease->epoch.value;
        EXPECT_GT(epoch, last);
        last = epoch;
        auto& machine = leader();
        if (i % 3 == 0) machine.kill_node();
        if (i % 3 == 1) machine.restart_daemon();
        if (i % 3 == 2) machine.cut_power(true);
        world_->run_for(1s);
        machine.boot();
        lead();
        world_->run_for(15s);
    }
    expect_rest();
}

// defects.md C12 C22 M13: a backend that dies comes back on its node; one that can not, elsewhere.
TEST_F(Scenario, ABackendThatDiesIsStartedAgain) {
    start({.seed = 16});
    auto& machine = leader();
    machine.kill_backend();
    lead(5s);
    EXPECT_EQ(&leader(), &machine);
    // It dies at once, before anybody has looked at it.
    const auto starts = machine.backend_starts();
    while (world_->run_until(
        [&] { return machine.backend_alive() || count("reason=BackendFailed") > 0; }, 40s)) {
        if (count("reason=BackendFailed") > 0) break;
        machine.kill_backend();
    }
    EXPECT_LE(machine.backend_starts() - starts, 4U);
    lead(60s);
    EXPECT_NE(&leader(), &machine);
    EXPECT_EQ(count("reason=BackendFailed"), 2);  // draining began, then released
    expect_rest();
}

// Whoever killed it, at every step on the disk of a promotion: what was begun is finished.
// defects.md C18 C19
TEST_F(Scenario, APromotionKilledAtAnyStepOfTheDiskIsFinishedLater) {
    for (std::uint64_t step = 0; step < 40; step += 3) {
        start({.seed = 17});
        auto& former = leader();
        auto& other = follower();
        // The passes that follow are idle: the crash waits for the first that changes something.
        world_->write_rows(false);
        ASSERT_TRUE(world_->run_until([&] { return world_->converged(); }, 20s));
        former.cut_power(false);
        other.kill_node_in_step(step);
        lead();
        world_->write_rows(true);
        world_->run_for(2s);
        former.boot();
        expect_rest();
        if (HasFailure()) break;
    }
}

}  // namespace
}  // namespace sim
