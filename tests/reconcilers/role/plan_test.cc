// The role's decisions, both sides of each boundary.
#include "reconcilers/role/plan.h"

#include <gtest/gtest.h>

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
    return {.status = {.node_id = id, .position = position, .copy_complete = true}, .fresh = fresh};
}

/// A board on which nothing bars a takeover.
Board ready_board() {
    Board board;
    board.membership.claimed = true;
    board.membership.read = true;
    board.membership.members = {"n1", "n2", "n3"};
    board.replica.fit = true;
    board.replica.log_read = true;
    board.replica.position = {.tenure = {1}, .txid = {10}};
    board.backend.dead = true;
    return board;
}

/// A follower that has watched `record` since `since` without a gap.
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
    board.membership.peers[0].status.nofailover = true;  // no better candidate than n1
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
    board.replica.newest_epoch = {4};  // a marker says that somebody held it later
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
    EXPECT_TRUE(barred([](Board& board) { board.backend.dead = false; }));
    EXPECT_TRUE(barred([](Board& board) { board.membership.claimed = false; }));
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
    // Asked to lead, it need not wait for that: the last holder named it.
    cooling.entry.record->successor = "n1";
    EXPECT_TRUE(takes_over(cooling, ready_board(), now));
    cooling.entry.record->successor = "n3";
    EXPECT_FALSE(takes_over(cooling, ready_board(), now));
}

TEST(RolePlan, TheNewEpochIsAboveRecordLogAndDisk) {  // L6; defects.md G05
    auto memory = watching(held_by("n2", {3}, "x"), at(seconds{100}));
    memory.read_at = at(seconds{120});
    auto board = ready_board();
    board.replica.newest_epoch = {9};
    const auto plan = plan_role(memory, n1, board, {}, at(seconds{120}));
    EXPECT_EQ(std::get<WriteRecord>(plan.action).epoch, Epoch{10});
}

TEST(RolePlan, BetterNodesGetAHeadStartOfHalfASecondEach) {  // L10, D5; defects.md C20
    auto memory = watching(held_by("n9", {3}, "x"), at(seconds{100}));
    memory.jitter = milliseconds{40};
    auto board = ready_board();
    board.membership.peers = {peer("n2", {.tenure = {1}, .txid = {11}}),
                              peer("n3", {.tenure = {1}, .txid = {9}}),
                              peer("n4", {.tenure = {2}, .txid = {1}}, false)};
    EXPECT_EQ(rank_wait(memory, n1, board), milliseconds{540});
    board.membership.peers[2].fresh = true;  // a newer tenure counts before any TXID
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
    board.replica.swept = {3};
    board.backend.dead = false;
    EXPECT_FALSE(releases());
    board.backend.dead = true;
    board.replica.swept = {2};
    EXPECT_FALSE(releases());
    board.replica.swept = {3};
    EXPECT_TRUE(releases());
}

// S10: an alarmed holder neither hands over what it can not ship nor holds up a shutdown.
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
    EXPECT_EQ(refused->outcome.reason, "this node can not ship what it has: the store is behind");

    board.membership.spec.switchover.reset();
    board.backend.give_up = true;
    EXPECT_TRUE(
        std::holds_alternative<std::monostate>(plan_role(memory, n1, board, {}, now).action));

    memory.phase = Phase::draining;
    board.shutdown = true;
    board.backend.dead = false;
    EXPECT_TRUE(
        std::holds_alternative<std::monostate>(plan_role(memory, n1, board, {}, now).action));
    board.backend.dead = true;
    EXPECT_TRUE(std::holds_alternative<Fence>(plan_role(memory, n1, board, {}, now).action));
}

TEST(RolePlan, ADrainingHolderWhoseBackendIsStuckStopsRenewing) {  // D8
    auto memory = holding({3}, at(seconds{110}));
    memory.phase = Phase::draining;
    auto board = ready_board();
    board.backend.dead = false;
    board.backend.stuck = true;
    EXPECT_TRUE(std::holds_alternative<std::monostate>(
        plan_role(memory, n1, board, {}, at(seconds{105})).action));
}

TEST(RolePlan, AWishWithoutAFitCandidateIsRefusedWithTheReason) {
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

TEST(RolePlan, AServiceThatCanNotRunHereIsHandedOver) {  // defects.md C12
    const auto memory = holding({3}, at(seconds{110}));
    auto board = ready_board();
    board.replica.promoted = {3};
    board.backend.give_up = true;
    EXPECT_TRUE(std::holds_alternative<std::monostate>(
        plan_role(memory, n1, board, {}, at(seconds{101})).action));  // nobody to hand it to
    board.membership.peers = {peer("n2", {.tenure = {1}, .txid = {10}})};
    EXPECT_EQ(
        std::get<BeginDrain>(plan_role(memory, n1, board, {}, at(seconds{101})).action).reason,
        "BackendFailed");
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
    EXPECT_FALSE(adopts(memory, valid_until, milliseconds{104'000}));  // the strike time
    EXPECT_FALSE(adopts(memory, {}, milliseconds{100'000}));           // the warden holds none
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
    EXPECT_EQ(memory.watched_since, at(seconds{106}));  // another session
}

// A renewal right before the release is skipped by a read that comes after both.
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
