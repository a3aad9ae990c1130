// The membership reconciler over fake ports: claiming the node id, publishing the status, requests
// of operators, leaving.
#include "reconcilers/membership/membership.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

namespace reconcilers::membership {
namespace {

using namespace std::chrono_literals;
using model::Errc;
using model::error;
using model::NodeStatus;
using model::Result;
using model::Revision;
using model::Spec;
using ports::SpecEntry;
using ports::StatusEntry;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Phase = RoleView::Phase;
using Switchover = Spec::Switchover;

class FakeStore final : public ports::ClusterStore {
public:
    Result<std::vector<StatusEntry>> nodes() override {
        if (unreachable) return error(Errc::unavailable, unreachable_because);
        std::vector<StatusEntry> all;
        for (const auto& [id, entry] : entries)
            all.push_back(entry);
        return all;
    }
    Result<std::optional<StatusEntry>> node(const std::string& id) override {
        if (unreachable) return error(Errc::unavailable, unreachable_because);
        const auto found = entries.find(id);
        if (found == entries.end()) return std::optional<StatusEntry>{};
        return std::optional{found->second};
    }
    Result<Revision> write(const NodeStatus& status, Revision expected) override {
        if (unreachable) return error(Errc::unavailable, unreachable_because);
        if (!forbidden.empty()) return error(Errc::unknown_outcome, forbidden);
        if (before_write) std::exchange(before_write, nullptr)();
        ++writes;
        const auto found = entries.find(status.node_id);
        const auto present = found == entries.end() ? Revision{} : found->second.revision;
        if (present == expected) put(status);
        if (std::exchange(lose_answer, false)) return error(Errc::unknown_outcome, "no answer");
        if (present != expected) return error(Errc::conflict, "wrong last sequence");
        return Revision{last};
    }
    Result<void> erase(const std::string& id, Revision expected) override {
        const auto found = entries.find(id);
        if (found == entries.end() || found->second.revision != expected) {
            return error(Errc::conflict, "wrong last sequence");
        }
        entries.erase(found);
        ++last;
        return {};
    }
    Result<SpecEntry> spec() override {
        if (unreachable) return error(Errc::unavailable, unreachable_because);
        if (!unreadable.empty()) return error(Errc::corrupt, unreadable);
        if (!spec_forbidden.empty()) return error(Errc::unknown_outcome, spec_forbidden);
        return requests;
    }
    Result<Revision> write(const Spec& spec, Revision expected) override {
        if (before_write) std::exchange(before_write, nullptr)();
        if (requests.revision != expected) return error(Errc::conflict, "wrong last sequence");
        ask(spec);
        return requests.revision;
    }
    void on_change(std::function<void()>) override {}

    void put(const NodeStatus& status) {
        entries[status.node_id] = {.status = status, .revision = {++last}};
    }
    void ask(const Spec& spec) { requests = {.spec = spec, .revision = {++last}}; }
    [[nodiscard]] const NodeStatus& of(const std::string& id) const {
        return entries.at(id).status;
    }

    std::map<std::string, StatusEntry> entries;
    SpecEntry requests;
    std::string forbidden;  // what the server says of a write of a status
    std::string unreadable;
    std::string spec_forbidden;  // what the server says of a read of the spec
    bool unreachable = false;
    std::string unreachable_because = "no server";
    bool lose_answer = false;
    std::function<void()> before_write;
    int writes = 0;  // writes of a status
    std::uint64_t last = 0;
};

class FakeWarden final : public ports::Warden {
public:
    Result<void> set_deadline(model::Instant) override { return {}; }
    Result<void> start_backend(model::WardenEntry) override { return {}; }
    Result<void> stop_backend() override { return {}; }
    Result<void> kill_backend() override { return {}; }
    Result<void> disarm() override { return {}; }
    Result<void> claim(const std::string& incarnation) override {
        claimed.push_back(incarnation);
        if (deaf) return error(Errc::unavailable, "no answer");
        return {};
    }
    ports::WardenView view() override { return shown; }
    void on_change(std::function<void()>) override {}

