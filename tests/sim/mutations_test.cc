// Each rule of docs/protocol.md is disabled in turn by wrapping a port, never in the code itself,
// to prove that an invariant detects it. Each scenario also runs with the rule in place, without a
// violation.
#include <gmock/gmock.h>

#include "tests/sim/cluster/chaos.h"
#include "tests/sim/cluster_test.h"

namespace sim {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

class WithoutRule : public ClusterTest {
protected:
    void expect_violation(Mutation mutation, const std::string& invariant) {
        if (mutation == Mutation::none) {
            EXPECT_EQ(world_->violation(), "");
        } else {
            EXPECT_THAT(world_->violation(), HasSubstr(invariant));
        }
    }
};

// W1. The node process is stopped for longer than its lease: only the warden can end the backend.
TEST_F(WithoutRule, W1TwoBackendsLive) {
    for (const auto mutation : {Mutation::none, Mutation::no_warden}) {
        start({.seed = 1, .mutation = mutation});
        leader().stop_node();
        world_->run_for(20s);
        expect_violation(mutation, "I1");
    }
}

// S2. A file's meta is under way while its sender has sealed again: only the expected sequence
// keeps it out.
TEST_F(WithoutRule, S2ALateFileLandsBehindTheMarker) {
    for (const auto mutation : {Mutation::none, Mutation::no_expect}) {
        start({.seed = 2, .mutation = mutation});
        auto* const log = &leader().process()->client(Connection::log);
        log->fail_next(SimFault::none);  // for its chunk
        log->fail_next(SimFault::late);
        world_->run_for(1s);
        ASSERT_EQ(log->late(), 1U);
        log->deliver_late();
        world_->run_for(1s);
        expect_violation(mutation, "I3");
    }
}

// L1. A delayed takeover request arrives while another node leads and does not read the record.
TEST_F(WithoutRule, L1ALateTakeoverMakesASecondLeader) {
    for (const auto mutation : {Mutation::none, Mutation::no_cas}) {
        start({.seed = 3, .machines = 3, .mutation = mutation});
        leader().cut_power(false);
        // The first to request it gets no answer.
        for (std::size_t i = 0; i < 3; ++i) {
            auto& machine = world_->machine(i);
            if (machine.powered())
                machine.process()->client(Connection::role).fail_next(SimFault::late);
        }
        const auto late = [&]() -> Machine* {
            for (std::size_t i = 0; i < 3; ++i) {
                auto& machine = world_->machine(i);
                if (machine.powered() && machine.process()->client(Connection::role).late() > 0) {
                    return &machine;
                }
            }
            return nullptr;
        };
        ASSERT_TRUE(world_->run_until([&] { return late() != nullptr; }, 20s));
        Machine& first = *late();
        for (std::size_t i = 0; i < 3; ++i) {
            auto& machine = world_->machine(i);
            if (&machine != &first && machine.powered()) {
                machine.process()->client(Connection::role).forget_faults();
            }
        }
        lead(30s);
        ASSERT_NE(&leader(), &first);
        leader().stop_node();
        first.process()->client(Connection::role).deliver_late();
        world_->run_for(5s);
        expect_violation(mutation, "I");
    }
}

// D2. The end of the WAL did not survive the power cut, although all records did.
TEST_F(WithoutRule, D2APowerCutTakesBackWhatWasAcknowledged) {
    for (const auto mutation : {Mutation::none, Mutation::no_tail}) {
        start({.seed = 1, .mutation = mutation});
        world_->write_rows(false);
        ASSERT_TRUE(world_->run_until([&] { return world_->converged(); }, 10s));
        auto& former = leader();
        auto& other = follower();
        former.sync_staged();
        other.cut_power(false);
        former.cut_power(false);
        former.boot();
        world_->run_for(30s);
        other.boot();
        world_->write_rows(true);
        world_->run_for(30s);
        expect_violation(mutation, "I4");
    }
}

// S4. The new leader does not read the last file before its marker.
TEST_F(WithoutRule, S4TheLastFileIsLost) {
    for (const auto mutation : {Mutation::none, Mutation::no_read}) {
        start({.seed = 1, .mutation = mutation});
        leader().cut_power(false);
        world_->run_for(30s);
        expect_violation(mutation, "I");
    }
}

// D8, L9. defects.md C04: a backend that was only asked to stop goes on committing.
TEST_F(WithoutRule, D8ASwitchoverLosesCommits) {
    for (const auto mutation : {Mutation::none, Mutation::dead_too_soon}) {
        start({.seed = 1, .mutation = mutation});
        world_->request_switchover({});
        const auto released = count("lease.released");
        // Tries to commit a row at every event.
        (void)world_->run_until(
            [&] {
                world_->write_now();
                return count("lease.released") > released;
            },
            5s);
        expect_violation(mutation, "I5");
    }
}

// W4, I6. Neither process of the leader runs: only the kernel's timer takes its address off.
TEST_F(WithoutRule, W4TheAddressOutlivesTheLease) {
    for (const auto mutation : {Mutation::none, Mutation::long_life}) {
        start({.seed = 1, .mutation = mutation, .vip = true});
        leader().starve_warden(true);
        leader().stop_node();
        world_->run_for(20s);
        if (mutation == Mutation::none) {
            // The backend of a frozen pair is what no lifetime ends.
            EXPECT_THAT(world_->violation(), Not(HasSubstr("I6")));
        } else {
            EXPECT_THAT(world_->violation(), HasSubstr("I6"));
        }
    }
}

// W1, I6. The node process is stopped for longer than its lease, and the kernel's timer fails.
TEST_F(WithoutRule, W1TheWardenTakesTheAddressOffWhereTheTimerFails) {
    start({.seed = 1, .mutation = Mutation::long_life, .vip = true});
    leader().stop_node();
    world_->run_for(20s);
    expect_violation(Mutation::none, "");
}

// D8, I6. The lease is released with the address still on.
TEST_F(WithoutRule, D8TheLeaseIsReleasedWithTheAddress) {
    for (const auto mutation : {Mutation::none, Mutation::no_unbind}) {
        start({.seed = 1, .mutation = mutation, .vip = true});
        world_->request_switchover({});
        world_->run_for(10s);
        expect_violation(mutation, "I6");
    }
}

}  // namespace
}  // namespace sim
