// The decisions of the role, on both sides of each boundary.
#include "reconcilers/role/plan.h"

#include <gtest/gtest.h>

#include <functional>

namespace reconcilers::role {
namespace {

using model::Epoch;
using model::Instant;
using model::LeaseRecord;
using model::Revision;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Phase = RoleView::Phase;

constexpr Instant at(milliseconds since_boot) { return Instant{since_boot}; }

const Settings n1{.node_id = "n1",
                  .host = {.machine_id = "m1", .boot_id = "b1"},
                  .timing = {.ttl = seconds{10},
                             .heartbeat = seconds{3},
                             .margin = seconds{2},
                             .cooldown = seconds{10}}};

LeaseRecord held_by(const std::string& node, Epoch epoch, const std::string& nonce) {
    return {.node_id = node,
            .host = {.machine_id = "m-" + node, .boot_id = "b-" + node},
            .nonce = nonce,
            .epoch = epoch,
            .members = {"n1", "n2", "n3"}};
}

Peer peer(const std::string& id, model::Position position, bool fresh = true) {
    return {.status = {.node_id = id, .position = position, .copy_complete = true, .fit = true},
            .fresh = fresh};
}

/// A board on which nothing prevents a takeover.
Board ready_board() {
    Board board;
    board.membership.claimed = true;
    board.membership.read = true;
    board.membership.members = {"n1", "n2", "n3"};
    board.replica.fit = true;
    board.replica.log_read = true;
    board.replica.position = {.tenure = {1}, .txid = {10}};
    board.replica.may_have_unshipped = false;
    board.replica.lag = model::Lag{};
    board.backend.output.off = true;
    board.backend.unfit_because.clear();
    board.store.identity = {.election = "e1", .state = "s1", .log = "l1"};
    return board;
}

/// Memory of a follower that has watched `record` since `since` without a gap.
Memory watching(const std::optional<LeaseRecord>& record, Instant since) {
    Memory memory;
    memory.phase = Phase::follower;
    memory.may_adopt = false;
    memory.known = true;
    memory.entry = {.record = record, .revision = record ? Revision{7} : Revision{}};
    memory.read_at = since;
    memory.watched_since = since;
    return memory;
}

bool takes_over(Memory memory, const Board& board, Instant now) {
    memory.read_at = now;  // the record was just read again, unchanged
    const auto plan = plan_role(memory, n1, board, {}, now);
    const auto* write = std::get_if<WriteRecord>(&plan.action);
    return write != nullptr && write->kind == Write::take_over;
}

TEST(RolePlan, ACandidateWaitsForTtlAndTheDriftAllowance) {  // L4; defects.md M07
    const auto memory = watching(held_by("n2", {3}, "x"), at(seconds{100}));
    EXPECT_FALSE(takes_over(memory, ready_board(), at(milliseconds{110'199})));
    EXPECT_TRUE(takes_over(memory, ready_board(), at(milliseconds{110'200})));
}

TEST(RolePlan, ARecordThatNeverExistedIsTakenAtOnce) {
    EXPECT_TRUE(takes_over(watching({}, at(seconds{1})), ready_board(), at(seconds{1})));
}

TEST(RolePlan, AKeyThatSomebodyDeletedIsWaitedFor) {  // defects.md C06, C07, C08
    auto memory = watching({}, at(seconds{100}));
    memory.entry.revision = {41};
    EXPECT_FALSE(takes_over(memory, ready_board(), at(seconds{110})));
    EXPECT_TRUE(takes_over(memory, ready_board(), at(milliseconds{110'200})));
}

TEST(RolePlan, AWatchedReleaseIsTakenAtOnceAndOneFirstSeenIsWaitedFor) {  // L5
    auto released = held_by("n2", {3}, "y");
    released.state = LeaseRecord::State::released;
    released.held_nonce = "x";
    auto board = ready_board();
    board.membership.peers = {peer("n2", {})};
    // so that no other candidate ranks before n1
    board.membership.peers[0].status.nofailover = true;
    auto memory = watching(released, at(seconds{100}));
    EXPECT_FALSE(takes_over(memory, board, at(seconds{109})));
    memory.saw_release = true;
    EXPECT_TRUE(takes_over(memory, board, at(seconds{100})));
}

TEST(RolePlan, TheFirstSightOfAReleaseIsWaivedWhereNobodyElseCanBeAbout) {
    auto released = held_by("n2", {3}, "y");
    released.state = LeaseRecord::State::released;
    const auto memory = watching(released, at(seconds{100}));
    auto board = ready_board();
    EXPECT_TRUE(takes_over(memory, board, at(seconds{100})));
    board.replica.newest_epoch = {4};  // a marker shows a later holder
    EXPECT_FALSE(takes_over(memory, board, at(seconds{100})));
    board.replica.newest_epoch = {3};
    board.membership.peers = {peer("n3", {}, true)};
    board.membership.peers[0].status.nofailover = true;
    EXPECT_FALSE(takes_over(memory, board, at(seconds{100})));
}

TEST(RolePlan, EachReasonThatBarsATakeoverBarsIt) {  // L5
    const auto memory = watching(held_by("n2", {3}, "x"), at(seconds{100}));
    const auto now = at(seconds{120});
    ASSERT_TRUE(takes_over(memory, ready_board(), now));
    const auto barred = [&](auto change) {
        auto board = ready_board();
        change(board);
        return !takes_over(memory, board, now);
    };
    EXPECT_TRUE(barred([](Board& board) { board.backend.output.off = false; }));
    EXPECT_TRUE(barred([](Board& board) { board.membership.claimed = false; }));
    EXPECT_TRUE(barred([](Board& board) { board.backend.unfit_because = "no such program"; }));
    EXPECT_TRUE(barred([](Board& board) { board.membership.refused = "in use"; }));
    EXPECT_TRUE(barred([](Board& board) { board.membership.read = false; }));
    EXPECT_TRUE(barred([](Board& board) { board.membership.spec.paused = true; }));
    EXPECT_TRUE(barred([](Board& board) { board.membership.spec.leave = {"n1"}; }));
    EXPECT_TRUE(barred([](Board& board) { board.replica.fit = false; }));
    EXPECT_TRUE(barred([](Board& board) { board.shutdown = true; }));
    auto stranger = memory;
    stranger.entry.record->members = {"n2", "n3"};
    EXPECT_FALSE(takes_over(stranger, ready_board(), now));  // F5
    auto cooling = memory;
    cooling.cooldown_until = now + milliseconds{1};
    EXPECT_FALSE(takes_over(cooling, ready_board(), now));
    // Asked to lead, it need not wait: the last holder named it as successor.
    cooling.entry.record->successor = "n1";
    EXPECT_TRUE(takes_over(cooling, ready_board(), now));
    cooling.entry.record->successor = "n3";
    EXPECT_FALSE(takes_over(cooling, ready_board(), now));
}

TEST(RolePlan, WhatIsNotOneStoreBarsATakeover) {  // L12
    const auto memory = watching(held_by("n2", {3}, "x"), at(seconds{100}));
    const auto now = at(seconds{120});
    const auto barred = [&](auto change) {
        auto board = ready_board();
        change(board);
        return !takes_over(memory, board, now);
    };
    const auto remember = [](Board& board) { board.replica.log_created = "l1"; };
    EXPECT_TRUE(barred([](Board& board) { board.store.identity = {}; }));
    EXPECT_TRUE(barred([](Board& board) { board.store.differs = "b is another store"; }));
    EXPECT_TRUE(barred([](Board& board) { board.store.unconfirmed = "b is silent"; }));
    // A node that has read this store's log can tell it from other stores, except one that has a
    // log, too.
    EXPECT_FALSE(barred([&](Board& board) {
        remember(board);
        board.store.differs = "b is another store";
        board.store.unconfirmed = "c is silent";
    }));
    EXPECT_TRUE(barred([&](Board& board) {
        remember(board);
        board.store.differs = "b is another store";
        board.store.other_log = true;
    }));
    EXPECT_TRUE(barred([](Board& board) {
        board.replica.log_created = "l0";  // read in an earlier store
        board.store.unconfirmed = "b is silent";
    }));
    const auto meet = [](Board& board, model::StoreIdentity theirs, bool fresh) {
        board.membership.peers = {peer("n2", {}, fresh)};
        board.membership.peers[0].status.store = std::move(theirs);
        // so that no other candidate ranks before n1
        board.membership.peers[0].status.nofailover = true;
    };
    const model::StoreIdentity other{.election = "e2", .state = "s2", .log = "l2"};
    EXPECT_TRUE(barred([&](Board& board) { meet(board, other, true); }));
    EXPECT_FALSE(barred([&](Board& board) { meet(board, other, false); }));
    EXPECT_FALSE(barred([&](Board& board) { meet(board, {}, true); })) << "an older version";
    EXPECT_FALSE(barred([&](Board& board) { meet(board, board.store.identity, true); }));
}

TEST(RolePlan, TheNewEpochIsAboveRecordLogAndDisk) {  // L6; defects.md G05
    auto memory = watching(held_by("n2", {3}, "x"), at(seconds{100}));
    memory.read_at = at(seconds{120});
    auto board = ready_board();
    board.replica.newest_epoch = {9};
    const auto plan = plan_role(memory, n1, board, {}, at(seconds{120}));
    EXPECT_EQ(std::get<WriteRecord>(plan.action).epoch, Epoch{10});
}

TEST(RolePlan, TheNewEpochIsAboveARecordThatTheStoreLost) {  // L6
    auto memory = watching({}, {});
    const auto read = [&](std::optional<LeaseRecord> record, Instant now) {
        learn(memory, {.record = std::move(record), .revision = {8}}, 1, now, {});
    };
    read(held_by("n2", {6}, "x"), at(seconds{90}));
    read(std::nullopt, at(seconds{100}));
    forget(memory);  // and a reconnect does not take it away
    read(std::nullopt, at(seconds{110}));
    memory.read_at = at(seconds{130});
    const auto plan = plan_role(memory, n1, ready_board(), {}, at(seconds{130}));
    EXPECT_EQ(std::get<WriteRecord>(plan.action).epoch, Epoch{7});
}

TEST(RolePlan, BetterNodesGetAHeadStartOfHalfASecondEach) {  // L10, D5; defects.md C20
    auto memory = watching(held_by("n9", {3}, "x"), at(seconds{100}));
    memory.jitter = milliseconds{40};
    auto board = ready_board();
    board.membership.peers = {peer("n2", {.tenure = {1}, .txid = {11}}),
                              peer("n3", {.tenure = {1}, .txid = {9}}),
                              peer("n4", {.tenure = {2}, .txid = {1}}, false)};
    EXPECT_EQ(rank_wait(memory, n1, board), milliseconds{540});
    board.membership.peers[2].fresh = true;  // a newer tenure ranks before any TXID
    EXPECT_EQ(rank_wait(memory, n1, board), milliseconds{1040});
    memory.entry.record->successor = "n1";
    EXPECT_EQ(rank_wait(memory, n1, board), milliseconds{0});
}

TEST(RolePlan, TheLastHolderGoesFirstWhereItsLeaseLapsed) {  // defects.md C37
    auto memory = watching(held_by("n1", {3}, "x"), at(seconds{100}));
    memory.jitter = milliseconds{40};
    auto board = ready_board();
    board.membership.peers = {peer("n0", {.tenure = {1}, .txid = {10}})};
    EXPECT_EQ(rank_wait(memory, n1, board), milliseconds{0});
    memory.entry.record = held_by("n0", {3}, "x");
    EXPECT_EQ(rank_wait(memory, n1, board), milliseconds{540});
}

Memory holding(Epoch epoch, Instant valid_until) {
    Memory memory;
    memory.phase = Phase::holder;
    memory.known = true;
    memory.entry = {.record = held_by("n1", epoch, "n-1"), .revision = {7}};
    memory.lease = model::Lease{.epoch = epoch, .valid_until = valid_until, .margin = seconds{2}};
    memory.next_renewal = valid_until - seconds{7};
    return memory;
}

TEST(RolePlan, AHolderRenewsEachHeartbeatAndFencesAtTheFenceTime) {  // defects.md C02, G01, G02
    const auto memory = holding({3}, at(seconds{110}));
    auto board = ready_board();
    EXPECT_TRUE(std::holds_alternative<std::monostate>(
        plan_role(memory, n1, board, {}, at(milliseconds{102'999})).action));
    EXPECT_EQ(std::get<WriteRecord>(plan_role(memory, n1, board, {}, at(seconds{103})).action).kind,
              Write::renew);
    EXPECT_TRUE(
        std::holds_alternative<Fence>(plan_role(memory, n1, board, {}, at(seconds{108})).action));
}

// A holder got its lease in the store that it continues to use; a different store proves nothing
// about the cluster.
TEST(RolePlan, AHolderAndAnAdoptionGoOnInTheirStore) {  // L12
    auto board = ready_board();
    board.store.differs = "b is another store";
    board.store.other_log = true;
    const auto renewed = plan_role(holding({3}, at(seconds{110})), n1, board, {}, at(seconds{103}));
    EXPECT_EQ(std::get<WriteRecord>(renewed.action).kind, Write::renew);
    Memory memory;
    memory.known = true;
    memory.entry = {.record = held_by("n1", {3}, "old-7"), .revision = {7}};
    memory.entry.record->host = n1.host;
    memory.read_at = at(seconds{100});
    const auto adopted = plan_role(memory, n1, board, at(seconds{105}), at(seconds{100}));
    EXPECT_EQ(std::get<WriteRecord>(adopted.action).kind, Write::adopt);
}

TEST(RolePlan, AHolderWakesAtItsFenceTimeAtTheLatest) {
    auto memory = holding({3}, at(seconds{110}));
    memory.next_renewal = at(seconds{200});
    EXPECT_EQ(plan_role(memory, n1, ready_board(), {}, at(seconds{107})).wake_at, at(seconds{108}));
}

TEST(RolePlan, AfterAReconnectAHolderReadsBeforeItWrites) {  // L7; defects.md G07
    auto memory = holding({3}, at(seconds{110}));
    memory.known = false;
    EXPECT_TRUE(std::holds_alternative<ReadRecord>(
        plan_role(memory, n1, ready_board(), {}, at(seconds{105})).action));
}

TEST(RolePlan, AReleaseNeedsADeadBackendAndEverythingShipped) {  // L9, D8; defects.md C04
    auto memory = holding({3}, at(seconds{110}));
    memory.phase = Phase::draining;
    auto board = ready_board();
    board.shutdown = true;
    const auto now = at(seconds{101});
    const auto releases = [&] {
        const auto plan = plan_role(memory, n1, board, {}, now);
        const auto* write = std::get_if<WriteRecord>(&plan.action);
        return write != nullptr && write->kind == Write::release;
    };
    board.replica.flushed = {.epoch = {3}};
    board.backend.drained = {.epoch = {3}};
    board.backend.output.off = false;
    EXPECT_FALSE(releases());
    board.backend.output.off = true;
    board.replica.flushed = {.epoch = {2}};
    EXPECT_FALSE(releases());
    board.replica.flushed = {.epoch = {3}};
    EXPECT_TRUE(releases());
}

// S10: a holder with an alarm does not hand over, since it cannot ship, but can be shut down.
TEST(RolePlan, AHolderWithAnAlarmRefusesToHandOverAndEndsWithoutARelease) {
    auto memory = holding({3}, at(seconds{110}));
    auto board = ready_board();
    board.replica.promoted = {3};
    board.replica.alarm = "the store is behind";
    board.membership.peers = {peer("n2", {.tenure = {1}, .txid = {10}})};
    board.membership.spec.switchover = model::Spec::Switchover{.id = "w", .to = "n2"};
    const auto now = at(seconds{101});
    const auto plan = plan_role(memory, n1, board, {}, now);
    const auto* refused = std::get_if<RefuseSwitchover>(&plan.action);
    ASSERT_NE(refused, nullptr);
    EXPECT_EQ(refused->outcome.reason, "this node cannot ship what it has: the store is behind");

    board.membership.spec.switchover.reset();
    board.backend.give_up = true;
    EXPECT_TRUE(
        std::holds_alternative<std::monostate>(plan_role(memory, n1, board, {}, now).action));

    memory.phase = Phase::draining;
    board.shutdown = true;
    board.backend.output.off = false;
    EXPECT_TRUE(
        std::holds_alternative<std::monostate>(plan_role(memory, n1, board, {}, now).action));
    board.backend.output.off = true;
    EXPECT_TRUE(std::holds_alternative<Fence>(plan_role(memory, n1, board, {}, now).action));
}

TEST(RolePlan, ADrainingHolderWhoseBackendIsStuckStopsRenewing) {  // D8
    auto memory = holding({3}, at(seconds{110}));
    memory.phase = Phase::draining;
    auto board = ready_board();
    board.backend.output.off = false;
    board.backend.output.stuck = true;
    EXPECT_TRUE(std::holds_alternative<std::monostate>(
        plan_role(memory, n1, board, {}, at(seconds{105})).action));
}

TEST(RolePlan, ARequestWithoutAFitCandidateIsRefusedWithTheReason) {
    auto memory = holding({3}, at(seconds{110}));
    auto board = ready_board();
    board.replica.promoted = {3};
    board.membership.spec.switchover = model::Spec::Switchover{.id = "w", .to = "n2"};
    board.membership.peers = {peer("n2", {.tenure = {1}, .txid = {10}})};
    board.membership.peers[0].status.copy_complete = false;
    const auto plan = plan_role(memory, n1, board, {}, at(seconds{101}));
    const auto* refused = std::get_if<RefuseSwitchover>(&plan.action);
    ASSERT_NE(refused, nullptr);
    EXPECT_EQ(refused->outcome.reason, "node n2 has no whole copy of the data");
    board.membership.peers[0].status.copy_complete = true;
    EXPECT_EQ(
        std::get<BeginDrain>(plan_role(memory, n1, board, {}, at(seconds{101})).action).reason,
        "Switchover");
}

TEST(RolePlan, AServiceThatCannotRunHereIsHandedOver) {  // defects.md C12
    const auto memory = holding({3}, at(seconds{110}));
    auto board = ready_board();
    board.replica.promoted = {3};
    board.backend.give_up = true;
    EXPECT_TRUE(std::holds_alternative<std::monostate>(
        plan_role(memory, n1, board, {}, at(seconds{101})).action));  // no node to hand it to
    board.membership.peers = {peer("n2", {.tenure = {1}, .txid = {10}})};
    EXPECT_EQ(
        std::get<BeginDrain>(plan_role(memory, n1, board, {}, at(seconds{101})).action).reason,
        "BackendFailed");
}

// D8: whether a step-down can be completed is checked before the backend is stopped.
TEST(RolePlan, AHandOverThatCouldNotEndIsRefusedBeforeItBegins) {
    auto memory = holding({3}, at(seconds{110}));
    memory.next_renewal = at(seconds{107});
    memory.request = "w";
    memory.request_at = at(seconds{100});
    auto board = ready_board();
    board.replica.promoted = {3};
    board.membership.spec.switchover = model::Spec::Switchover{.id = "w", .to = "n2"};
    board.membership.peers = {peer("n2", {.tenure = {1}, .txid = {10}})};
    const auto plan = [&] { return plan_role(memory, n1, board, {}, at(seconds{105})); };
    const auto refusal = [&] {
        // A condition that may pass by itself is waited for.
        EXPECT_TRUE(std::holds_alternative<std::monostate>(
            plan_role(memory, n1, board, {}, at(milliseconds{104'999})).action));
        const auto action = plan().action;
        const auto* refused = std::get_if<RefuseSwitchover>(&action);
        return refused == nullptr ? "" : refused->outcome.reason;
    };
    EXPECT_TRUE(std::holds_alternative<BeginDrain>(plan().action));
    board.membership.peers[0].status.fit = false;
    board.membership.peers[0].status.unfit_because = "/opt/backend: No such file or directory";
    EXPECT_EQ(refusal(), "node n2 cannot lead: /opt/backend: No such file or directory");
    board.membership.peers[0].status.fit = true;

    board.replica.lag->ms = 999;
    EXPECT_TRUE(std::holds_alternative<BeginDrain>(plan().action));
    board.replica.lag->ms = 1000;
    board.replica.failure = "no space";
    EXPECT_EQ(refusal(),
              "the log does not take this node's commits: the oldest one waits since 1000 ms: no "
              "space");
    board.replica.lag.reset();
    EXPECT_EQ(refusal(), "how far the log is behind is not known");

    // A shutdown needs no such condition; a leave waits for it.
    board.membership.spec.switchover.reset();
    board.membership.spec.leave = {"n1"};
    EXPECT_TRUE(std::holds_alternative<std::monostate>(plan().action));
    board.shutdown = true;
    EXPECT_EQ(std::get<BeginDrain>(plan().action).reason, "Shutdown");
}

// D8: a flush that gets nowhere for ten seconds is undone; a shutdown ends without a release.
TEST(RolePlan, AFlushWithoutProgressIsUndoneAndOneOfAShutdownEnds) {
    auto memory = holding({3}, at(seconds{130}));
    memory.phase = Phase::draining;
    memory.step_downs = 2;
    memory.next_renewal = at(seconds{125});
    auto board = ready_board();
    board.replica.promoted = {3};
    board.replica.progress = 7;
    observe(memory, board, at(seconds{101}));
    const auto plan = [&](Instant now) { return plan_role(memory, n1, board, {}, now); };
    EXPECT_TRUE(std::holds_alternative<std::monostate>(plan(at(milliseconds{110'999})).action));
    EXPECT_TRUE(std::holds_alternative<UndoDrain>(plan(at(seconds{111})).action));

    board.replica.progress = 8;
    observe(memory, board, at(seconds{110}));
    EXPECT_TRUE(std::holds_alternative<std::monostate>(plan(at(seconds{119})).action));
    board.shutdown = true;
    EXPECT_TRUE(std::holds_alternative<Fence>(plan(at(seconds{120})).action));

    // A flush in an earlier step-down that was undone does not count.
    board.replica.flushed = {.epoch = {3}, .number = 1};
    EXPECT_TRUE(std::holds_alternative<Fence>(plan(at(seconds{120})).action));
    board.replica.flushed = {.epoch = {3}, .number = 2};
    board.backend.drained = {.epoch = {3}, .number = 2};
    EXPECT_EQ(std::get<WriteRecord>(plan(at(seconds{120})).action).kind, Write::release);
}

// D8: the address goes after the flush, which its presence must not hold up.
TEST(RolePlan, TheAddressIsOffBeforeTheReleaseAndHoldsNoFlushUp) {
    auto memory = holding({3}, at(seconds{130}));
    memory.phase = Phase::draining;
    memory.step_downs = 2;
    memory.next_renewal = at(seconds{125});
    auto board = ready_board();
    board.replica.promoted = {3};
    board.vip.configured = true;
    board.vip.output.off = false;
    observe(memory, board, at(seconds{101}));
    const auto plan = [&](Instant now) { return plan_role(memory, n1, board, {}, now); };
    EXPECT_TRUE(std::holds_alternative<std::monostate>(plan(at(milliseconds{110'999})).action));
    EXPECT_TRUE(std::holds_alternative<UndoDrain>(plan(at(seconds{111})).action));
    board.replica.flushed = {.epoch = {3}, .number = 2};
    board.backend.drained = {.epoch = {3}, .number = 2};
    EXPECT_TRUE(std::holds_alternative<std::monostate>(plan(at(seconds{110})).action));
    EXPECT_EQ(plan(at(milliseconds{110'999})).waiting_for, "");
    // D8: nothing says when it would go, so that the lease ends.
    EXPECT_EQ(plan(at(seconds{111})).waiting_for, "what cannot be ended: the virtual address");
    board.vip.output.off = true;
    board.vip.drained = {.epoch = {3}, .number = 1};  // seen before this step-down
    EXPECT_TRUE(std::holds_alternative<std::monostate>(plan(at(seconds{111})).action));
    board.vip.drained = {.epoch = {3}, .number = 2};
    EXPECT_EQ(std::get<WriteRecord>(plan(at(seconds{111})).action).kind, Write::release);
}

// defects.md G10: the address could not be bound, and leadership was kept.
TEST(RolePlan, AHolderThatCannotHaveTheAddressHandsOverToANodeThatCan) {
    auto memory = holding({3}, at(seconds{110}));
    auto board = ready_board();
    board.replica.promoted = {3};
    board.vip.configured = true;
    board.vip.give_up = "eth0 has no carrier";
    EXPECT_FALSE(std::holds_alternative<BeginDrain>(
        plan_role(memory, n1, board, {}, at(seconds{101})).action))
        << "there is no other node";
    board.membership.peers = {peer("n2", {.tenure = {1}, .txid = {10}})};
    EXPECT_EQ(plan_role(memory, n1, board, {}, at(seconds{101})).action,
              Action{BeginDrain{"AddressFailed"}});
    board.vip.give_up.clear();
    EXPECT_FALSE(std::holds_alternative<BeginDrain>(
        plan_role(memory, n1, board, {}, at(seconds{101})).action));
}

TEST(RolePlan, ANodeThatCouldNotHaveTheAddressDoesNotTakeOver) {
    auto board = ready_board();
    board.vip.configured = true;
    board.vip.output.off = true;
    Memory memory;
    Instant from{};
    const auto without = takeover_barred(memory, n1, board, at(seconds{101}), &from);
    board.vip.unfit_because = "the daemon lacks CAP_NET_RAW";
    EXPECT_EQ(takeover_barred(memory, n1, board, at(seconds{101}), &from),
              "the daemon lacks CAP_NET_RAW");
    EXPECT_EQ(without.find("CAP_NET_RAW"), std::string::npos);
    board.vip.unfit_because.clear();
    board.vip.output.off = false;
    EXPECT_NE(takeover_barred(memory, n1, board, at(seconds{101}), &from).find("virtual address"),
              std::string::npos);
}

TEST(RolePlan, AfterAnUndoneStepDownNobodyButAnOperatorBeginsAnother) {
    auto memory = holding({3}, at(seconds{110}));
    memory.next_drain_at = at(seconds{105});
    auto board = ready_board();
    board.replica.promoted = {3};
    board.backend.give_up = true;
    board.membership.peers = {peer("n2", {.tenure = {1}, .txid = {10}})};
    const auto begins = [&](Instant now) {
        return std::holds_alternative<BeginDrain>(plan_role(memory, n1, board, {}, now).action);
    };
    EXPECT_FALSE(begins(at(milliseconds{104'999})));
    EXPECT_TRUE(begins(at(seconds{105})));
    board.membership.spec.switchover = model::Spec::Switchover{.id = "w", .to = "n2"};
    EXPECT_TRUE(begins(at(seconds{101})));
}

class ObstacleTest : public testing::Test {
protected:
    ObstacleTest() {
        board_.replica.failing_in = "publish the marker";
        board_.replica.failure = "permissions violation";
        board_.membership.peers = {peer("n2", {.tenure = {1}, .txid = {10}})};
        observe(memory_, board_, at(seconds{100}));
    }
    std::optional<WriteRecord> release(Instant now = at(seconds{110})) {
        auto plan = plan_role(memory_, n1, board_, {}, now);
        const auto* write = std::get_if<WriteRecord>(&plan.action);
        if (write == nullptr || write->kind != Write::release) return std::nullopt;
        return *write;
    }
    Memory memory_ = holding({3}, at(seconds{130}));
    Board board_ = ready_board();
};

TEST_F(ObstacleTest, AHolderWithoutProgressForATtlReleasesWithTheReason) {  // D11
    EXPECT_FALSE(release(at(milliseconds{109'999})));
    const auto write = release();
    ASSERT_TRUE(write);
    EXPECT_EQ(write->successor, "n2");
    EXPECT_EQ(write->obstacle, "publish the marker");
    EXPECT_EQ(write->reason, "publish the marker: permissions violation");
    board_.replica.progress = 1;
    observe(memory_, board_, at(seconds{109}));
    EXPECT_FALSE(release()) << "it gets somewhere";
    EXPECT_TRUE(release(at(seconds{119})));
}

TEST_F(ObstacleTest, ItKeepsALeaseWithWhichDataWouldBeLostOrNobodyHelped) {  // D11
    const auto kept = [this](const std::function<void()>& change) {
        const auto board = board_;
        const auto memory = memory_;
        change();
        const bool keeps = !release();
        board_ = board;
        memory_ = memory;
        return keeps;
    };
    auto& other = board_.membership.peers[0];
    EXPECT_TRUE(kept([&] { board_.replica.may_have_unshipped = true; }));
    EXPECT_TRUE(kept([&] { board_.backend.output.off = false; }));
    EXPECT_TRUE(kept([&] { other.fresh = false; }));
    EXPECT_TRUE(kept([&] { other.status.fit = false; }));
    EXPECT_TRUE(kept([&] { other.status.nofailover = true; }));
    EXPECT_TRUE(kept([&] { other.status.position.tenure = {}; }));
    EXPECT_TRUE(kept([&] { board_.membership.spec.leave = {"n2"}; }));
    EXPECT_TRUE(kept([&] { other.status.released_because = "publish the marker: other text"; }));
    EXPECT_FALSE(kept([&] { other.status.released_because = "publish opened: x"; }));
    EXPECT_TRUE(kept([&] { memory_.released_for = {"publish the marker"}; }));
    EXPECT_TRUE(kept([&] { board_.replica.promoted = {3}; }));
    EXPECT_FALSE(kept([] {}));
}

TEST_F(ObstacleTest, ABackendThatCannotBeStartedIsOne) {  // D11
    board_.replica.failing_in.clear();
    EXPECT_FALSE(release());
    board_.backend.give_up = true;
    board_.backend.message = "exec: No such file or directory";
    EXPECT_EQ(release()->reason, "start the backend: exec: No such file or directory");
}

// At a first start nothing is promoted before the address is bound.
TEST_F(ObstacleTest, AnAddressThatCannotBeBoundIsOne) {  // D11
    board_.replica.failing_in.clear();
    board_.vip.give_up = "192.0.2.7 is in use";
    EXPECT_EQ(release()->reason, "bind the address: 192.0.2.7 is in use");
}

TEST(RolePlan, ANodeThatReleasedForAReasonRanksAfterAllOthers) {  // D11
    auto memory = watching({}, at(seconds{1}));
    auto board = ready_board();
    board.replica.position = {.tenure = {2}, .txid = {99}};
    board.membership.peers = {peer("n2", {.tenure = {1}, .txid = {10}})};
    EXPECT_EQ(rank_wait(memory, n1, board), model::Duration{});
    memory.released_because = "publish the marker: permissions violation";
    EXPECT_EQ(rank_wait(memory, n1, board), milliseconds{500});
    board.membership.peers[0].status.released_because = "the same";
    EXPECT_EQ(rank_wait(memory, n1, board), model::Duration{}) << "of two, the data decides";
}

TEST(RolePlan, AnOperatorsForceWaivesTheListOfMembers) {  // F5
    auto memory = watching(held_by("n2", {3}, "abc-7"), at(seconds{1}));
    memory.entry.record->members = {"n2", "n3"};
    auto board = ready_board();
    const auto now = at(seconds{100});
    memory.read_at = now;
    EXPECT_FALSE(takes_over(memory, board, now));
    board.membership.spec.switchover = model::Spec::Switchover{.id = "w", .to = "n1"};
    EXPECT_FALSE(takes_over(memory, board, now)) << "a request without force";
    board.membership.spec.switchover->force = true;
    EXPECT_TRUE(takes_over(memory, board, now));
    memory.watched_since = now;
    EXPECT_FALSE(takes_over(memory, board, now)) << "never the wait";
    memory.saw_release = true;
    EXPECT_FALSE(takes_over(memory, board, now)) << "not for a release either";
    memory.entry.record->members.clear();
    EXPECT_TRUE(takes_over(memory, board, now)) << "which a member need not wait for";
}

TEST(RolePlan, WhatTheWardenDidNotConfirmIsSentAgain) {  // W0
    Memory memory;
    memory.phase = Phase::follower;
    memory.may_adopt = false;
    memory.owed_to_warden = Memory::Owed::no_lease;
    memory.next_notice_at = at(seconds{5});
    const auto board = ready_board();
    EXPECT_FALSE(std::holds_alternative<NotifyWarden>(
        plan_role(memory, n1, board, {}, at(milliseconds{4'999})).action));
    EXPECT_TRUE(std::holds_alternative<NotifyWarden>(
        plan_role(memory, n1, board, {}, at(seconds{5})).action));
}

TEST(RolePlan, AMarkerOfALaterHolderRaisesTheEpoch) {  // L6
    const auto memory = holding({3}, at(seconds{110}));
    auto board = ready_board();
    board.replica.raise = Epoch{5};
    const auto plan = plan_role(memory, n1, board, {}, at(seconds{101}));
    EXPECT_EQ(std::get<WriteRecord>(plan.action),
              (WriteRecord{.kind = Write::raise, .epoch = {6}, .successor = {}}));
}

TEST(RolePlan,
     OnlyTheOwnLeaseOfThisBootIsAdoptedAndOnlyBeforeItsStrikeTime) {  // L8; defects.md G04
    Memory memory;
    memory.known = true;
    memory.entry = {.record = held_by("n1", {3}, "old-7"), .revision = {7}};
    memory.entry.record->host = n1.host;
    memory.read_at = at(seconds{100});
    const auto valid_until = at(seconds{105});
    const auto adopts = [&](const Memory& each, Instant until, milliseconds now) {
        auto read = each;
        read.read_at = at(now);
        const auto plan = plan_role(read, n1, ready_board(), until, at(now));
        const auto* write = std::get_if<WriteRecord>(&plan.action);
        return write != nullptr && write->kind == Write::adopt;
    };
    EXPECT_TRUE(adopts(memory, valid_until, milliseconds{103'999}));
    EXPECT_FALSE(adopts(memory, valid_until, milliseconds{104'000}));  // at the strike time
    EXPECT_FALSE(adopts(memory, {}, milliseconds{100'000}));           // the warden has no deadline
    auto other_boot = memory;
    other_boot.entry.record->host.boot_id = "b0";
    EXPECT_FALSE(adopts(other_boot, valid_until, milliseconds{100'000}));
    auto other_machine = memory;
    other_machine.entry.record->host.machine_id = "clone";
    EXPECT_FALSE(adopts(other_machine, valid_until, milliseconds{100'000}));
    auto released = memory;
    released.entry.record->state = LeaseRecord::State::released;
    EXPECT_FALSE(adopts(released, valid_until, milliseconds{100'000}));
    auto fenced = memory;
    fenced.may_adopt = false;
    EXPECT_FALSE(adopts(fenced, valid_until, milliseconds{100'000}));
}

TEST(RolePlan, AChangedNonceBeginsTheWaitAnew) {  // L4
    auto memory = watching(held_by("n2", {3}, "x"), at(seconds{100}));
    learn(memory, {.record = held_by("n2", {3}, "x"), .revision = {9}}, 0, at(seconds{104}), {});
    EXPECT_EQ(memory.watched_since, at(seconds{100}));  // another revision of the same content
    learn(memory, {.record = held_by("n2", {3}, "y"), .revision = {9}}, 0, at(seconds{105}), {});
    EXPECT_EQ(memory.watched_since, at(seconds{105}));
}

TEST(RolePlan, AGapOfTheWatchBeginsTheWaitAnew) {  // L4, L7
    auto memory = watching(held_by("n2", {3}, "x"), at(seconds{100}));
    forget(memory);
    learn(memory, {.record = held_by("n2", {3}, "x"), .revision = {7}}, 0, at(seconds{105}), {});
    EXPECT_EQ(memory.watched_since, at(seconds{105}));
    learn(memory, {.record = held_by("n2", {3}, "x"), .revision = {7}}, 1, at(seconds{106}), {});
    EXPECT_EQ(memory.watched_since, at(seconds{106}));  // another connection generation
}

// A read that comes after a renewal and a release sees only the release.
TEST(RolePlan, AReleaseCountsAsWatchedAfterARenewalThatNobodyRead) {  // L5
    auto released = held_by("n2", {3}, "abc-9");
    released.state = LeaseRecord::State::released;
    released.held_nonce = "abc-8";
    const auto watched = [&](const LeaseRecord& held) {
        auto memory = watching(held, at(seconds{100}));
        learn(memory, {.record = released, .revision = {9}}, 0, at(seconds{105}), {});
        return memory.saw_release;
    };
    EXPECT_TRUE(watched(held_by("n2", {3}, "abc-8")));
    EXPECT_TRUE(watched(held_by("n2", {3}, "abc-7")));
    EXPECT_FALSE(watched(held_by("n2", {3}, "abc-10"))) << "the record went back in time";
    EXPECT_FALSE(watched(held_by("n2", {3}, "xyz-7"))) << "another process";
    EXPECT_FALSE(watched(held_by("n2", {2}, "abc-7"))) << "another epoch";
    EXPECT_FALSE(watched(held_by("n1", {3}, "abc-7"))) << "another node";
    EXPECT_FALSE(watched(held_by("n2", {3}, "abc-")));
}

TEST(RolePlan, AReleaseCountsAsWatchedOnlyWithTheNonceThatWasWatched) {  // L5
    auto released = held_by("n2", {3}, "z");
    released.state = LeaseRecord::State::released;
    released.held_nonce = "y";
    auto memory = watching(held_by("n2", {3}, "x"), at(seconds{100}));
    learn(memory, {.record = released, .revision = {9}}, 0, at(seconds{105}), {});
    EXPECT_FALSE(memory.saw_release);
    memory = watching(held_by("n2", {3}, "y"), at(seconds{100}));
    learn(memory, {.record = released, .revision = {9}}, 0, at(seconds{105}), {});
    EXPECT_TRUE(memory.saw_release);
}

}  // namespace
}  // namespace reconcilers::role
