// Stories of a store that loses what it had acknowledged: the last write of the lease record, the
// last message of the log. Rules L6, S9, S10 of docs/protocol.md; more of them in tests/scripts.
#include <gmock/gmock.h>

#include "tests/sim/cluster_test.h"

namespace sim {
namespace {

using namespace std::chrono_literals;

class Losses : public ClusterTest {
protected:
    [[nodiscard]] static SimClient& log_of(Machine& machine) {
        return machine.process()->client(Connection::log);
    }
    /// From the lease record and the other nodes' status, not from the log.
    static void cut_off_from_record(Machine& machine, bool cut_off) {
        machine.process()->client(Connection::role).set_partitioned(cut_off);
        machine.process()->client(Connection::control).set_partitioned(cut_off);
    }
    /// A cluster at rest, and nobody writes.
    void start_quiet(WorldSettings settings) {
        start(settings);
        world_->write_rows(false);
        ASSERT_TRUE(world_->run_until([&] { return world_->converged(); }, 20s));
    }
};

// L6, I2: one node led in epoch 2, and the record of it is lost. The next one has read neither the
// record nor the marker when it takes epoch 2 as well: the marker before its own tells it.
TEST_F(Losses, AnEpochThatSomebodyElseHasMarkedIsRaised) {
    start_quiet({.seed = 31});
    auto& former = leader();
    auto& other = follower();
    log_of(other).set_partitioned(true);
    cut_off_from_record(other, true);
    former.kill_node();
    ASSERT_TRUE(world_->run_until([&] { return count("replica.promoted epoch=2") == 1; }, 20s));
    former.cut_power(false);
    world_->lose_last("KV_election");
    cut_off_from_record(other, false);
    ASSERT_TRUE(world_->run_until([&] { return count("lease.taken epoch=2") == 1; }, 40s))
        << world_->describe();
    log_of(other).set_partitioned(false);
    ASSERT_TRUE(world_->run_until([&] { return world_->primary() == &other; }, 40s))
        << world_->describe();
    EXPECT_EQ(count("lease.raised epoch=3"), 1);
    EXPECT_EQ(count("replica.promoted epoch=2"), 1);
    former.boot();
    world_->write_rows(true);
    world_->run_for(3s);
    expect_converged();
}

// S9: the leader's newest file is lost while it is cut off, and its sequence is taken again by a
// marker that came late: what the leader expects is what it finds, and yet the log has a hole.
TEST_F(Losses, ALeaderWhoseNewestFileIsGoneShipsNothingBehindTheHole) {
    start({.seed = 32});
    auto& lead = leader();
    log_of(lead).set_partitioned(true);
    world_->run_for(1s);
    world_->lose_last("OBJ_wal");
    model::ObjectMeta late = model::to_meta(model::Marker{.epoch = {1}, .node = lead.id()});
    late.nuid = world_->server().new_nuid();
    world_->server().publish("OBJ_wal", {.message = {.subject = "M." + late.name, .meta = late}});
    const auto end = world_->server().find("OBJ_wal")->last();
    log_of(lead).set_partitioned(false);
    world_->run_for(3s);
    EXPECT_EQ(world_->server().find("OBJ_wal")->last(), end);
    EXPECT_EQ(count(lead.id() + " replica.alarm_raised"), 1);
    EXPECT_TRUE(lead.backend_alive()) << "it goes on serving";
    EXPECT_EQ(world_->violation(), "");
}

// S9, I5: what a leader that steps down has shipped is lost before it lets go.
TEST_F(Losses, NothingIsReleasedWhenWhatWasShippedIsLost) {
    start_quiet({.seed = 33});
    const auto& lead = leader();
    world_->request_switchover({});
    ASSERT_TRUE(world_->run_until([&] { return count("role.draining_started") == 1; }, 10s));
    world_->lose_last("OBJ_wal");
    world_->run_for(5s);
    EXPECT_EQ(count("lease.released"), 0);
    EXPECT_EQ(count(lead.id() + " replica.alarm_raised"), 1);
    EXPECT_EQ(world_->violation(), "");
}

// S10: the opened of a tenure is lost, and with it all that the log knew of it. The node that has
// the data of that tenure would wait for ever, without a word.
TEST_F(Losses, DataOfATenureThatTheLogLostRaisesAnAlarm) {
    start_quiet({.seed = 34});
    auto& former = leader();
    auto& other = follower();
    former.sync_staged();
    former.sync_wal();
    former.cut_power(false);
    ASSERT_TRUE(world_->run_until([&] { return count("replica.promoted epoch=2") == 1; }, 40s));
    other.cut_power(false);
    world_->lose_last("OBJ_wal");
    former.boot();
    ASSERT_TRUE(world_->run_until([&] { return world_->primary() == &former; }, 60s))
        << world_->describe();
    other.boot();
    EXPECT_TRUE(
        world_->run_until([&] { return count(other.id() + " replica.alarm_raised") == 1; }, 20s))
        << world_->describe();
    EXPECT_EQ(world_->violation(), "");
}

}  // namespace
}  // namespace sim
