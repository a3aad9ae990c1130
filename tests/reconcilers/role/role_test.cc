// The role over fake ports: lost answers, the order of messages to the warden, adoption.
#include "reconcilers/role/role.h"

#include <gtest/gtest.h>

#include <map>
#include <utility>
#include <vector>

namespace reconcilers::role {
namespace {

using model::Errc;
using model::error;
using model::Instant;
using model::LeaseRecord;
using model::Result;
using model::Revision;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Phase = RoleView::Phase;

struct World {
    Instant now{seconds{100}};
    std::vector<std::string> calls;
};

class FakeStore final : public ports::LeaseStore {
public:
    explicit FakeStore(World& world) : world_{world} {}
    Result<ports::LeaseEntry> read() override {
        if (unreachable) return error(Errc::unavailable, "no server");
        return entry;
    }
    Result<Revision> write(const LeaseRecord& record, Revision expected) override {
        if (unreachable) return error(Errc::unavailable, "no server");
        world_.calls.emplace_back("write");
        if (raced_by) {
            entry = {.record = *std::exchange(raced_by, {}),
                     .revision = {entry.revision.value + 1}};
        }
        const bool applies = expected == entry.revision;
        world_.now += takes;
        if (applies && !lose_request) {
            entry = {.record = record, .revision = {entry.revision.value + 1}};
        }
        if (lose_request || lose_answer) return error(Errc::unknown_outcome, "no answer");
        if (!applies) return error(Errc::conflict, "wrong last sequence");
        return entry.revision;
    }
    std::uint64_t connection_generation() const override { return generation; }
    void on_change(std::function<void()>) override {}

    ports::LeaseEntry entry;
    // written by another node just before the next write arrives
    std::optional<LeaseRecord> raced_by;
    bool unreachable = false;
    bool lose_request = false;
    bool lose_answer = false;
    milliseconds takes{0};
    std::uint64_t generation = 1;

private:
    World& world_;
};

class FakeWarden final : public ports::Warden {
public:
    explicit FakeWarden(World& world) : world_{world} {}
    Result<void> set_deadline(Instant valid_until) override {
        if (deaf || deaf_to_deadlines) return error(Errc::unavailable, "no answer");
        world_.calls.emplace_back(valid_until == Instant{} ? "drop" : "hold");
        shown.valid_until = valid_until;
        return {};
    }
    Result<void> start_backend(model::WardenEntry) override { return {}; }
    Result<void> stop_backend() override { return {}; }
    Result<void> kill_backend() override { return {}; }
    Result<void> disarm() override {
        world_.calls.emplace_back("disarm");
        return {};
    }
    Result<void> claim(const std::string&) override {
        if (deaf) return error(Errc::unavailable, "no answer");
        return {};
    }
    ports::WardenView view() override { return shown; }
    void on_change(std::function<void()>) override {}

    ports::WardenView shown;
    bool deaf = false;
    bool deaf_to_deadlines = false;

private:
    World& world_;
};

class FakeClock final : public ports::Clock {
public:
    explicit FakeClock(World& world) : world_{world} {}
    Instant now() const override { return world_.now; }
    model::WallTime wall() const override { return {}; }

private:
    World& world_;
};

class FakeRandom final : public ports::Random {
public:
    std::uint64_t below(std::uint64_t) override { return 0; }
};

class FakeEvents final : public ports::Events {
public:
    void emit(ports::Level, std::string_view name, const ports::Fields&) override {
        ++reported[std::string{name}];
    }
    std::map<std::string, int> reported;
};

class RoleTest : public testing::Test {
protected:
    RoleTest() {
        board.membership.claimed = true;
        board.membership.read = true;
        board.membership.members = {"n1", "n2"};
        board.replica.fit = true;
        board.replica.log_read = true;
        board.backend.output.off = true;
        board.backend.unfit_because.clear();
        board.replica.lag = model::Lag{};
        board.store.identity.election = "e1";
    }
    RoleView step(bool changed = true) {
        const auto pass = role.step(board, changed);
        wake_at = pass.wake_at;
        return pass.view;
    }
    void advance(milliseconds by) { world.now += by; }
    static LeaseRecord foreign(const std::string& nonce) {
        return {.node_id = "n2",
                .host = {.machine_id = "m2", .boot_id = "b2"},
                .nonce = nonce,
                .epoch = {4},
                .members = {"n1", "n2"}};
    }

