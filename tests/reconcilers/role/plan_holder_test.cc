// The decisions of a role that holds the lease, on both sides of each boundary.
#include <gtest/gtest.h>

#include <functional>

#include "reconcilers/role/plan.h"
#include "tests/reconcilers/role/plan_world.h"

namespace reconcilers::role {
namespace {

using namespace plan_world;

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

}  // namespace
}  // namespace reconcilers::role
