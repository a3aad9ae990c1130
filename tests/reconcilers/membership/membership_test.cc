// The membership reconciler: claiming the node id, publishing the status, the other nodes.
#include "reconcilers/membership/membership.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/reconcilers/membership/world.h"

namespace reconcilers::membership {
namespace {

using namespace membership_world;

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

}  // namespace
}  // namespace reconcilers::membership