    World world;
    FakeStore store{world};
    FakeWarden warden{world};
    FakeClock clock{world};
    FakeRandom random;
    FakeEvents events;
    Board board;
    Instant wake_at{};
    RoleReconciler role{
        {.node_id = "n1",
         .host = {.machine_id = "m1", .boot_id = "b1"},
         .timing = {.ttl = seconds{10},
                    .heartbeat = seconds{3},
                    .margin = seconds{2},
                    .cooldown = seconds{10}}},
        "inc",
        {.store = store, .warden = warden, .clock = clock, .random = random, .events = events}};
};

TEST_F(RoleTest, TakesAnEmptyElectionAndNotifiesTheWardenBeforeItActs) {  // W0
    const auto view = step();
    ASSERT_EQ(view.phase, Phase::holder);
    EXPECT_EQ(view.lease->epoch, model::Epoch{1});
    EXPECT_EQ(world.calls, (std::vector<std::string>{"write", "hold"}));
    EXPECT_TRUE(store.entry.record->members.empty()) << "nobody's failsafe runs";
}

TEST_F(RoleTest, TheLeaseCountsFromBeforeTheSend) {  // L1
    store.takes = seconds{2};
    const auto view = step();
    ASSERT_TRUE(view.lease);
    EXPECT_EQ(view.lease->valid_until, Instant{seconds{110}});
}

TEST_F(RoleTest, ATakeoverThatIsAnsweredTooLateGivesNothing) {  // L2
    store.takes = seconds{9};
    const auto view = step();
    EXPECT_FALSE(view.lease);
    EXPECT_EQ(warden.shown.valid_until, Instant{});
}

TEST_F(RoleTest, WithoutTheWardensConfirmationNothingIsHeld) {  // W0
    warden.deaf_to_deadlines = true;
    EXPECT_FALSE(step().lease);
}

// W7: the others would wait for the end of a lease that this node cannot use.
TEST_F(RoleTest, TakesNoLeaseThatNoWardenGuards) {
    warden.deaf = true;
    const auto view = step();
    EXPECT_FALSE(view.lease);
    EXPECT_EQ(world.calls, std::vector<std::string>{}) << "the record was written";
    EXPECT_NE(view.waiting_for.find("the warden, which does not answer"), std::string::npos);
    EXPECT_EQ(wake_at, world.now + milliseconds{250});
    warden.deaf = false;
    advance(milliseconds{250});
    EXPECT_TRUE(step(false).lease);
}

// W7: it fences at the deadline that the warden has, and keeps nobody waiting for a later one.
TEST_F(RoleTest, ALeaseIsNotRenewedOnWhileTheWardenIsSilent) {
    step();
    const auto until = step(false).lease->valid_until;
    warden.deaf = true;
    advance(seconds{3});
    EXPECT_EQ(step(false).lease->valid_until, until);
    const auto revision = store.entry.revision;
    while (world.now < until - seconds{2} - milliseconds{1}) {
        EXPECT_EQ(step(false).phase, Phase::holder);
        EXPECT_LE(wake_at, world.now + milliseconds{250});
        advance(milliseconds{249});
        if (world.now > until - seconds{2}) world.now = until - seconds{2} - milliseconds{1};
    }
    EXPECT_EQ(store.entry.revision, revision) << "one renewal went out, and no other";
    world.now = until - seconds{2};
    board.backend.output.off = false;
    EXPECT_EQ(step(false).phase, Phase::fencing);
}

TEST_F(RoleTest, AWardenThatAnswersAgainGetsTheDeadlineThatItMissed) {
    step();
    warden.deaf = true;
    advance(seconds{3});
    step(false);
    warden.deaf = false;
    advance(milliseconds{250});
    EXPECT_EQ(step(false).lease->valid_until, Instant{seconds{113}});
    EXPECT_EQ(warden.shown.valid_until, Instant{seconds{113}});
    advance(milliseconds{2'750});
    EXPECT_EQ(step(false).lease->valid_until, Instant{seconds{116}});
}

TEST_F(RoleTest, ALostAnswerIsResolvedByReadingTheNonce) {  // L3
    store.lose_answer = true;
    step();
    store.lose_answer = false;
    const auto view = step();
    ASSERT_EQ(view.phase, Phase::holder);
    EXPECT_EQ(view.lease->valid_until, Instant{seconds{110}});
    EXPECT_EQ(store.entry.revision, Revision{1});  // it was not written a second time
}

TEST_F(RoleTest, ALostRequestGivesNoLease) {  // L3
    store.lose_request = true;
    EXPECT_FALSE(step().lease);
    EXPECT_EQ(world.calls, (std::vector<std::string>{"write"}));
}

TEST_F(RoleTest, RenewsEachHeartbeatAndRetriesAfterAQuarterOfASecond) {
    step();
    EXPECT_EQ(wake_at, Instant{seconds{103}});
    advance(seconds{3});
    EXPECT_EQ(step(false).lease->valid_until, Instant{seconds{113}});
    advance(seconds{3});
    store.lose_request = true;
    step(false);
    EXPECT_EQ(wake_at, world.now + milliseconds{250});
}

TEST_F(RoleTest, CutOffItFencesAtTheFenceTimeAndTheStrikeSparesIt) {  // W2; defects.md C02, G01
    step();
    store.unreachable = true;
    advance(milliseconds{7'999});
    EXPECT_EQ(step(false).phase, Phase::holder);
    EXPECT_LE(wake_at, Instant{seconds{108}});
    advance(milliseconds{1});
    board.backend.output.off = false;
    EXPECT_EQ(step(false).phase, Phase::fencing);
    EXPECT_EQ(world.calls.back(), "disarm");
    board.backend.output.off = true;
    EXPECT_EQ(step(false).phase, Phase::follower);
}

TEST_F(RoleTest, AnOutageIsReportedOnceAndItsEndAndTheReasonIsShown) {
    ASSERT_EQ(step().phase, Phase::holder);
    store.lose_request = true;
    for (int i = 0; i < 8; ++i) {
        advance(milliseconds{500});
        (void)step(false);
    }
    const auto refused = step(false);
    EXPECT_EQ(events.reported["lease.write_failed"], 1);
    EXPECT_EQ(refused.waiting_for, "the lease cannot be written: no answer");
    store.lose_request = false;
    advance(milliseconds{500});
    EXPECT_EQ(step(false).waiting_for, "");
    EXPECT_EQ(events.reported["lease.written_again"], 1);
    store.unreachable = true;
    advance(seconds{20});
    const auto away = step();
    EXPECT_FALSE(away.lease);
    EXPECT_FALSE(away.leader_known);
    EXPECT_EQ(away.waiting_for, "the lease record cannot be read: no server");
    EXPECT_EQ(away.record_epoch.value, 1U) << "the last that was known";
    store.unreachable = false;
    advance(seconds{1});
    const auto back = step();
    EXPECT_TRUE(back.leader_known);
    EXPECT_NE(back.waiting_for, away.waiting_for);
}

// The store is full: nobody leads, and every candidate can say why.
TEST_F(RoleTest, ACandidateWhoseTakeoverIsNotTakenSaysWhyUntilAnothersIs) {
    store.lose_request = true;
    (void)step();
    EXPECT_EQ(step().waiting_for, "the lease cannot be written: no answer");
    store.lose_request = false;
    store.entry = {.record = LeaseRecord{.node_id = "n2", .nonce = "other-1", .epoch = {2}},
                   .revision = {5}};
    (void)step();
    store.entry.record->nonce = "other-2";
    EXPECT_EQ(step().waiting_for.find("cannot be written"), std::string::npos);
}

TEST_F(RoleTest, AnotherHolderInTheRecordIsReasonToFenceAtOnce) {  // L7; defects.md C09
    step();
    store.entry = {.record = foreign("x"), .revision = {9}};
    const auto view = step();
    EXPECT_FALSE(view.lease);
    EXPECT_EQ(world.calls.back(), "drop");  // it does not wait for the strike time
    EXPECT_EQ(view.leader, "n2");
}

TEST_F(RoleTest, ADeletedRecordIsReasonToFenceAtOnce) {  // defects.md C06, C07, C08
    step();
    store.entry = {.record = {}, .revision = {9}};
    EXPECT_EQ(step().phase, Phase::follower);
    EXPECT_EQ(world.calls.back(), "drop");
    // No node may take a deleted key at once, this one included.
    EXPECT_FALSE(step().lease);
    advance(seconds{11});
    EXPECT_TRUE(step().lease);
}

TEST_F(RoleTest, AStoreThatLostTheLastRenewalIsGoneOnFromWithTheValidityThereWas) {  // L7
    step();
    const auto first = store.entry;
    advance(seconds{3});
    ASSERT_EQ(step(false).lease->valid_until, Instant{seconds{113}});
    store.entry = first;
    store.generation = 2;
    EXPECT_EQ(step().lease->valid_until, Instant{seconds{113}});
    advance(seconds{3});
    EXPECT_EQ(step(false).lease->valid_until, Instant{seconds{116}});
}

TEST_F(RoleTest, AReconnectBeginsACandidatesWaitAnew) {  // L4
    store.entry = {.record = foreign("x"), .revision = {9}};
    step();
    advance(seconds{10});
    store.generation = 2;
    step();
    advance(seconds{10});
    EXPECT_FALSE(step().lease);
    advance(milliseconds{200});
    const auto view = step();
    ASSERT_TRUE(view.lease);
    EXPECT_EQ(view.lease->epoch, model::Epoch{5});
}

// What was released long ago says nothing of where the addresses are now.
TEST_F(RoleTest, OnlyAReleaseThatWasSeenShowsThatTheFormerHolderIsOff) {
    auto released = foreign("y");
    released.state = LeaseRecord::State::released;
    released.held_nonce = "x";
    store.entry = {.record = released, .revision = {9}};
    const auto view = step();  // nobody else can be about
    ASSERT_TRUE(view.lease);
    EXPECT_FALSE(view.after_release);
}

TEST_F(RoleTest, AReleaseThatWasSeenShowsThatTheFormerHolderIsOff) {
    store.entry = {.record = foreign("x"), .revision = {9}};
    step();
    auto released = foreign("y");
    released.state = LeaseRecord::State::released;
    released.held_nonce = "x";
    released.successor = "n1";
    store.entry = {.record = released, .revision = {10}};
    const auto view = step();
    ASSERT_TRUE(view.lease);
    EXPECT_TRUE(view.after_release);
}

TEST_F(RoleTest, ARefusedTakeoverBeginsTheWaitAnew) {  // L4
    store.entry = {.record = foreign("x"), .revision = {9}};
    step();
    advance(milliseconds{10'200});
    // Another candidate writes between this node's read and its write.
    store.raced_by = foreign("y");
    EXPECT_FALSE(step().lease);
    advance(seconds{10});
    EXPECT_FALSE(step().lease);
    advance(milliseconds{200});
    EXPECT_TRUE(step().lease);
}

TEST_F(RoleTest, AReleaseNotifiesTheWardenFirstAndNamesTheNonceThatItEnds) {  // L9
    step();
    const auto nonce = store.entry.record->nonce;
    board.shutdown = true;
    board.replica.promoted = {1};
    board.replica.flushed = {.epoch = {1}, .number = 1};
    board.backend.drained = {.epoch = {1}, .number = 1};
    const auto view = step(false);
    EXPECT_FALSE(view.lease);
    EXPECT_TRUE(view.finished);
    ASSERT_GE(world.calls.size(), 2U);
    EXPECT_EQ(world.calls[world.calls.size() - 2], "drop");
    EXPECT_EQ(world.calls.back(), "write");
    EXPECT_EQ(store.entry.record->state, LeaseRecord::State::released);
    EXPECT_EQ(store.entry.record->held_nonce, nonce);
}

// W0: a warden that did not answer may still have the old deadline.
TEST_F(RoleTest, ADeposedNodeNotifiesItsWardenUntilItAnswers) {
    step();
    store.entry = {.record = foreign("x"), .revision = {9}};
    warden.deaf = true;
    EXPECT_FALSE(step().lease);
    warden.deaf = false;
    const auto drops = [this] {
        return std::count(world.calls.begin(), world.calls.end(), "drop");
    };
    const auto before = drops();
    advance(milliseconds{249});
    step(false);
    EXPECT_EQ(drops(), before);
    advance(milliseconds{1});
    step(false);
    EXPECT_EQ(drops(), before + 1);
    advance(seconds{1});
    step(false);
    EXPECT_EQ(drops(), before + 1) << "it has answered";
}

// D8: the backend starts again in place, and the operator gets the reason.
TEST_F(RoleTest, AStepDownThatCannotEndIsUndone) {
    step();
    board.replica.promoted = {1};
    board.membership.spec.switchover = model::Spec::Switchover{.id = "w", .to = "n2"};
    board.membership.peers = {
        {.status = {.node_id = "n2", .copy_complete = true, .fit = true}, .fresh = true}};
    auto view = step(false);
    EXPECT_EQ(view.phase, RoleView::Phase::draining);
    EXPECT_EQ(view.step_down(), (StepDown{.epoch = {1}, .number = 1}));
    for (int i = 0; i < 10; ++i) {
        advance(seconds{1});
        view = step(false);
    }
    EXPECT_EQ(view.phase, RoleView::Phase::holder);
    ASSERT_TRUE(view.switchover);
    EXPECT_EQ(view.switchover->id, "w");
    EXPECT_FALSE(view.switchover->done);
    EXPECT_FALSE(view.step_down());
}

TEST_F(RoleTest, AConfirmationIsARenewalSentAfterItWasAskedFor) {  // S4
    EXPECT_EQ(step().confirmed, 0U);
    board.replica.confirm_wanted = 1;
    const auto revision = store.entry.revision;
    EXPECT_EQ(step(false).confirmed, 1U);
    EXPECT_EQ(store.entry.revision.value, revision.value + 1);
    EXPECT_EQ(step(false).confirmed, 1U);
    EXPECT_EQ(store.entry.revision.value, revision.value + 1);  // one renewal is enough
}

TEST_F(RoleTest, ARaisedEpochHoldsPromotionForOneWait) {  // L6
    step();
    board.replica.raise = model::Epoch{7};
    const auto view = step(false);
    EXPECT_EQ(view.lease->epoch, model::Epoch{8});
    EXPECT_EQ(view.promote_after, world.now + milliseconds{10'200});
}

TEST_F(RoleTest, ARestartedProcessAdoptsItsOwnLeaseWithoutWaiting) {  // L8; defects.md C36, G04
    auto own = foreign("old-3");
    own.node_id = "n1";
    own.host = {.machine_id = "m1", .boot_id = "b1"};
    store.entry = {.record = own, .revision = {9}};
    warden.shown.valid_until = world.now + seconds{5};
    board.backend.output.off = false;  // it keeps running
    board.membership.claimed = false;
    EXPECT_EQ(step().phase, Phase::starting);
    board.membership.claimed = true;
    const auto view = step();
    ASSERT_EQ(view.phase, Phase::holder);
    EXPECT_TRUE(view.adopted);
    EXPECT_EQ(view.lease->epoch, model::Epoch{5});
}

}  // namespace
}  // namespace reconcilers::role
