// When the virtual addresses are bound, extended, announced and taken off.
#include "reconcilers/vip/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace reconcilers::vip {
namespace {

using model::Duration;
using model::Instant;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Phase = RoleView::Phase;

constexpr Instant now{seconds{1000}};
constexpr model::Epoch epoch{3};
constexpr nanoseconds tick{1};
constexpr Duration kernel_tick = milliseconds{4};  // HZ = 250

Settings one_address() {
    return {
        .addresses = {{.what = {.at = *model::parse_ip_prefix("192.0.2.7/24"), .interface = "eth0"},
                       .entry = {1}}},
        .probe = milliseconds{150},
        .link_down = seconds{3},
        .ttl = seconds{10}};
}

/// The lease was taken over from a holder that released it: nothing has to be asked for.
Board primary_board() {
    Board board;
    board.role.phase = Phase::holder;
    board.role.lease =
        model::Lease{.epoch = epoch, .valid_until = now + seconds{10}, .margin = seconds{2}};
    board.role.after_release = true;
    board.replica.promoted = epoch;
    return board;
}

Board board_in(Phase phase) {
    Board board;
    board.role.phase = phase;
    return board;
}

ports::AddressesObserved seen(bool bound) {
    return {.each = {{.interface_exists = true, .carrier = true, .bound = bound}}, .missing = {}};
}

const ports::OtherOwner stranger{.mac = {2, 0, 0, 0, 0, 9}, .at = now};

/// What the reconciler remembers after it has bound the address under the present lease.
Memory bound_memory(Instant at = now) {
    Memory memory;
    memory.each.resize(1);
    auto& each = memory.each[0];
    each.armed = true;
    each.held_in = epoch;
    each.bound_for = now + seconds{10};
    each.bound_at = at;
    each.held_since = at;
    each.asked_at = at;
    each.expires_at = at + seconds{8};
    each.was_bound = true;
    return memory;
}

Memory empty_memory() {
    Memory memory;
    memory.each.resize(1);
    return memory;
}

/// All but the questions who else has it, which have a test of their own.
std::vector<Action> actions(const Memory& memory,
                            const Board& board,
                            const ports::AddressesObserved& observed,
                            Instant at = now,
                            const Settings& settings = one_address()) {
    auto actions = plan_vip(memory, settings, board, observed, at).actions;
    std::erase_if(actions, [](const Action& each) { return std::holds_alternative<Ask>(each); });
    return actions;
}

Action bind_action(const Board& board) { return Bind{.address = 0, .lease = *board.role.lease}; }
const Action first_announcement = Announce{.address = 0, .epoch = epoch, .first = true};

TEST(VipPlan, BindsWhereTheDataWasPromotedUnderTheLeaseAndArmsTheWardenFirst) {
    const auto board = primary_board();
    EXPECT_THAT(actions(empty_memory(), board, seen(false)),
                ElementsAre(Arm{0}, bind_action(board), first_announcement));
    auto other = board;
    other.replica.promoted = {2};  // D2: not of this tenure
    EXPECT_THAT(actions(empty_memory(), other, seen(false)), IsEmpty());
    for (const auto phase : {Phase::starting, Phase::follower, Phase::fencing})
        EXPECT_THAT(actions(empty_memory(), board_in(phase), seen(false)), IsEmpty());
}

TEST(VipPlan, TakesItOffAtTheInstantTheFenceTimeComes) {
    const auto board = primary_board();
    const auto fence = board.role.lease->fence_at();
    auto memory = bound_memory(fence - seconds{1});
    memory.each[0].expires_at = fence + seconds{1};
    EXPECT_THAT(actions(memory, board, seen(true), fence - tick), IsEmpty());
    EXPECT_THAT(actions(memory, board, seen(true), fence),
                ElementsAre(Unbind{.address = 0, .reset = true}));
    EXPECT_EQ(plan_vip(memory, one_address(), board, seen(true), fence - tick).wake_at, fence);
}

// A host that got the address from elsewhere announces nothing, and answers clients alone.
TEST(VipPlan, OthersAreAskedWhenItIsBoundAndEveryFiveSeconds) {
    const auto asks = [](const Memory& memory, bool bound, Instant at) {
        const auto plan = plan_vip(memory, one_address(), primary_board(), seen(bound), at);
        return std::count(plan.actions.begin(), plan.actions.end(), Action{Ask{0}});
    };
    const auto bind = plan_vip(empty_memory(), one_address(), primary_board(), seen(false), now);
    EXPECT_EQ(bind.actions.back(), Action{Ask{0}}) << "after it is announced";
    const auto memory = bound_memory();
    EXPECT_EQ(asks(memory, true, now + between_asks - tick), 0);
    EXPECT_EQ(asks(memory, true, now + between_asks), 1);
    const auto plan = plan_vip(memory, one_address(), primary_board(), seen(true), now);
    EXPECT_LE(plan.wake_at, now + between_asks);
    EXPECT_EQ(asks(empty_memory(), true, now), 1) << "adopted";
}

// defects.md G01, G10, C10: a lost lease, and what an earlier process left.
TEST(VipPlan, IsOnNoNodeWithoutALease) {
    for (const auto phase : {Phase::follower, Phase::fencing}) {
        EXPECT_THAT(actions(empty_memory(), board_in(phase), seen(true)),
                    ElementsAre(Unbind{.address = 0, .reset = true}));
        auto armed = empty_memory();
        armed.each[0].armed = true;
        EXPECT_THAT(actions(armed, board_in(phase), seen(false)), ElementsAre(Disarm{0}));
    }
    // Until the record is read, the lease may be one that is adopted.
    EXPECT_THAT(actions(empty_memory(), board_in(Phase::starting), seen(true)), IsEmpty());
    auto ending = board_in(Phase::starting);
    ending.shutdown = true;
    EXPECT_THAT(actions(empty_memory(), ending, seen(true)),
                ElementsAre(Unbind{.address = 0, .reset = true}));
}

// D8: clients get their connections closed over the address.
TEST(VipPlan, AStepDownEndsTheBackendFirst) {
    auto board = primary_board();
    board.role.phase = Phase::draining;
    board.role.step_downs = 4;
    EXPECT_THAT(actions(bound_memory(), board, seen(true)), IsEmpty());
    board.backend.output.off = true;
    board.backend.drained = {.epoch = epoch, .number = 3};  // of an earlier one
    EXPECT_THAT(actions(bound_memory(), board, seen(true)), IsEmpty());
    board.backend.drained = {.epoch = epoch, .number = 4};
    EXPECT_THAT(actions(bound_memory(), board, seen(true)), IsEmpty()) << "not before the flush";
    board.replica.flushed = {.epoch = epoch, .number = 4};
    EXPECT_THAT(actions(bound_memory(), board, seen(true)),
                ElementsAre(Unbind{.address = 0, .reset = false}));
    EXPECT_THAT(actions(bound_memory(), board, seen(false)), IsEmpty());
    board.role.phase = Phase::holder;  // undone
    EXPECT_THAT(actions(bound_memory(), board, seen(false)),
                ElementsAre(bind_action(board), first_announcement));
}

// L9: what a release promises was seen by a pass that knew the step-down.
TEST(VipPlan, ASecondOwnerByOtherMeansIsNeverDrained) {
    auto board = primary_board();
    board.role.phase = Phase::draining;
    board.role.step_downs = 4;
    const StepDown step_down{.epoch = epoch, .number = 4};
    const auto drained = [&](const ports::AddressesObserved& observed) {
        return view(bound_memory(), one_address(), board, observed, now).drained;
    };
    EXPECT_EQ(drained(seen(false)), StepDown{}) << "nothing is flushed yet";
    board.backend.output.off = true;
    board.backend.drained = step_down;
    board.replica.flushed = step_down;
    EXPECT_EQ(drained(seen(true)), StepDown{});
    EXPECT_EQ(drained(seen(false)), step_down);
    auto observed = seen(false);
    observed.each[0].foreign = "192.0.2.7/32 dev eth0";
    EXPECT_EQ(drained(observed), StepDown{}) << "this host still answers for it";
    board.role.phase = Phase::holder;
    EXPECT_EQ(drained(seen(false)), StepDown{});
}

// D10: what creates the database may listen on the address alone.
TEST(VipPlan, IsThereForTheBackendThatCreatesTheDatabase) {
    auto board = primary_board();
    board.replica.promoted = {};
    EXPECT_EQ(wanted(board, now), Want::keep);
    board.replica.create_wanted = true;
    EXPECT_EQ(wanted(board, now), Want::bound);
}

TEST(VipPlan, AnAdoptedLeaseKeepsWhatIsBoundAndANewTenureDoesNot) {
    auto board = primary_board();
    board.replica.promoted = {2};
    EXPECT_THAT(actions(empty_memory(), board, seen(true)),
                ElementsAre(Arm{0}, bind_action(board)));
    board.replica.backend_must_stop = true;
    EXPECT_THAT(actions(bound_memory(), board, seen(true)),
                ElementsAre(Unbind{.address = 0, .reset = true}));
}

TEST(VipPlan, ANewEpochAnnouncesWhatIsBoundAlready) {
    const auto board = primary_board();
    auto memory = bound_memory();
    memory.each[0].held_in = {2};
    EXPECT_THAT(actions(memory, board, seen(true)), ElementsAre(first_announcement));
}

TEST(VipPlan, EachRenewalExtendsIt) {
    auto board = primary_board();
    auto memory = bound_memory();
    EXPECT_THAT(actions(memory, board, seen(true)), IsEmpty());
    board.role.lease->valid_until += tick;
    EXPECT_THAT(actions(memory, board, seen(true)), ElementsAre(bind_action(board)));
}

// Its whole seconds end before a short lease does: once more, as late as they allow.
TEST(VipPlan, IsExtendedAgainWhenTheRenewalIsLate) {
    auto board = primary_board();
    board.role.lease->valid_until = now + milliseconds{2500};
    board.role.lease->margin = milliseconds{500};
    auto memory = bound_memory();
    memory.each[0].bound_for = board.role.lease->valid_until;
    memory.each[0].expires_at = now + seconds{1};
    const auto plan = plan_vip(memory, one_address(), board, seen(true), now);
    EXPECT_THAT(plan.actions, IsEmpty());
    ASSERT_GT(plan.wake_at, now);
    ASSERT_LT(plan.wake_at, memory.each[0].expires_at);
    auto last = now + milliseconds{393};  // valid-until - 1.082 s - 1 s - 25 ms
    EXPECT_THAT(actions(memory, board, seen(true), last - tick), IsEmpty());
    EXPECT_THAT(actions(memory, board, seen(true), last), ElementsAre(bind_action(board)));
    EXPECT_EQ(lifetime(board.role.lease->valid_until, last, kernel_tick), seconds{1});
    memory.each[0].bound_at = last;
    memory.each[0].expires_at = last + seconds{1};
    // Then it goes, with its connections reset, shortly before the kernel ends it without.
    const auto closes = last + milliseconds{950};
    EXPECT_LT(closes, board.role.lease->fence_at());
    EXPECT_THAT(actions(memory, board, seen(true), closes - tick), IsEmpty());
    EXPECT_EQ(plan_vip(memory, one_address(), board, seen(true), closes - tick).wake_at, closes);
    EXPECT_THAT(actions(memory, board, seen(true), closes),
                ElementsAre(Unbind{.address = 0, .reset = true}));
    EXPECT_THAT(actions(memory, board, seen(false), closes), IsEmpty());
}

// W4.
TEST(VipPlan, TheKernelsTimerEndsBeforeTheLeaseThoughItIsLate) {
    const auto left = [](Duration duration, Duration of = kernel_tick) {
        return lifetime(now + duration, now, of);
    };
    // Two passes of the kernel are a second apart, whatever address they are for.
    EXPECT_EQ(left(milliseconds{2102} - tick), seconds{0});
    EXPECT_EQ(left(milliseconds{2102}), seconds{1});
    EXPECT_EQ(left(milliseconds{3102} - tick), seconds{1});
    EXPECT_EQ(left(milliseconds{10'000}), seconds{8});
    EXPECT_EQ(left(milliseconds{17'102}), seconds{16});
    EXPECT_EQ(left(milliseconds{18'102}), seconds{16}) << "17 s would be late by up to 2.3 s";
    EXPECT_EQ(left(milliseconds{19'368} - tick), seconds{16});
    EXPECT_EQ(left(milliseconds{19'368}), seconds{17});
    EXPECT_EQ(left(-seconds{5}), seconds{0});
    // HZ = 1000: from 33 s, the timer's resolution is 4.1 s.
    EXPECT_EQ(left(seconds{33}, milliseconds{1}), seconds{31});
    EXPECT_EQ(left(seconds{37}, milliseconds{1}), seconds{32});
    for (const Duration each : {milliseconds{1}, milliseconds{4}, milliseconds{10}}) {
        for (Duration lease{}; lease < seconds{60}; lease += milliseconds{37}) {
            const auto time = left(lease, each);
            EXPECT_TRUE(time == seconds{0} || time + lateness(time, each) <= lease)
                << lease.count();
        }
    }
}

TEST(VipPlan, NothingIsBoundForLessThanASecond) {
    auto board = primary_board();
    board.role.lease->valid_until = now + milliseconds{2600};
    board.role.lease->margin = milliseconds{500};
    const auto at = now + milliseconds{498};  // 2.102 s before its end
    EXPECT_THAT(actions(empty_memory(), board, seen(false), at + tick), IsEmpty());
    EXPECT_THAT(actions(empty_memory(), board, seen(false), at),
                ElementsAre(Arm{0}, bind_action(board), first_announcement));
}

TEST(VipPlan, AnnouncesFiveTimesWithinFiveSeconds) {
    Announcements announcements;
    EXPECT_EQ(announcements.next(), std::nullopt);
    announcements.begin(now);
    std::vector<Duration> sent;
    while (const auto next = announcements.next()) {
        sent.push_back(*next - now);
        announcements.sent();
    }
    EXPECT_THAT(
        sent,
        ElementsAre(milliseconds{0}, milliseconds{100}, milliseconds{500}, seconds{1}, seconds{5}));
    const auto board = primary_board();
    auto memory = bound_memory();
    memory.each[0].announcements.begin(now);
    memory.each[0].announcements.sent();
    EXPECT_THAT(actions(memory, board, seen(true), now + milliseconds{100} - tick), IsEmpty());
    EXPECT_THAT(actions(memory, board, seen(true), now + milliseconds{100}),
                ElementsAre(Announce{.address = 0, .epoch = epoch}));
    EXPECT_EQ(plan_vip(memory, one_address(), board, seen(true), now).wake_at,
              now + milliseconds{100});
}

void learn(Memory& memory,
           const Board& board,
           const ports::AddressesObserved& observed,
           Instant at = now,
           const Settings& settings = one_address()) {
    vip::learn(memory, settings, board, observed, at, {.ms = 77});
}

// defects.md C30, M12: none where it is there already; one that is lost stays so.
TEST(VipPlan, WhatSomebodyDeletedIsBoundAndAnnouncedAgainWithoutAQuestion) {
    auto board = primary_board();
    board.role.after_release = false;
    auto memory = bound_memory();
    learn(memory, board, seen(false));
    EXPECT_THAT(actions(memory, board, seen(false)),
                ElementsAre(bind_action(board), first_announcement));
}

TEST(VipPlan, AnnouncesAgainWhenTheCarrierComesBackAndWhenAnotherHostClaimsIt) {
    const auto board = primary_board();
    auto memory = bound_memory();
    auto observed = seen(true);
    observed.each[0].carrier = false;
    learn(memory, board, observed);
    EXPECT_EQ(memory.each[0].announcements.next(), std::nullopt);
    learn(memory, board, seen(true), now + seconds{1});
    EXPECT_EQ(memory.each[0].announcements.next(), now + seconds{1});

    memory = bound_memory();
    observed = seen(true);
    observed.each[0].other = stranger;
    observed.each[0].other->at = memory.each[0].bound_at - tick;  // before it was bound
    learn(memory, board, observed);
    EXPECT_EQ(memory.each[0].announcements.next(), std::nullopt);
    observed.each[0].other->at = now + seconds{1};
    learn(memory, board, observed, now + seconds{1});
    EXPECT_EQ(memory.each[0].announcements.next(), now + seconds{1});
    // No storm between two that both defend it.
    observed.each[0].other->at = now + seconds{2} - tick;
    learn(memory, board, observed, now + seconds{2} - tick);
    EXPECT_EQ(memory.each[0].announcements.next(), now + seconds{1});
    observed.each[0].other->at = now + seconds{2};
    learn(memory, board, observed, now + seconds{2});
    EXPECT_EQ(memory.each[0].announcements.next(), now + seconds{2});
    const auto conflict = [&](Instant at) {
        return view(memory, one_address(), board, observed, at).conflict;
    };
    EXPECT_THAT(conflict(now + seconds{12} - tick), HasSubstr("02:00:00:00:00:09"));
    EXPECT_EQ(conflict(now + seconds{12}), "") << "it was heard of no more for ten seconds";
}

// --- others are asked before

TEST(VipPlan, OthersAreAskedBeforeItIsBoundUnlessTheFormerHolderReleased) {
    auto board = primary_board();
    board.role.after_release = false;
    auto memory = empty_memory();
    EXPECT_THAT(actions(memory, board, seen(false)),
                ElementsAre(Probe{.address = 0, .first = true}));
    memory.each[0].probe_from = now;
    memory.each[0].probes = 1;
    EXPECT_THAT(actions(memory, board, seen(false), now + milliseconds{75} - tick), IsEmpty());
    EXPECT_THAT(actions(memory, board, seen(false), now + milliseconds{75}),
                ElementsAre(Probe{.address = 0, .first = false}));
    memory.each[0].probes = 2;
    EXPECT_THAT(actions(memory, board, seen(false), now + milliseconds{150} - tick), IsEmpty());
    EXPECT_EQ(plan_vip(memory, one_address(), board, seen(false), now).wake_at,
              now + milliseconds{150});
    EXPECT_THAT(actions(memory, board, seen(false), now + milliseconds{150}),
                ElementsAre(Arm{0}, bind_action(board), first_announcement));
    // It begins with the lease, so that the answer is there when the data is promoted.
    board.replica.promoted = {};
    EXPECT_THAT(actions(empty_memory(), board, seen(false)),
                ElementsAre(Probe{.address = 0, .first = true}));
    EXPECT_THAT(actions(memory, board, seen(false), now + milliseconds{150}), IsEmpty());
    auto unasked = one_address();
    unasked.probe = {};
    EXPECT_THAT(actions(empty_memory(), board, seen(false), now, unasked), IsEmpty());
}

TEST(VipPlan, AnotherOwnerIsWaitedForOrReplacedAsConfigured) {
    auto board = primary_board();
    board.role.after_release = false;
    auto memory = empty_memory();
    memory.each[0].probe_from = now;
    memory.each[0].probes = 2;
    auto observed = seen(false);
    observed.each[0].other = stranger;
    observed.each[0].other->at = now - tick;  // an answer to nothing that this node asked
    learn(memory, board, observed, now + milliseconds{1});
    EXPECT_EQ(memory.each[0].other, std::nullopt);
    observed.each[0].other->at = now;
    learn(memory, board, observed, now + milliseconds{1});
    const auto later = now + milliseconds{150};
    EXPECT_THAT(actions(memory, board, observed, later), IsEmpty());
    EXPECT_THAT(view(memory, one_address(), board, observed, later).conflict,
                HasSubstr("02:00:00:00:00:09"));
    // Asked again after a second; who does not answer then has it no more.
    EXPECT_THAT(actions(memory, board, observed, now + seconds{1} - tick), IsEmpty());
    EXPECT_THAT(actions(memory, board, observed, now + seconds{1}),
                ElementsAre(Probe{.address = 0, .first = true}));
    memory.each[0].probe_from = now + seconds{1};
    EXPECT_THAT(actions(memory, board, observed, now + seconds{1} + milliseconds{150}),
                ElementsAre(Arm{0}, bind_action(board), first_announcement));

    memory.each[0].probe_from = now;
    auto take = one_address();
    take.take_on_conflict = true;
    EXPECT_THAT(actions(memory, board, observed, later, take),
                ElementsAre(Arm{0}, bind_action(board), first_announcement));
}

TEST(VipPlan, AConflictOfOneTtlIsOfferedToAnotherNodeOnce) {
    auto board = primary_board();
    board.role.after_release = false;
    auto memory = empty_memory();
    memory.each[0].probe_from = now;
    auto observed = seen(false);
    observed.each[0].other = stranger;
    learn(memory, board, observed);
    const auto at = now + seconds{10};
    board.role.lease->valid_until += seconds{20};
    EXPECT_EQ(view(memory, one_address(), board, observed, at - tick).give_up, "");
    EXPECT_THAT(view(memory, one_address(), board, observed, at).give_up,
                HasSubstr("02:00:00:00:00:09"));
    memory.offered = true;
    EXPECT_EQ(view(memory, one_address(), board, observed, at).give_up, "");
    auto held = bound_memory();
    held.offered = true;
    learn(held, board, seen(true));
    EXPECT_FALSE(held.offered);
}

// --- what makes a node unfit

// defects.md G10: the failure was logged, and leadership kept.
TEST(VipPlan, AnAddressThatNobodyBoundIsNeverTouchedAndTheNodeIsUnfit) {
    auto observed = seen(false);
    observed.each[0].foreign = "192.0.2.7/24 dev eth0";
    for (const auto& board : {primary_board(), board_in(Phase::follower)}) {
        EXPECT_THAT(actions(empty_memory(), board, observed), IsEmpty());
        const auto shown = view(empty_memory(), one_address(), board, observed, now);
        EXPECT_THAT(shown.unfit_because, HasSubstr("ip addr del 192.0.2.7/24 dev eth0"));
        EXPECT_THAT(shown.conflict, HasSubstr("ip addr del 192.0.2.7/24 dev eth0"));
        EXPECT_TRUE(shown.output.off);
    }
    EXPECT_NE(view(empty_memory(), one_address(), primary_board(), observed, now).give_up, "");
}

TEST(VipPlan, ANodeWithoutTheCapabilitiesIsUnfitAndSaysWhich) {
    auto observed = seen(false);
    observed.missing = "CAP_NET_RAW (to announce it)";
    EXPECT_THAT(actions(empty_memory(), primary_board(), observed), IsEmpty());
    EXPECT_THAT(unfit(empty_memory(), one_address(), observed, now), HasSubstr("CAP_NET_RAW"));
    observed = seen(false);
    observed.each[0].interface_exists = false;
    EXPECT_THAT(unfit(empty_memory(), one_address(), observed, now), HasSubstr("eth0"));
    EXPECT_EQ(unfit(empty_memory(), one_address(), seen(false), now), "");
}

TEST(VipPlan, ACarrierThatIsLostForLongMakesTheNodeUnfitAndHandOver) {
    const auto board = primary_board();
    auto memory = bound_memory();
    auto observed = seen(true);
    observed.each[0].carrier = false;
    learn(memory, board, observed);
    const auto at = now + seconds{3};
    EXPECT_EQ(unfit(memory, one_address(), observed, at), "");
    EXPECT_THAT(unfit(memory, one_address(), observed, at + tick), HasSubstr("no carrier"));
    EXPECT_EQ(view(memory, one_address(), board, observed, at).give_up, "");
    EXPECT_NE(view(memory, one_address(), board, observed, at + tick).give_up, "");
    // One that is made again is away for a moment; one that never was there is not waited for.
    observed.each[0] = {};
    EXPECT_EQ(unfit(memory, one_address(), observed, at), "");
    EXPECT_NE(unfit(memory, one_address(), observed, at + tick), "");
    EXPECT_NE(unfit(empty_memory(), one_address(), observed, now), "");
    observed.each[0] = {.interface_exists = true, .bound = true};
    learn(memory, board, seen(true), at);  // a flapping link begins anew
    learn(memory, board, observed, at + tick);
    EXPECT_EQ(unfit(memory, one_address(), observed, at + seconds{3}), "");
}

// --- what the others see

TEST(VipPlan, TheBackendMayStartOnlyWhenAllAreBoundAndAnnouncedInThisEpoch) {
    const auto board = primary_board();
    EXPECT_EQ(view(bound_memory(), one_address(), board, seen(true), now).bound, epoch);
    auto memory = bound_memory();
    memory.each[0].held_in = {2};
    EXPECT_EQ(view(memory, one_address(), board, seen(true), now).bound, model::Epoch{});
    auto duplicate = seen(true);
    duplicate.each[0].unusable = true;
    EXPECT_EQ(view(bound_memory(), one_address(), board, duplicate, now).bound, model::Epoch{});
    EXPECT_THAT(actions(bound_memory(), board, duplicate), ElementsAre(Unbind{.address = 0}));
    EXPECT_EQ(view(bound_memory(), one_address(), board, seen(false), now).bound, model::Epoch{});
    EXPECT_EQ(view(bound_memory(), one_address(), board_in(Phase::follower), seen(true), now).bound,
              model::Epoch{});
}

// defects.md M11: a failed removal was ignored, and forgotten.
TEST(VipPlan, IsOffWhenTheKernelShowsNoneAndStuckAfterTenSeconds) {
    const auto board = board_in(Phase::follower);
    EXPECT_TRUE(view(empty_memory(), one_address(), board, seen(false), now).output.off);
    auto memory = bound_memory();
    learn(memory, board, seen(true));
    EXPECT_FALSE(view(memory, one_address(), board, seen(true), now).output.off);
    const auto at = now + stuck_after;
    EXPECT_FALSE(view(memory, one_address(), board, seen(true), at - tick).output.stuck);
    EXPECT_TRUE(view(memory, one_address(), board, seen(true), at).output.stuck);
    learn(memory, board, seen(false), at);
    EXPECT_FALSE(view(memory, one_address(), board, seen(false), at).output.stuck);
}

TEST(VipPlan, ShowsSinceWhenItIsBound) {
    const auto board = primary_board();
    auto memory = bound_memory();
    memory.each[0].was_bound = false;
    learn(memory, board, seen(true));
    vip::learn(memory, one_address(), board, seen(true), now, {.ms = 99});
    const auto shown = view(memory, one_address(), board, seen(true), now);
    EXPECT_EQ(shown.each[0].since, model::WallTime{.ms = 77});
    EXPECT_EQ(view(memory, one_address(), board, seen(false), now).each[0].since,
              model::WallTime{});
}

}  // namespace
}  // namespace reconcilers::vip