    ports::WardenView shown;
    std::vector<std::string> claimed;
    bool deaf = false;
};

class FakeClock final : public ports::Clock {
public:
    model::Instant now() const override { return time; }
    model::WallTime wall() const override { return {1'700'000'000'000}; }
    model::Instant time{100s};
};

class FakeEvents final : public ports::Events {
public:
    void emit(ports::Level, std::string_view name, const ports::Fields&) override {
        names.emplace_back(name);
    }
    [[nodiscard]] auto count(std::string_view name) const {
        return std::count(names.begin(), names.end(), name);
    }
    std::vector<std::string> names;
};

const model::Host here{.machine_id = "m1", .boot_id = "b1"};
const model::Host elsewhere{.machine_id = "m2", .boot_id = "b2"};

class Membership : public testing::Test {
protected:
    Membership() {
        board.role.phase = Phase::follower;
        board.backend.output.off = true;
        board.replica.state = "following";
    }
    MembershipView step() {
        const auto pass = membership.step(board);
        wake_at = pass.wake_at;
        status = pass.status;
        return pass.view;
    }
    MembershipView step_after(model::Duration time) {
        clock.time += time;
        return step();
    }
    /// Makes this node serve under the newest lease.
    void lead() {
        board.role.phase = Phase::holder;
        board.role.lease = model::Lease{.epoch = {4}, .valid_until = clock.time + 10s};
        board.replica.promoted = {4};
        board.backend.ready = true;
        board.backend.output.off = false;
    }
    static NodeStatus other(const std::string& incarnation) {
        return {.node_id = "n1",
                .api_url = "http://10.0.0.9:8080",
                .incarnation = incarnation,
                .host = elsewhere};
    }

