// The decisions of a role that takes a lease over, on both sides of each boundary.
#include "reconcilers/role/plan.h"

#include <gtest/gtest.h>

#include <functional>

#include "tests/reconcilers/role/plan_world.h"

namespace reconcilers::role {
namespace {

using namespace plan_world;

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
