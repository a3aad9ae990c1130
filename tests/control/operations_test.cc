// Both sides of each rule in control/operations.
#include "control/operations.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/result.h"

namespace control {
namespace {

using model::Errc;
using model::Spec;
using test_support::code_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const Switchover to_n2{.id = "a", .to = "n2"};
const Switchover from_n1{.id = "a", .from = "n1"};
const Seen seen{.leader = "n1", .members = {"n1", "n2", "n3"}, .answering = {"n1", "n2"}};

TEST(RequestSwitchover, IsWhatStandsThen) {
    for (const auto& request : {to_n2,
                                from_n1,
                                Switchover{.id = "a", .to = "n2", .from = "n1"},
                                Switchover{.id = "a", .to = "n2", .force = true}}) {
        const auto spec = request_switchover({.leave = {"n9"}}, request);
        ASSERT_TRUE(spec) << spec.error().message;
        EXPECT_EQ(spec->switchover, request);
        EXPECT_THAT(spec->leave, ElementsAre("n9"));
    }
}

TEST(RequestSwitchover, OfItsOwnTwiceIsOnce) {
    const Spec spec{.switchover = to_n2};
    EXPECT_EQ(*request_switchover(spec, to_n2), spec);
}

TEST(RequestSwitchover, OfAPausedClusterIsRefused) {
    const auto refused = request_switchover({.paused = true}, to_n2);
    EXPECT_EQ(code_of(refused), Errc::conflict);
    EXPECT_EQ(refused.error().message, "the cluster is paused; resume it first");
    EXPECT_TRUE(request_switchover({.paused = false}, to_n2));
    // A request made before the pause is not refused when repeated.
    const Spec before{.paused = true, .switchover = to_n2};
    EXPECT_EQ(*request_switchover(before, to_n2), before);
}

TEST(RequestSwitchover, OfAnotherOperatorForTheSameIsJoined) {
    const Spec before{.switchover = Switchover{.id = "other", .to = "n2"}};
    EXPECT_EQ(*request_switchover(before, to_n2), before);
    const Spec away{.switchover = Switchover{.id = "other", .from = "n1"}};
    EXPECT_EQ(*request_switchover(away, from_n1), away);
}

TEST(RequestSwitchover, OfAnotherOperatorForSomethingElseStaysAndIsNamed) {
    const struct {
        Switchover other;
        const char* named;
    } cases[] = {
        {{.id = "other", .to = "n3"}, "another switchover is under way to n3 (request other)"},
        {{.id = "other", .from = "n2"}, "under way away from n2 (request other)"},
        {{.id = "other", .to = "n2", .from = "n1"}, "under way from n1 to n2 (request other)"},
        {{.id = "other", .to = "n2", .force = true}, "under way to n2 (request other)"},
    };
    for (const auto& [other, named] : cases) {
        const auto refused = request_switchover({.switchover = other}, to_n2);
        EXPECT_EQ(code_of(refused), Errc::conflict) << named;
        EXPECT_THAT(refused.error().message, HasSubstr(named));
    }
}

TEST(RequestSwitchover, ToANodeThatIsLeavingIsRefused) {
    const auto refused = request_switchover({.leave = {"n2"}}, to_n2);
    EXPECT_EQ(code_of(refused), Errc::conflict);
    EXPECT_THAT(refused.error().message, HasSubstr("n2 was asked to leave"));
    EXPECT_TRUE(request_switchover({.leave = {"n3"}}, to_n2));
    // Moving the lease away from a node that is leaving is what the leave requires anyway.
    EXPECT_TRUE(request_switchover({.leave = {"n1"}}, from_n1));
}

TEST(RequestSwitchover, ThatNobodyCanFulfilIsRefused) {
    for (const auto& request : {Switchover{.to = "n2"},
                                Switchover{.id = "a"},
                                Switchover{.id = "a", .to = "n1", .from = "n1"},
                                Switchover{.id = "a", .to = "n 2"},
                                Switchover{.id = "a", .to = "n2", .from = "*"}})
        EXPECT_EQ(code_of(request_switchover({}, request)), Errc::invalid)
            << request.id << " " << request.to << " " << request.from;
}

TEST(ForceFailover, IsForcedAndTakesThePlaceOfAnother) {
    const Switchover forced{.id = "f", .to = "n2", .force = true};
    const Seen dead{.leader = "n1", .members = {"n1", "n2"}, .answering = {"n2"}};
    for (const auto& before : {Spec{}, Spec{.switchover = Switchover{.id = "o", .to = "n3"}}}) {
        const auto spec = force_failover(before, forced, dead);
        ASSERT_TRUE(spec) << spec.error().message;
        EXPECT_EQ(spec->switchover, forced);
        EXPECT_EQ(*force_failover(*spec, forced, dead), *spec);
    }
    EXPECT_TRUE(force_failover({}, forced, {.leader = "", .members = {"n2"}}));
    EXPECT_TRUE(
        force_failover({}, forced, {.leader = "n2", .members = {"n2"}, .answering = {"n2"}}));
}

TEST(ForceFailover, IsRefusedWhereALeaderAnswersOrTheNodeMayNot) {
    const Switchover forced{.id = "f", .to = "n2", .force = true};
    EXPECT_EQ(code_of(force_failover({}, forced, seen)), Errc::conflict);
    const Seen dead{.leader = "n1", .members = {"n1", "n2"}, .answering = {"n2"}};
    EXPECT_EQ(code_of(force_failover({.paused = true}, forced, dead)), Errc::conflict);
    EXPECT_EQ(code_of(force_failover({.leave = {"n2"}}, forced, dead)), Errc::conflict);
    EXPECT_EQ(code_of(force_failover({}, forced, {.members = {"n1"}})), Errc::not_found);
    EXPECT_EQ(code_of(force_failover({}, to_n2, dead)), Errc::invalid);
    const Switchover nowhere{.id = "f", .from = "n1", .force = true};
    EXPECT_EQ(code_of(force_failover({}, nowhere, dead)), Errc::invalid);
}

TEST(WithdrawSwitchover, TakesBackTheOneOfThisIdAlone) {
    const Spec spec{.paused = true, .switchover = to_n2};
    EXPECT_EQ(*withdraw_switchover(spec, "a"), (Spec{.paused = true}));
    EXPECT_EQ(*withdraw_switchover(spec, "b"), spec);
    EXPECT_EQ(*withdraw_switchover({}, "a"), Spec{});
}

TEST(Leave, OfAMemberIsAskedForOnce) {
    const auto spec = leave({.leave = {"n9"}}, "n2", seen);
    ASSERT_TRUE(spec);
    EXPECT_THAT(spec->leave, ElementsAre("n9", "n2"));
    EXPECT_EQ(*leave(*spec, "n2", seen), *spec);
    // Its status is gone once it has left; the request stays until it joins again.
    EXPECT_EQ(*leave(*spec, "n9", seen), *spec);
}

TEST(Leave, OfANodeThatThereIsNotIsRefused) {
    const auto refused = leave({}, "n4", seen);
    EXPECT_EQ(code_of(refused), Errc::not_found);
    EXPECT_EQ(refused.error().message, "no node \"n4\" is a member of this cluster");
}

TEST(Leave, OfTheLeaderOfAPausedClusterIsRefused) {
    const auto refused = leave({.paused = true}, "n1", seen);
    EXPECT_EQ(code_of(refused), Errc::conflict);
    EXPECT_THAT(refused.error().message, HasSubstr("paused"));
    EXPECT_TRUE(leave({.paused = true}, "n2", seen));
    EXPECT_TRUE(leave({.paused = false}, "n1", seen));
}

TEST(Join, TakesBackALeave) {
    EXPECT_THAT(join({.leave = {"n2", "n3"}}, "n2")->leave, ElementsAre("n3"));
    EXPECT_THAT(join({.leave = {"n3"}}, "n2")->leave, ElementsAre("n3"));
}

TEST(Remove, OfOneThatDiedLetsItIdleShouldItComeBack) {
    const auto spec = remove({}, "n3", seen);
    ASSERT_TRUE(spec) << spec.error().message;
    EXPECT_THAT(spec->leave, ElementsAre("n3"));
    EXPECT_EQ(*remove(*spec, "n3", seen), *spec);
    EXPECT_EQ(*remove(*spec, "n3", {.leader = "n1", .members = {"n1", "n2"}}), *spec);
    EXPECT_THAT(join(*spec, "n3")->leave, IsEmpty());
    EXPECT_TRUE(remove({.paused = true}, "n3", seen));
}

TEST(Remove, OfOneThatLivesOrLeadsOrIsNotThereIsRefused) {
    EXPECT_EQ(code_of(remove({}, "n2", seen)), Errc::conflict);
    EXPECT_THAT(remove({}, "n2", seen).error().message, HasSubstr("the daemon of n2 answers"));
    auto silent = seen;
    silent.answering.clear();
    EXPECT_EQ(code_of(remove({}, "n1", silent)), Errc::conflict);
    EXPECT_THAT(remove({}, "n1", silent).error().message, HasSubstr("n1 leads"));
    silent.leader = "n2";
    EXPECT_TRUE(remove({}, "n1", silent));
    EXPECT_EQ(code_of(remove({}, "n4", seen)), Errc::not_found);
}

TEST(Pause, AndResumeAreUndoneByEachOther) {
    const auto paused = pause({.leave = {"n2"}});
    ASSERT_TRUE(paused);
    EXPECT_EQ(*paused, (Spec{.paused = true, .leave = {"n2"}}));
    EXPECT_EQ(*pause(*paused), *paused);
    EXPECT_EQ(*resume(*paused), (Spec{.leave = {"n2"}}));
    EXPECT_EQ(*resume(Spec{}), Spec{});
}

TEST(Pause, InTheMiddleOfASwitchoverIsRefused) {
    const auto refused = pause({.switchover = to_n2});
    EXPECT_EQ(code_of(refused), Errc::conflict);
    EXPECT_THAT(refused.error().message, HasSubstr("to n2 (request a)"));
    const Spec both{.paused = true, .switchover = to_n2};
    EXPECT_EQ(*pause(both), both);
}

TEST(HandedOver, IsWhereTheLeaseIsWhereItShallBe) {
    EXPECT_TRUE(handed_over(to_n2, "n2"));
    EXPECT_FALSE(handed_over(to_n2, "n1"));
    EXPECT_FALSE(handed_over(to_n2, ""));  // under way
    EXPECT_TRUE(handed_over(from_n1, "n2"));
    EXPECT_TRUE(handed_over(from_n1, ""));
    EXPECT_FALSE(handed_over(from_n1, "n1"));
}

// Fields written by a newer version survive a request made with an older one.
TEST(Operations, KeepWhatTheyDoNotKnow) {
    const Spec newer{.switchover = to_n2, .leave = {"n3"}, .unknown_fields = R"({"config":{}})"};
    for (const auto& spec : {withdraw_switchover(newer, "a"),
                             join(newer, "n3"),
                             leave(newer, "n2", seen),
                             remove(newer, "n3", seen),
                             resume(newer)}) {
        ASSERT_TRUE(spec);
        EXPECT_EQ(spec->unknown_fields, newer.unknown_fields);
    }
}

}  // namespace
}  // namespace control