    FakeStore store;
    FakeWarden warden;
    FakeClock clock;
    FakeEvents events;
    Board board;
    model::Instant wake_at{};
    NodeStatus status;
    MembershipReconciler membership{
        {.node_id = "n1",
         .cluster_id = "prod",
         .host = here,
         .incarnation = "inc",
         .version = "1",
         .addresses = {"10.0.0.1"},
         .api_url = "http://10.0.0.1:8080",
         .heartbeat = 3s},
        {.store = store, .warden = warden, .clock = clock, .events = events}};
};

// A right that is missing: what was seen was a node that said nothing and never led.
TEST_F(Membership, AStatusThatCannotBeWrittenIsReportedOnceAndShown) {
    store.forbidden = "no answer (Permissions Violation for Publish to \"$KV.s.nodes.n1\")";
    for (int i = 0; i < 3; ++i)
        EXPECT_FALSE(step_after(1s).claimed);
    EXPECT_EQ(events.count("membership.write_failed"), 1);
    EXPECT_EQ(status.condition(model::ConditionType::lease_held)->message,
              "the node id cannot be claimed: " + store.forbidden);
    store.forbidden.clear();
    EXPECT_TRUE(step_after(1s).claimed);
    EXPECT_EQ(events.count("membership.written_again"), 1);
    EXPECT_EQ(status.condition(model::ConditionType::lease_held)->message, "");
    store.forbidden = "no space";
    (void)step_after(4s);
    EXPECT_EQ(events.count("membership.write_failed"), 2);
    EXPECT_EQ(status.condition(model::ConditionType::lease_held)->message,
              "this node's status cannot be written: no space");
}

// The same for the right to read, where the lease record can be read.
TEST_F(Membership, NodesThatCannotBeReadAreTheReasonOfALeaseNotHeld) {
    store.unreachable = true;
    board.role.leader_known = true;
    board.role.waiting_for = "the node id is not claimed yet";
    EXPECT_FALSE(step().claimed);
    EXPECT_THAT(status.condition(model::ConditionType::lease_held)->message,
                ::testing::StartsWith("the nodes' status cannot be read: "));
    board.role.leader_known = false;
    board.role.waiting_for = "the lease record cannot be read: why";
    (void)step_after(1s);
    EXPECT_EQ(status.condition(model::ConditionType::lease_held)->message,
              "the lease record cannot be read: why");
}

TEST_F(Membership, AnOutageIsReportedOnceAndItsEnd) {
    (void)step();
    store.unreachable = true;
    for (int i = 0; i < 3; ++i)
        (void)step_after(1s);
    store.unreachable = false;
    (void)step_after(1s);
    EXPECT_EQ(events.count("membership.read_failed"), 1);
    EXPECT_EQ(events.count("membership.read_again"), 1);
    EXPECT_EQ(events.count("membership.write_failed"), 0);
}

// "not connected" at the start came first, and the right that is missing was never reported.
TEST_F(Membership, ASecondReasonOfAnOutageIsReported) {
    store.unreachable = true;
    store.unreachable_because = "not connected";
    (void)step_after(1s);
    store.unreachable_because = "no answer (Permissions Violation for Publish)";
    (void)step_after(1s);
    (void)step_after(1s);
    EXPECT_EQ(events.count("membership.read_failed"), 2);
    store.unreachable = false;
    (void)step_after(1s);
    EXPECT_EQ(events.count("membership.read_again"), 1);
}

TEST_F(Membership, ASpecThatMayNotBeReadIsReportedOnce) {
    store.ask({.paused = true});
    (void)step();
    store.spec_forbidden = "no answer (Permissions Violation for Publish)";
    for (int i = 0; i < 3; ++i)
        EXPECT_TRUE(step_after(1s).spec.paused) << "what was read last holds";
    EXPECT_EQ(events.count("spec.read_failed"), 1);
    EXPECT_EQ(events.count("spec.unreadable"), 0);
    store.spec_forbidden.clear();
    (void)step_after(1s);
    EXPECT_EQ(events.count("spec.read_again"), 1);
}

// ---- L11: the claim

TEST_F(Membership, ClaimsAnIdThatNobodyHas) {
    const auto view = step();
    EXPECT_TRUE(view.claimed);
    EXPECT_TRUE(view.read);
    EXPECT_EQ(store.of("n1").incarnation, "inc");
    EXPECT_EQ(store.of("n1").host, here);
    EXPECT_THAT(warden.claimed, ElementsAre("inc"));
    EXPECT_THAT(step().members, ElementsAre("n1"));
    EXPECT_EQ(events.count("membership.claimed"), 1);
}

TEST_F(Membership, AClaimThatAnotherCameBeforeIsReadAgain) {
    store.before_write = [this] { store.put(other("theirs")); };
    EXPECT_FALSE(step().claimed);
    EXPECT_THAT(warden.claimed, IsEmpty());
    EXPECT_EQ(wake_at, clock.time + 500ms);
    EXPECT_FALSE(step().claimed) << "it is fresh: it may be alive";
}

TEST_F(Membership, AClaimWhoseAnswerWasLostIsFoundByReading) {
    store.lose_answer = true;
    EXPECT_FALSE(step().claimed);
    EXPECT_TRUE(step().claimed);
    EXPECT_EQ(store.of("n1").incarnation, "inc");
}

TEST_F(Membership, TakesItsOwnKeyBackAtOnceWhereTheWardenKnowsWhoHadIt) {
    auto before = other("before");
    before.host = here;
    store.put(before);
    warden.shown.incarnation = "before";
    EXPECT_TRUE(step().claimed);
}

TEST_F(Membership, AKeyOfThisMachineThatTheWardenDoesNotKnowIsAnothers) {
    auto before = other("before");
    before.host = here;
    store.put(before);
    warden.shown.incarnation = "another";
    EXPECT_FALSE(step().claimed);
    before.host = elsewhere;  // the same node id on another machine is not enough
    store.put(before);
    warden.shown.incarnation = "before";
    EXPECT_FALSE(step().claimed);
}

TEST_F(Membership, AKeyThatNobodyWritesAnyMoreIsTakenAfterThreeHeartbeats) {
    store.put(other("theirs"));
    EXPECT_FALSE(step().claimed);
    EXPECT_FALSE(step_after(9s - 1ms).claimed);
    EXPECT_TRUE(step_after(1ms).claimed);
    EXPECT_EQ(store.of("n1").incarnation, "inc");
}

TEST_F(Membership, ThreeHeartbeatsOfWhoeverWritesIt) {
    auto slow = other("theirs");
    slow.heartbeat_ms = 20'000;
    store.put(slow);
    EXPECT_FALSE(step().claimed);
    EXPECT_FALSE(step_after(60s - 1ms).claimed);
    EXPECT_TRUE(step_after(1ms).claimed);
}

// A published heartbeat interval of a day must not block a name for ever.
TEST_F(Membership, AHeartbeatThatCannotBeTrueIsAMinuteAtTheMost) {
    auto absurd = other("theirs");
    absurd.heartbeat_ms = 86'400'000;
    store.put(absurd);
    step();
    EXPECT_FALSE(step_after(180s - 1ms).claimed);
    EXPECT_TRUE(step_after(1ms).claimed);
}

// defects.md C09
TEST_F(Membership, AnOwnerWhoWritesAgainAndAgainIsRefusedToUs) {
    store.put(other("theirs"));
    EXPECT_EQ(step().refused, "");
    store.put(other("theirs"));
    EXPECT_EQ(step_after(1s).refused, "") << "it may be a late request of one that is gone";
    store.put(other("theirs"));
    const auto view = step_after(1s);
    EXPECT_FALSE(view.claimed);
    EXPECT_THAT(view.refused, HasSubstr("node id 'n1' is in use by another process"));
    EXPECT_THAT(view.refused, HasSubstr("http://10.0.0.9:8080, machine m2"));
    store.put(other("theirs"));
    step_after(1s);
    EXPECT_EQ(events.count("membership.id_refused"), 1);
    EXPECT_EQ(store.of("n1").incarnation, "theirs");
    EXPECT_THAT(warden.claimed, IsEmpty());
}

TEST_F(Membership, ARefusalEndsWithItsOwner) {
    for (int i = 0; i < 3; ++i) {
        store.put(other("theirs"));
        step_after(1s);
    }
    const auto view = step_after(9s);
    EXPECT_TRUE(view.claimed);
    EXPECT_EQ(view.refused, "");
}

TEST_F(Membership, AClaimHoldsWithoutTheWardensConfirmation) {
    warden.deaf = true;
    EXPECT_TRUE(step().claimed);
    EXPECT_EQ(events.count("membership.claim_not_kept"), 1);
}

// ---- publishing

TEST_F(Membership, PublishesEachHeartbeatAndNotBefore) {
    step();
    const auto before = store.writes;
    EXPECT_EQ(wake_at, clock.time + 3s);
    step_after(3s - 1ms);
    EXPECT_EQ(store.writes, before);
    step_after(1ms);
    EXPECT_EQ(store.writes, before + 1);
    EXPECT_EQ(store.of("n1").uptime_ms, 3000);
    EXPECT_EQ(store.of("n1").heartbeat_ms, 3000);
}

TEST_F(Membership, NewsDoNotWaitForTheHeartbeat) {
    step();
    auto before = store.writes;
    board.replica.copy_complete = true;
    step_after(50ms);
    EXPECT_EQ(store.writes, before + 1);
    EXPECT_TRUE(store.of("n1").copy_complete);
    // Such writes are at least 50 ms apart.
    before = store.writes;
    board.replica.copy_complete = false;
    step_after(49ms);
    EXPECT_EQ(store.writes, before);
    EXPECT_EQ(wake_at, clock.time + 1ms);
    step_after(1ms);
    EXPECT_EQ(store.writes, before + 1);
}

TEST_F(Membership, WhatChangesWithEachTransactionWaitsForTheHeartbeat) {
    step();
    const auto before = store.writes;
    board.replica.position.txid = {7};
    board.replica.lag = model::Lag{.transactions = 1};
    step_after(1s);
    EXPECT_EQ(store.writes, before);
    EXPECT_EQ(status.position.txid.value, 7U) << "the faces of this node show it at once";
}

// D10: no node may create a database while another node may have one.
TEST_F(Membership, HasADatabaseUntilItKnowsThatItHasNone) {
    for (const auto* state : {"", "opening"}) {
        board.replica.state = state;
        EXPECT_EQ(step_after(3s).published_since, model::Instant{});
        EXPECT_TRUE(store.of("n1").has_database) << state;
    }
    board.replica.state = "following";
    const auto view = step_after(3s);
    EXPECT_FALSE(store.of("n1").has_database);
    const auto since = clock.time;
    EXPECT_EQ(view.published_since, since);
    EXPECT_EQ(step_after(3s).published_since, since);
}

TEST_F(Membership, ALostAnswerIsResolvedByReading) {
    step();
    store.lose_answer = true;
    EXPECT_TRUE(step_after(3s).claimed);
    EXPECT_EQ(wake_at, clock.time + 500ms);
    const auto before = store.writes;
    EXPECT_TRUE(step_after(500ms).claimed);
    EXPECT_EQ(store.writes, before + 1);
    EXPECT_EQ(store.of("n1").incarnation, "inc");
    EXPECT_EQ(events.count("membership.claim_lost"), 0);
}

TEST_F(Membership, AnotherProcessUnderItsIdTakesTheClaimAway) {
    step();
    store.put(other("theirs"));
    EXPECT_FALSE(step_after(3s).claimed);
    EXPECT_EQ(events.count("membership.claim_lost"), 1);
    EXPECT_EQ(store.of("n1").incarnation, "theirs");
}

TEST_F(Membership, AStatusThatSomebodyDeletedIsWrittenAnew) {
    step();
    store.entries.clear();
    EXPECT_TRUE(step_after(3s).claimed);
    EXPECT_TRUE(step_after(500ms).claimed);
    EXPECT_EQ(store.of("n1").incarnation, "inc");
}

// ---- the others

TEST_F(Membership, APeerIsFreshForThreeHeartbeatsAfterItsLastChange) {
    store.put({.node_id = "n2", .heartbeat_ms = 1000});
    ASSERT_EQ(step().peers.size(), 1U);
    EXPECT_TRUE(step_after(9s - 1ms).peers[0].fresh);
    EXPECT_FALSE(step_after(1ms).peers[0].fresh);
    store.put({.node_id = "n2", .heartbeat_ms = 1000});
    EXPECT_TRUE(step().peers[0].fresh);
    EXPECT_THAT(step().members, ElementsAre("n1", "n2"));
    store.entries.erase("n2");
    EXPECT_THAT(step().peers, IsEmpty());
}

TEST_F(Membership, WithoutAStoreWhatWasReadStandsAndIsNotFreshForLong) {
    store.put({.node_id = "n2"});
    step();
    store.unreachable = true;
    for (int i = 0; i < 3; ++i) {
        const auto view = step_after(1s);
        EXPECT_TRUE(view.peers[0].fresh);
        EXPECT_EQ(wake_at, clock.time + 500ms);
    }
    EXPECT_FALSE(step_after(6s).peers[0].fresh);
    EXPECT_EQ(events.count("membership.read_failed"), 1) << "once, however long it lasts";
    store.unreachable = false;
    step();
    store.unreachable = true;
    step();
    EXPECT_EQ(events.count("membership.read_failed"), 2);
}

// ---- what operators ask

TEST_F(Membership, ASpecThatCannotBeReadLeavesTheLastOneInForce) {
    store.ask({.paused = true});
    EXPECT_TRUE(step().spec.paused);
    store.unreadable = "spec is no object";
    EXPECT_TRUE(step().spec.paused);
    EXPECT_TRUE(step().spec.paused);
    EXPECT_EQ(events.count("spec.unreadable"), 1);
    store.unreadable = "spec.paused is not true or false";
    step();
    EXPECT_EQ(events.count("spec.unreadable"), 2) << "another reason is news";
    store.unreadable.clear();
    store.ask({});
    EXPECT_FALSE(step().spec.paused);
    EXPECT_EQ(events.count("spec.read_again"), 1);
}

TEST_F(Membership, ASpecThatIsOutOfReachIsNotUnreadable) {
    store.ask({.paused = true});
    step();
    store.unreachable = true;
    EXPECT_TRUE(step().spec.paused);
    EXPECT_EQ(events.count("spec.unreadable"), 0);
    EXPECT_EQ(events.count("spec.read_failed"), 0) << "the nodes' status is not read either";
}

TEST_F(Membership, IsNotReadBeforeTheNodesAndTheSpecAre) {
    store.unreadable = "spec is no object";
    EXPECT_FALSE(step().read);
    store.unreadable.clear();
    EXPECT_TRUE(step().read);
}

TEST_F(Membership, ASwitchoverToHereIsDoneWhenThisNodeServes) {
    step();
    store.ask({.paused = true, .switchover = Switchover{.id = "a", .to = "n1"}});
    EXPECT_TRUE(step().spec.switchover) << "who does not lead resolves nothing";
    lead();
    board.replica.promoted = {3};
    EXPECT_TRUE(step().spec.switchover) << "of an older reign";
    board.replica.promoted = {4};
    board.backend.ready = false;
    EXPECT_TRUE(step().spec.switchover) << "not healthy yet";
    board.backend.ready = true;
    EXPECT_FALSE(step_after(3s).spec.switchover);
    EXPECT_FALSE(store.requests.spec.switchover);
    EXPECT_TRUE(store.requests.spec.paused) << "the rest stays as it was";
    EXPECT_EQ(store.of("n1").switchover, (model::SwitchoverOutcome{"a", true, ""}));
    EXPECT_EQ(events.count("switchover.resolved"), 1);
}

TEST_F(Membership, ASwitchoverAwayFromAnotherIsDoneWhereverElseItLed) {
    step();
    lead();
    store.ask({.switchover = Switchover{.id = "a", .from = "n2"}});
    EXPECT_FALSE(step().spec.switchover);
    store.ask({.switchover = Switchover{.id = "b", .from = "n1"}});
    EXPECT_TRUE(step().spec.switchover) << "this node is to hand over itself";
    store.ask({.switchover = Switchover{.id = "c", .to = "n3"}});
    EXPECT_TRUE(step().spec.switchover);
}

TEST_F(Membership, ARefusalOfTheRoleIsPublishedAndTheRequestRemoved) {
    step();
    lead();
    store.ask({.switchover = Switchover{.id = "a", .to = "n2"}});
    board.role.switchover = model::SwitchoverOutcome{"older", false, "no"};
    EXPECT_TRUE(step().spec.switchover) << "it speaks of another one";
    board.role.switchover = model::SwitchoverOutcome{"a", false, "node n2 is not heard of"};
    EXPECT_FALSE(step_after(1s).spec.switchover);
    EXPECT_FALSE(store.requests.spec.switchover);
    EXPECT_EQ(store.of("n1").switchover,
              (model::SwitchoverOutcome{"a", false, "node n2 is not heard of"}));
}

TEST_F(Membership, ARequestThatChangedMeanwhileIsJudgedInTheNextPass) {
    step();
    lead();
    store.ask({.switchover = Switchover{.id = "a", .to = "n1"}});
    store.before_write = [this] {
        store.ask({.paused = true, .switchover = Switchover{.id = "a", .to = "n1"}});
    };
    EXPECT_TRUE(step().spec.switchover);
    EXPECT_FALSE(step().spec.switchover);
    EXPECT_TRUE(store.requests.spec.paused) << "the pause was not undone";
    EXPECT_EQ(events.count("switchover.resolved"), 1);
}

const model::Condition& condition(const NodeStatus& status, model::ConditionType type) {
    return *std::find_if(status.conditions.begin(),
                         status.conditions.end(),
                         [type](const auto& each) { return each.type == type; });
}

// ---- what the warden says, and whether it does

TEST_F(Membership, TellsWhetherTheBackendIsContainedOnceItIsKnown) {
    const auto contained = [this] {
        return condition(status, model::ConditionType::backend_contained);
    };
    step();
    EXPECT_FALSE(contained().known);
    EXPECT_FALSE(contained().status);
    EXPECT_EQ(contained().reason, "NotReported");
    board.backend.contained = false;
    step_after(3s);
    EXPECT_TRUE(contained().known);
    EXPECT_FALSE(contained().status);
    EXPECT_EQ(contained().reason, "NoCgroup");
    EXPECT_THAT(contained().message, HasSubstr("would outlive a warden"));
    board.backend.contained = true;
    step_after(3s);
    EXPECT_TRUE(contained().status);
    EXPECT_EQ(contained().reason, "OwnCgroup");
}

// W7: it is no candidate, and what the node process had to do is for an operator.
TEST_F(Membership, ANodeWhoseWardenDoesNotAnswerIsNotFitAndSaysSo) {
    const auto answers = [this] { return condition(status, model::ConditionType::warden_answers); };
    board.replica.fit = true;
    board.backend.unfit_because.clear();
    board.store = {.identity = {.election = "e1", .state = "s1", .log = "l1"}};
    step();
    EXPECT_TRUE(answers().status);
    EXPECT_TRUE(status.fit) << status.unfit_because;
    board.warden.silent = true;
    step_after(3s);
    EXPECT_FALSE(answers().status);
    EXPECT_EQ(answers().reason, "Silent");
    EXPECT_FALSE(status.fit);
    EXPECT_THAT(status.unfit_because, HasSubstr("the warden does not answer"));
    EXPECT_EQ(status.alarm, "");
    board.warden.struck = "backend of pid 7 was killed";
    step_after(3s);
    EXPECT_EQ(answers().reason, "Replaced");
    EXPECT_THAT(status.alarm, HasSubstr("backend of pid 7 was killed"));
    board.warden = {};
    step_after(3s);
    EXPECT_TRUE(answers().status);
    EXPECT_TRUE(status.fit);
    EXPECT_EQ(status.alarm, "");
}

// ---- L12: one store

const model::Condition& agreed(const NodeStatus& status) {
    return condition(status, model::ConditionType::store_agreed);
}

TEST_F(Membership, ReportsWhichStoresDifferOnceAndTheEndOfIt) {
    board.store = {.identity = {.election = "e1", .state = "s1", .log = "l1"}};
    step();
    EXPECT_TRUE(agreed(status).status);
    EXPECT_EQ(agreed(status).reason, "OneStore");
    EXPECT_EQ(store.of("n1").store, board.store.identity);
    EXPECT_EQ(events.count("store.differs"), 0);

    board.store.differs = "nats://b:4222 is another store";
    board.store.kept_out = "role at nats://b:4222";
    for (int i = 0; i < 3; ++i)
        step_after(3s);
    EXPECT_EQ(events.count("store.differs"), 1);
    EXPECT_FALSE(agreed(store.of("n1")).status);
    EXPECT_EQ(agreed(status).reason, "StoresDiffer");
    EXPECT_THAT(agreed(status).message, HasSubstr("nats://b:4222 is another store"));
    EXPECT_THAT(agreed(status).message, HasSubstr("kept out: role at nats://b:4222"));

    // For a store whose log was read this is a wrong configuration, not an uncertainty.
    board.replica.log_created = "l1";
    step_after(3s);
    EXPECT_TRUE(agreed(status).status);
    EXPECT_EQ(agreed(status).reason, "OthersIgnored");
    EXPECT_THAT(agreed(status).message, HasSubstr("nats://b:4222 is another store"));
    EXPECT_EQ(events.count("store.differs"), 1);
    EXPECT_EQ(events.count("store.agreed"), 0);

    board.store.differs.clear();
    board.store.kept_out.clear();
    step_after(3s);
    EXPECT_EQ(events.count("store.agreed"), 1);
    EXPECT_EQ(agreed(status).message, "");
}

TEST_F(Membership, AServerThatIsNotComparedYetIsNoDifference) {
    board.replica.fit = true;
    board.backend.unfit_because.clear();
    board.store.identity.election = "e1";
    board.store.unconfirmed = "nats://b:4222 has not shown that it is the same store";
    step();
    EXPECT_FALSE(agreed(status).status);
    EXPECT_EQ(agreed(status).reason, "NotConfirmed");
    EXPECT_EQ(status.unfit_because, board.store.unconfirmed) << "nothing is handed over to it";
    EXPECT_FALSE(status.fit);
    EXPECT_EQ(events.count("store.differs"), 0);
    board.store = {};
    step_after(3s);
    EXPECT_EQ(agreed(status).reason, "NotFound");
}

TEST_F(Membership, ANodeThatUsesAnotherStoreIsNamed) {
    board.store.identity = {.election = "e1", .state = "s1", .log = "l1"};
    store.put({.node_id = "n2", .store = {.election = "e2", .state = "s2", .log = "l2"}});
    board.membership = step();
    step();
    EXPECT_EQ(agreed(status).reason, "StoresDiffer");
    EXPECT_THAT(agreed(status).message, HasSubstr("node n2 uses another store"));
    EXPECT_EQ(events.count("store.differs"), 1);
    store.put({.node_id = "n2", .store = board.store.identity});
    board.membership = step();
    step();
    EXPECT_EQ(agreed(status).reason, "OneStore");
    EXPECT_EQ(events.count("store.agreed"), 1);
}

// ---- leaving

TEST_F(Membership, LeavesWhenNothingOfItIsThereAnyMore) {
    step();
    lead();
    store.ask({.leave = {"n1"}});
    EXPECT_TRUE(step().claimed) << "the role hands over first";
    board.role.phase = Phase::follower;
    EXPECT_TRUE(step().claimed) << "its backend runs";
    board.backend.output.off = true;
    EXPECT_FALSE(step().claimed);
    EXPECT_THAT(store.entries, IsEmpty());
    EXPECT_EQ(events.count("membership.left"), 1);
}

TEST_F(Membership, WhoLeftComesBackByJoiningAlone) {
    step();
    store.ask({.leave = {"n1", "n3"}});
    step();
    EXPECT_FALSE(step_after(60s).claimed);
    EXPECT_THAT(store.entries, IsEmpty());
    store.ask({.leave = {"n3"}});
    step();
    EXPECT_TRUE(step().claimed);
    EXPECT_EQ(events.count("membership.claimed"), 2);
}

TEST_F(Membership, ALeaveThatIsNotCarriedOutIsTriedAgain) {
    step();
    store.ask({.leave = {"n1"}});
    auto rewritten = store.of("n1");
    store.put(rewritten);  // a revision that this node has not read
    EXPECT_TRUE(step_after(3s).claimed);
    EXPECT_FALSE(step_after(500ms).claimed);
    EXPECT_THAT(store.entries, IsEmpty());
}

TEST_F(Membership, TheLeaveOfAnotherIsNotItsOwn) {
    store.ask({.leave = {"n2"}});
    EXPECT_TRUE(step().claimed);
    EXPECT_THAT(step().spec.leave, ElementsAre("n2"));
}

}  // namespace
}  // namespace reconcilers::membership
