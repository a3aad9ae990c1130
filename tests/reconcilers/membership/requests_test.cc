// The membership reconciler: operators' requests, leaving.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "reconcilers/membership/membership.h"
#include "tests/reconcilers/membership/world.h"

namespace reconcilers::membership {
namespace {

using namespace membership_world;

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
