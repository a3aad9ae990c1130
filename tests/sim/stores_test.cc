// Clusters whose nats.servers name two stand-alone servers. Rule L12 of docs/protocol.md.
#include <gmock/gmock.h>

#include "adapters/json/records.h"
#include "tests/sim/cluster_test.h"

namespace sim {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

class TwoServers : public ClusterTest {
protected:
    SimServer& a() { return world_->server(); }
    SimServer& b() { return world_->other_server(); }

    /// Puts both servers into every machine's configuration; every second machine lists them in the
    /// other order, so that its connections begin with the other server.
    void name_both() {
        for (std::size_t i = 0; i < world_->size(); ++i) {
            auto servers = std::vector<SimServer*>{&a(), &b()};
            if (i % 2 == 1) std::swap(servers[0], servers[1]);
            world_->machine(i).name_servers(servers);
        }
    }
    /// Another node leads in server b, with epochs far ahead of those in a.
    void lead_in_other_store(bool with_log) {
        for (const auto* stream : {"KV_election", "KV_state"})
            b().ensure(stream, 1);
        if (with_log) b().ensure("OBJ_wal", 0);
        const model::LeaseRecord record{.node_id = "stranger",
                                        .host = {.machine_id = "m", .boot_id = "b"},
                                        .nonce = "x-1",
                                        .epoch = {99},
                                        .ttl_ms = 10'000};
        b().publish("KV_election",
                    {.message = {.subject = "leader",
                                 .payload = model::to_bytes(adapters::json::encode(record))}});
    }
    void restart_all() {
        for (std::size_t i = 0; i < world_->size(); ++i) {
            world_->machine(i).restart_daemon();
            world_->run_for(3s);
        }
    }
    [[nodiscard]] bool condition(Machine& machine, model::ConditionType type) {
        for (const auto& each : machine.process()->status().conditions) {
            if (each.type == type) return each.status;
        }
        return false;
    }
};

// The defect that was observed: two leaders, each ready, each acknowledging writes.
TEST_F(TwoServers, NeverMakeTwoLeadersOfEmptyNodes) {
    for (const auto mutation : {Mutation::none, Mutation::any_store}) {
        world_.emplace(WorldSettings{.seed = 1, .mutation = mutation});
        name_both();
        world_->boot_all();
        world_->run_for(60s);
        if (mutation == Mutation::any_store) {
            EXPECT_THAT(world_->violation(), HasSubstr("I1"));
            continue;
        }
        EXPECT_EQ(world_->violation(), "");
        EXPECT_EQ(count("lease.taken"), 0);
        EXPECT_EQ(count("backend.starting"), 0);
        for (std::size_t i = 0; i < 2; ++i) {
            auto& machine = world_->machine(i);
            EXPECT_EQ(count(machine.id() + " store.differs"), 1);
            EXPECT_FALSE(condition(machine, model::ConditionType::store_agreed));
        }
        // The operator removes the wrong server from the configuration.
        for (std::size_t i = 0; i < 2; ++i)
            world_->machine(i).name_servers({&a()});
        restart_all();
        lead();
        EXPECT_TRUE(condition(leader(), model::ConditionType::store_agreed));
        expect_converged();
    }
}

TEST_F(TwoServers, OfAClusterThatRunsTheOneWithItsLogIsUsed) {
    start({.seed = 2});
    name_both();
    restart_all();
    lead();
    world_->run_for(5s);
    EXPECT_EQ(count("n1 store.differs"), 1);
    EXPECT_EQ(count("n2 store.differs"), 1);
    EXPECT_TRUE(condition(leader(), model::ConditionType::store_agreed));
    // Without it the cluster cannot continue, even though the other server answers.
    a().set_down(true);
    ASSERT_TRUE(world_->run_until([&] { return world_->primary() == nullptr; }, 15s));
    const auto starts = count("backend.starting");
    world_->run_for(120s);
    EXPECT_EQ(world_->primary(), nullptr);
    EXPECT_EQ(count("backend.starting"), starts);
    EXPECT_EQ(b().find("KV_election"), nullptr);
    a().set_down(false);
    lead();
    expect_converged();
}

// The record in the other store does not concern this cluster: it neither deposes nor renews.
TEST_F(TwoServers, ALeaderWhoseConnectionReachesTheOtherOneComesBackInTime) {
    for (const auto mutation : {Mutation::none, Mutation::any_store}) {
        start({.seed = 3, .mutation = mutation});
        if (mutation == Mutation::none) {
            name_both();
            restart_all();
            lead();
            world_->run_for(5s);
        }
        lead_in_other_store(true);
        auto& machine = leader();
        const auto lost = count("lease.lost");
        for (auto* client : machine.process()->clients())
            client->move_to(b());
        world_->run_for(20s);
        if (mutation == Mutation::any_store) {
            // It believes what it finds there: that the log was lost, if it looks there first.
            EXPECT_GT(count("lease.lost") + count("replica.alarm_raised"), lost);
            continue;
        }
        EXPECT_EQ(count("lease.lost"), lost);
        EXPECT_EQ(&leader(), &machine);
        EXPECT_EQ(b().find("KV_election")->last(), 1U);
        EXPECT_EQ(b().find("OBJ_wal")->last(), 0U);
        expect_converged();
    }
}

// Its lease expires as if it were disconnected.
TEST_F(TwoServers, ALeaderThatOnlyReachesTheOtherOneFencesInTime) {
    start({.seed = 4});
    name_both();
    restart_all();
    lead();
    world_->run_for(5s);
    lead_in_other_store(false);
    a().set_down(true);
    ASSERT_TRUE(world_->run_until([&] { return count("lease.lost") > 0; }, 12s));
    EXPECT_EQ(count("reason=the lease was not renewed"), 1);
    world_->run_for(60s);
    EXPECT_EQ(world_->primary(), nullptr);
    a().set_down(false);
    lead();
    expect_converged();
}

// Two clusters under one name, as two wrong configurations could create: no node continues until an
// operator has decided which store counts.
TEST_F(TwoServers, ThatBothHaveALogStopEveryNodeThatNamesBoth) {
    start({.seed = 5});
    lead_in_other_store(true);
    name_both();
    restart_all();
    world_->run_for(60s);
    EXPECT_EQ(world_->primary(), nullptr);
    for (std::size_t i = 0; i < 2; ++i)
        world_->machine(i).name_servers({&a()});
    restart_all();
    lead();
    expect_converged();
}

}  // namespace
}  // namespace sim
