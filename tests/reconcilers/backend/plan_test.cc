// When the backend is started, stopped and killed.
#include "reconcilers/backend/plan.h"

#include <gtest/gtest.h>

namespace reconcilers::backend {
namespace {

using model::Instant;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Observed = ports::BackendObserved;
using Phase = RoleView::Phase;

const Settings settings{.health_url = "http://127.0.0.1:1/version",
                        .health_interval = seconds{5},
                        .health_timeout = seconds{3},
                        .start_timeout = seconds{60},
                        .stop_timeout = seconds{30}};
constexpr Instant now{seconds{1000}};

Board primary_board() {
    Board board;
    board.role.phase = Phase::holder;
    board.role.lease =
        model::Lease{.epoch = {3}, .valid_until = now + seconds{10}, .margin = seconds{2}};
    board.replica.promoted = {3};
    return board;
}
Board passive_board() {
    Board board;
    board.role.phase = Phase::follower;
    return board;
}
const Observed absent{.state = Observed::State::absent};
const Observed running{.state = Observed::State::running, .pid = 7, .starts = 1};

Action action(const Memory& memory,
              const Board& board,
              const Observed& observed,
              Instant at = now) {
    return plan_backend(memory, settings, board, observed, at).action;
}

TEST(BackendPlan, StartsWhereTheDataWasPromotedUnderTheLease) {
    EXPECT_EQ(action({}, primary_board(), absent), Action{Start{}});
    auto board = primary_board();
    board.replica.promoted = {2};
    EXPECT_EQ(action({}, board, absent), Action{});
    EXPECT_EQ(action({}, passive_board(), absent), Action{});
}

// W0: a unit that systemd has elsewhere would go on without the lease.
TEST(BackendPlan, StopsOneThatNobodyWouldEnd) {
    Memory memory;
    memory.started_at = now;
    memory.starts_seen = 1;
    memory.next_probe = now + seconds{1};
    EXPECT_EQ(action(memory, primary_board(), running), Action{});
    auto unguarded = running;
    unguarded.unguarded = true;
    EXPECT_EQ(action(memory, primary_board(), unguarded), Action{Stop{}});
    auto board = primary_board();
    board.replica.promoted = {};  // D2: nor is it kept during an adoption
    EXPECT_EQ(action(memory, board, unguarded), Action{Stop{}});
}

// DESIGN.md 6: clients come by the address, so that it is there first; one that vanishes for a
// moment ends nothing.
TEST(BackendPlan, WaitsForTheVirtualAddressOfThisEpochAndOutlivesIts) {
    auto board = primary_board();
    board.vip.configured = true;
    board.vip.bound = {2};
    EXPECT_EQ(action({}, board, absent), Action{});
    Memory memory;
    memory.started_at = now;
    memory.starts_seen = 1;
    memory.next_probe = now + seconds{1};
    EXPECT_EQ(action(memory, board, running), Action{});
    board.vip.bound = {3};
    EXPECT_EQ(action({}, board, absent), Action{Start{}});
    board.vip.bound = {};
    board.replica.promoted = {};
    board.replica.create_wanted = true;  // D10: it may listen on the address alone
    EXPECT_EQ(action({}, board, absent), Action{});
    board.vip.bound = {3};
    EXPECT_EQ(action({}, board, absent), Action{Start{}});
}

TEST(BackendPlan, OneThatDiesBeforeAnybodyLookedIsAFailureWithItsPause) {
    Memory memory;
    memory.start_sent = true;
    const Observed died{.state = Observed::State::absent, .starts = 1, .last_exit = "exit 1"};
    // Not started yet: nothing is known about it.
    learn(memory, settings, absent, {}, now);
    EXPECT_EQ(memory.failures, 0);
    learn(memory, settings, died, {}, now);
    EXPECT_EQ(memory.failures, 1);
    EXPECT_EQ(action(memory, primary_board(), died), Action{});
    EXPECT_EQ(action(memory, primary_board(), died, now + back_off(1)), Action{Start{}});
    // It counts once; starts seen by an earlier process of this node do not count.
    learn(memory, settings, died, {}, now);
    EXPECT_EQ(memory.failures, 1);
    Memory fresh;
    learn(fresh, settings, died, {}, now);
    EXPECT_EQ(fresh.failures, 0);
}

// Whatever is to run it may still do so: that is observed, and no failure of the backend.
TEST(BackendPlan, AStartWithoutAnAnswerIsNoFailureUntilItLastsForTheStartTimeout) {
    Memory memory;
    const model::Result<void> unknown = model::error(model::Errc::unknown_outcome, "no answer");
    learn_start(memory, settings, unknown, now);
    EXPECT_EQ(memory.failures, 0);
    EXPECT_TRUE(memory.start_sent);
    EXPECT_EQ(action(memory, primary_board(), absent, now + milliseconds{249}), Action{});
    EXPECT_EQ(action(memory, primary_board(), absent, now + milliseconds{250}), Action{Start{}});
    const model::Result<void> unavailable = model::error(model::Errc::unavailable, "no bus");
    learn_start(memory, settings, unavailable, now + seconds{60} - milliseconds{1});
    EXPECT_EQ(memory.failures, 0);
    EXPECT_FALSE(memory.start_sent);
    learn_start(memory, settings, unavailable, now + seconds{60});
    EXPECT_EQ(memory.failures, 1);
    // It came up after all: the next one in vain begins anew.
    learn_start(memory, settings, unknown, now + seconds{70});
    learn(memory, settings, running, {}, now + seconds{71});
    learn_start(memory, settings, unknown, now + seconds{140});
    EXPECT_EQ(memory.failures, 1);
}

TEST(BackendPlan, ARefusedStartIsAFailure) {
    Memory memory;
    learn_start(memory, settings, model::error(model::Errc::invalid, "no such program"), now);
    EXPECT_EQ(memory.failures, 1);
    EXPECT_FALSE(memory.start_sent);
    EXPECT_EQ(memory.last_failure, "no such program");
    EXPECT_EQ(memory.start_after, now + back_off(1));
}

// A unit with Restart=: a crash loop that systemd runs is one all the same.
TEST(BackendPlan, OneThatOthersStartAgainHasFailed) {
    Memory memory;
    memory.start_sent = true;
    learn(memory, settings, running, {}, now);
    EXPECT_EQ(memory.failures, 0);
    auto again = running;
    for (again.starts = 2; again.starts <= 4; ++again.starts)
        learn(memory, settings, again, {}, now + seconds{again.starts});
    EXPECT_EQ(memory.failures, starts_to_give_up);
    // The one that a stop of ours had restarted by mistake is not counted.
    memory.stop_asked = now;
    learn(memory, settings, again, {}, now + seconds{9});
    EXPECT_EQ(memory.failures, starts_to_give_up);
}

TEST(BackendPlan, StopsTheOneThatRunsOnAPassiveNode) {  // defects.md C10
    EXPECT_EQ(action({}, passive_board(), running), Action{Stop{}});
}

TEST(BackendPlan, LeavesARunningOneAloneUntilTheRoleIsKnown) {  // L8
    Board board;
    board.role.phase = Phase::starting;
    EXPECT_EQ(action({}, board, running), Action{});
}

TEST(BackendPlan, LeavesAnAdoptedOneAloneWhileTheLogIsSealed) {  // D2; defects.md C36
    auto board = primary_board();
    board.replica.promoted = {};
    Memory memory;
    memory.started_at = now - seconds{1};
    memory.next_probe = now + seconds{1};
    EXPECT_EQ(action(memory, board, running), Action{});
    board.replica.backend_must_stop = true;
    EXPECT_EQ(action(memory, board, running), Action{Stop{}});
}

TEST(BackendPlan, StopsAtTheFenceTimeWhateverTheRoleDoes) {  // W2; defects.md C02, C03
    auto board = primary_board();
    Memory memory;
    memory.started_at = now;
    memory.next_probe = now + seconds{100};
    EXPECT_EQ(action(memory, board, running, now + milliseconds{7'999}), Action{});
    EXPECT_EQ(action(memory, board, running, now + seconds{8}), Action{Stop{}});
    EXPECT_LE(plan_backend(memory, settings, board, running, now + milliseconds{7'900}).wake_at,
              now + seconds{8});
    EXPECT_EQ(action({}, board, absent, now + seconds{8}), Action{});
}

TEST(BackendPlan, KillsWhatDoesNotEndInItsTime) {  // defects.md C23
    Memory memory;
    memory.started_at = now - seconds{100};
    memory.stop_asked = now;
    EXPECT_EQ(action(memory, passive_board(), running, now + milliseconds{29'999}), Action{});
    EXPECT_EQ(action(memory, passive_board(), running, now + seconds{30}), Action{Kill{}});
}

TEST(BackendPlan, AStopThatWasBegunIsCarriedThrough) {
    Memory memory;
    memory.started_at = now - seconds{100};
    memory.stop_asked = now - seconds{1};
    // no health check, and no change of mind
    EXPECT_EQ(action(memory, primary_board(), running), Action{});
}

TEST(BackendPlan, ADrainingHolderStopsIt) {  // D8
    auto board = primary_board();
    board.role.phase = Phase::draining;
    Memory memory;
    memory.started_at = now - seconds{1};
    EXPECT_EQ(action(memory, board, running), Action{Stop{}});
    EXPECT_EQ(action({}, board, absent), Action{});
}

TEST(BackendPlan, AnUnknownStateIsNeitherStartedNorTakenForDead) {
    EXPECT_EQ(action({}, primary_board(), Observed{}), Action{});
}

TEST(BackendPlan, FailedStartsBackOff) {  // defects.md C22
    EXPECT_EQ(back_off(0), model::Duration{});
    EXPECT_EQ(back_off(1), milliseconds{250});
    EXPECT_EQ(back_off(3), seconds{1});
    EXPECT_EQ(back_off(100), seconds{30});
    Memory memory;
    learn(memory, settings, running, {}, now);
    auto died = absent;
    died.last_exit = "exit 1";
    learn(memory, settings, died, {}, now + milliseconds{10});
    EXPECT_EQ(memory.failures, 1);
    EXPECT_EQ(action(memory, primary_board(), died, now + milliseconds{259}), Action{});
    EXPECT_EQ(action(memory, primary_board(), died, now + milliseconds{260}), Action{Start{}});
}

TEST(BackendPlan, AnEndThatWasAskedForIsNoFailure) {
    Memory memory;
    learn(memory, settings, running, {}, now);
    memory.stop_asked = now;
    learn(memory, settings, absent, {}, now + seconds{1});
    EXPECT_EQ(memory.failures, 0);
}

TEST(BackendPlan, ThreeFailedProbesMakeItUnhealthyAndOneGoodOneReady) {  // defects.md C22
    const ports::Health good{.state = ports::Health::State::healthy};
    const ports::Health bad{.state = ports::Health::State::failed, .reason = "503"};
    Memory memory;
    learn(memory, settings, running, {}, now);
    EXPECT_FALSE(memory.ready);
    learn(memory, settings, running, good, now);
    EXPECT_TRUE(memory.ready);
    learn(memory, settings, running, bad, now);
    learn(memory, settings, running, bad, now);
    EXPECT_TRUE(memory.ready);
    learn(memory, settings, running, bad, now);
    EXPECT_FALSE(memory.ready);
    // It is restarted once its start time is over, and only because it was healthy before.
    memory.next_probe = now + seconds{100};
    EXPECT_EQ(action(memory, primary_board(), running, now + seconds{7}), Action{});
    auto later = primary_board();
    later.role.lease->valid_until = now + seconds{100};
    EXPECT_EQ(action(memory, later, running, now + seconds{60}), Action{Stop{.unhealthy = true}});
    memory.ever_ready = false;
    EXPECT_EQ(action(memory, later, running, now + seconds{60}), Action{});
}

// defects.md C12, M13: a stop because of its health is a failure, so that the restart budget ends.
TEST(BackendPlan, AnEndForItsHealthCountsAndOneThatWasAskedForDoesNot) {
    ports::BackendObserved gone;
    gone.state = ports::BackendObserved::State::absent;
    Memory memory;
    learn(memory, settings, running, {}, now);
    memory.stop_asked = now;
    learn(memory, settings, gone, {}, now);
    EXPECT_EQ(memory.failures, 0);
    learn(memory, settings, running, {}, now);
    memory.stop_asked = now;
    memory.found_unhealthy = true;
    learn(memory, settings, gone, {}, now);
    EXPECT_EQ(memory.failures, 1);
    EXPECT_FALSE(memory.found_unhealthy);
}

TEST(BackendPlan, AnEndpointThatAnsweredOnAnotherNodeIsNoMistake) {
    auto board = primary_board();
    EXPECT_FALSE(healthy_elsewhere(board));
    Peer peer;
    peer.status.conditions = {{.type = model::ConditionType::backend_ready, .status = false},
                              {.type = model::ConditionType::lease_held, .status = true}};
    board.membership.peers = {peer};
    EXPECT_FALSE(healthy_elsewhere(board));
    board.membership.peers.front().status.conditions.front().status = true;
    EXPECT_TRUE(healthy_elsewhere(board));
}

}  // namespace
}  // namespace reconcilers::backend
