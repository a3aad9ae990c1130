// The membership reconciler: what it publishes of the warden and of the store.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "reconcilers/membership/membership.h"
#include "tests/reconcilers/membership/world.h"

namespace reconcilers::membership {
namespace {

using namespace membership_world;

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

}  // namespace
}  // namespace reconcilers::membership
