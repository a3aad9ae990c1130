// Each rule of docs/protocol.md taken away in turn, by wrapping a port, never in the code itself:
// an invariant that can not fail proves nothing. Every story is told twice: with the rule it ends
// well.
#include <gmock/gmock.h>

#include "tests/sim/cluster/chaos.h"
#include "tests/sim/story.h"

namespace sim {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

class WithoutRule : public Story {
protected:
    void expect_violation(Mutation mutation, const std::string& invariant) {
        if (mutation == Mutation::none) {
            EXPECT_EQ(world_->violation(), "");
        } else {
            EXPECT_THAT(world_->violation(), HasSubstr(invariant));
        }
    }
};

// W1. The node process is stopped for longer than its lease: only the warden ends the backend.
TEST_F(WithoutRule, W1TwoBackendsLive) {
    for (const auto mutation : {Mutation::none, Mutation::no_warden}) {
        start({.seed = 1, .mutation = mutation});
        leader().stop_node();
        world_->run_for(20s);
        expect_violation(mutation, "I1");
    }
}

// S2. A file's meta was sent and is under way, its sender has sealed anew: only its expectation
// keeps it out.
TEST_F(WithoutRule, S2ALateFileLandsBehindTheMarker) {
    for (const auto mutation : {Mutation::none, Mutation::no_expect}) {
        start({.seed = 1, .mutation = mutation});
        auto* const log = leader().process()->clients()[2];
        log->fail_next(SimFault::none);  // its chunk
        log->fail_next(SimFault::late);
        world_->run_for(1s);
        ASSERT_EQ(log->late(), 1U);
        log->deliver_late();
        world_->run_for(1s);
        expect_violation(mutation, "I3");
    }
}

// L1. A takeover that was asked for long ago arrives while another node leads and does not look.
TEST_F(WithoutRule, L1ALateTakeoverMakesASecondLeader) {
    for (const auto mutation : {Mutation::none, Mutation::no_cas}) {
        start({.seed = 3, .machines = 3, .mutation = mutation});
        leader().cut_power(false);
        // Whoever asks first is not answered.
        for (std::size_t i = 0; i < 3; ++i) {
            auto& machine = world_->machine(i);
            if (machine.powered()) machine.process()->clients()[0]->fail_next(SimFault::late);
        }
        const auto late = [&]() -> Machine* {
            for (std::size_t i = 0; i < 3; ++i) {
                auto& machine = world_->machine(i);
                if (machine.powered() && machine.process()->clients()[0]->late() > 0) {
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
                machine.process()->clients()[0]->forget_faults();
            }
        }
        lead(30s);
        ASSERT_NE(&leader(), &first);
        leader().stop_node();
        first.process()->clients()[0]->deliver_late();
        world_->run_for(5s);
        expect_violation(mutation, "I");
    }
}

// D2. The WAL's tail did not survive the power cut, though all the records did.
TEST_F(WithoutRule, D2APowerCutTakesBackWhatWasAcknowledged) {
    for (const auto mutation : {Mutation::none, Mutation::no_tail}) {
        start({.seed = 1, .mutation = mutation});
        world_->write_rows(false);
        ASSERT_TRUE(world_->run_until([&] { return world_->converged(); }, 10s));
        auto& former = leader();
        auto& other = follower();
        sync_staged(former);
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
        world_->wish_switchover({});
        const auto released = count("lease.released");
        // A row at every event, for as long as anybody takes one.
        (void)world_->run_until(
            [&] {
                world_->write_now();
                return count("lease.released") > released;
            },
            5s);
        expect_violation(mutation, "I5");
    }
}

}  // namespace
}  // namespace sim
