// Which servers a node's connections may use, on both sides of each boundary.
#include "reconcilers/store_guard.h"

#include <gmock/gmock.h>

namespace reconcilers {
namespace {

using model::Errc;
using model::StoreIdentity;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Verdict = StoreGuard::Verdict;

const StoreIdentity store_a{.election = "e1", .state = "s1", .log = "l1"};
const StoreIdentity store_b{.election = "e2", .state = "s2", .log = "l2"};
const StoreIdentity empty{.election = "", .state = "", .log = ""};
const StoreIdentity silent{};
const model::Error refused{Errc::unavailable, "Connection refused"};

/// A guard with two servers that have both been asked.
StoreGuard surveyed(const StoreIdentity& a, const StoreIdentity& b, const std::string& log = {}) {
    StoreGuard guard{{"a", "b"}, log};
    guard.surveyed(0, a, guard.round());
    guard.surveyed(1, b, guard.round());
    return guard;
}

Verdict verdict(StoreGuard& guard,
                StoreUse use,
                const std::string& server,
                const StoreIdentity& here) {
    return guard.reached(use, server, here, guard.round()).verdict;
}

TEST(StoreGuard, OneServerIsTheStoreWhateverIsInIt) {
    for (const auto& there : {store_a, store_b}) {
        StoreGuard guard{{"a"}, ""};
        for (const auto use : all_store_uses)
            EXPECT_EQ(verdict(guard, use, "a", there), Verdict::admitted);
        EXPECT_EQ(guard.view(), (ports::StoreView{.identity = there}));
        EXPECT_THAT(guard.to_survey(), IsEmpty());
    }
}

TEST(StoreGuard, TheFirstStreamIsMadeByOneConnectionAndFoundByTheOthers) {
    StoreGuard guard{{"a"}, ""};
    EXPECT_EQ(verdict(guard, StoreUse::control, "a", empty), Verdict::wait);
    EXPECT_EQ(verdict(guard, StoreUse::role, "a", empty), Verdict::admitted);
    EXPECT_EQ(verdict(guard, StoreUse::log, "a", empty), Verdict::wait);
    const StoreIdentity begun{.election = "e1", .state = "", .log = ""};
    EXPECT_EQ(verdict(guard, StoreUse::role, "a", begun), Verdict::admitted);
    EXPECT_EQ(verdict(guard, StoreUse::control, "a", empty), Verdict::leave) << "another server";
    EXPECT_EQ(verdict(guard, StoreUse::control, "a", begun), Verdict::admitted);
    EXPECT_EQ(verdict(guard, StoreUse::log, "a", store_a), Verdict::admitted);
    EXPECT_EQ(guard.view().identity, store_a);
}

// Found empty by one connection while another one created the first stream there.
TEST(StoreGuard, WhatWasReadBeforeAStoreWasKnownIsReadAgain) {
    StoreGuard guard{{"a", "b"}, ""};
    guard.surveyed(0, empty, guard.round());
    guard.surveyed(1, empty, guard.round());
    const auto before = guard.round();
    ASSERT_EQ(verdict(guard, StoreUse::role, "a", empty), Verdict::admitted);
    const StoreIdentity begun{.election = "e1", .state = "", .log = ""};
    ASSERT_EQ(verdict(guard, StoreUse::role, "a", begun), Verdict::admitted);
    EXPECT_EQ(guard.reached(StoreUse::control, "a", empty, before).verdict, Verdict::wait);
    guard.surveyed(0, empty, before);
    guard.surveyed(1, empty, before);
    EXPECT_EQ(guard.view().differs, "");
    EXPECT_EQ(verdict(guard, StoreUse::control, "a", begun), Verdict::admitted);
}

TEST(StoreGuard, AServerThatDoesNotAnswerForItsStreamsIsAskedAgain) {
    StoreGuard guard{{"a"}, ""};
    EXPECT_EQ(verdict(guard, StoreUse::role, "a", silent), Verdict::wait);
    EXPECT_EQ(verdict(guard, StoreUse::role, "a", store_a), Verdict::admitted);
    EXPECT_EQ(verdict(guard, StoreUse::log, "a", silent), Verdict::wait);
    // A stream that has no leader at the moment prevents nothing.
    EXPECT_EQ(verdict(guard, StoreUse::log, "a", {.election = "e1", .state = {}, .log = {}}),
              Verdict::admitted);
    EXPECT_EQ(guard.view().identity, store_a);
}

TEST(StoreGuard, AConnectionThatReachesAnotherStoreGoesOn) {
    auto guard = surveyed(store_a, store_a);
    ASSERT_EQ(verdict(guard, StoreUse::role, "a", store_a), Verdict::admitted);
    const auto answer = guard.reached(StoreUse::role, "b", store_b, guard.round());
    EXPECT_EQ(answer.verdict, Verdict::leave);
    EXPECT_THAT(answer.why, HasSubstr("b is another store"));
    EXPECT_THAT(answer.why, HasSubstr("e2"));
    EXPECT_THAT(guard.view().differs, HasSubstr("b is another store, with election of e2"));
    EXPECT_EQ(guard.view().kept_out, "role at b");
    EXPECT_EQ(guard.view().identity, store_a);
    EXPECT_THAT(guard.to_survey(), ElementsAre(0, 1)) << "does a still have it?";
    ASSERT_EQ(verdict(guard, StoreUse::role, "a", store_a), Verdict::admitted);
    EXPECT_NE(guard.view().differs, "") << "it is in the list";
    EXPECT_THAT(guard.to_survey(), ElementsAre(1));
    guard.surveyed(1, store_a, guard.round());
    EXPECT_EQ(guard.view(), (ports::StoreView{.identity = store_a}));
}

TEST(StoreGuard, AServerOfNoListIsReportedOnlyWhileAConnectionIsKeptOutThere) {
    StoreGuard guard{{"a"}, ""};
    ASSERT_EQ(verdict(guard, StoreUse::log, "a", store_a), Verdict::admitted);
    EXPECT_EQ(verdict(guard, StoreUse::log, "z", store_b), Verdict::leave);
    EXPECT_THAT(guard.view().differs, HasSubstr("z is another store"));
    EXPECT_EQ(guard.view().kept_out, "log at z");
    EXPECT_TRUE(guard.view().other_log);
    EXPECT_EQ(verdict(guard, StoreUse::log, "a", store_a), Verdict::admitted);
    EXPECT_EQ(guard.view().differs, "");
}

TEST(StoreGuard, OfSeveralServersEachIsAskedBeforeOneIsUsed) {
    StoreGuard guard{{"a", "b"}, ""};
    EXPECT_THAT(guard.to_survey(), ElementsAre(0, 1));
    EXPECT_EQ(verdict(guard, StoreUse::role, "b", store_b), Verdict::wait);
    guard.surveyed(0, store_a, guard.round());
    EXPECT_THAT(guard.to_survey(), IsEmpty());
    // Every node chooses the first server in the list that has a store.
    EXPECT_EQ(verdict(guard, StoreUse::role, "b", store_b), Verdict::leave);
    EXPECT_EQ(verdict(guard, StoreUse::role, "a", store_a), Verdict::admitted);
    EXPECT_THAT(guard.view().differs, HasSubstr("b"));
    EXPECT_TRUE(guard.view().other_log);
}

TEST(StoreGuard, WhoHasReadALogUsesItAtOnceWhateverElseThereIs) {
    StoreGuard guard{{"a", "b"}, "l2"};
    EXPECT_EQ(verdict(guard, StoreUse::role, "a", store_a), Verdict::leave);
    EXPECT_EQ(verdict(guard, StoreUse::role, "b", store_b), Verdict::admitted);
    EXPECT_EQ(guard.view().identity, store_b);
}

TEST(StoreGuard, AServerThatIsSilentIsNotYetTheSameStore) {
    StoreGuard guard{{"a", "b"}, ""};
    guard.surveyed(0, store_a, guard.round());
    guard.surveyed(1, refused, guard.round());
    EXPECT_EQ(verdict(guard, StoreUse::role, "a", store_a), Verdict::admitted);
    EXPECT_THAT(guard.view().unconfirmed, HasSubstr("b has not shown"));
    EXPECT_THAT(guard.view().unconfirmed, HasSubstr("Connection refused"));
    EXPECT_EQ(guard.view().differs, "");
    EXPECT_THAT(guard.to_survey(), ElementsAre(1));
    guard.surveyed(1, store_a, guard.round());
    EXPECT_EQ(guard.view().unconfirmed, "");
    EXPECT_THAT(guard.to_survey(), IsEmpty());
}

TEST(StoreGuard, ASilenceTakesNothingBack) {
    auto guard = surveyed(store_a, store_a);
    ASSERT_EQ(verdict(guard, StoreUse::role, "a", store_a), Verdict::admitted);
    guard.surveyed(1, refused, guard.round());
    guard.surveyed(1, silent, guard.round());
    EXPECT_EQ(guard.view().unconfirmed, "");
}

// Two empty servers look alike; the first stream distinguishes them.
TEST(StoreGuard, TwoEmptyServersAreComparedAgainOnceOneHasAStream) {
    auto guard = surveyed(empty, empty);
    EXPECT_THAT(guard.to_survey(), IsEmpty());
    ASSERT_EQ(verdict(guard, StoreUse::role, "a", empty), Verdict::admitted);
    const StoreIdentity begun{.election = "e1", .state = "", .log = ""};
    ASSERT_EQ(verdict(guard, StoreUse::role, "a", begun), Verdict::admitted);
    EXPECT_EQ(guard.view().differs, "") << "it was empty before that";
    EXPECT_THAT(guard.view().unconfirmed, HasSubstr("b"));
    EXPECT_THAT(guard.to_survey(), ElementsAre(1));
    guard.surveyed(1, empty, guard.round());
    EXPECT_THAT(guard.view().differs,
                HasSubstr("b is another store, with no stream of this cluster"));
    EXPECT_FALSE(guard.view().other_log);
    guard.surveyed(1, begun, guard.round());
    EXPECT_EQ(guard.view().differs, "");
    EXPECT_EQ(guard.view().unconfirmed, "");
}

TEST(StoreGuard, AStreamMadeAnewInItIsTakenOver) {
    StoreGuard guard{{"a"}, ""};
    ASSERT_EQ(verdict(guard, StoreUse::role, "a", store_a), Verdict::admitted);
    const StoreIdentity anew{.election = "e9", .state = "s1", .log = "l9"};
    EXPECT_EQ(verdict(guard, StoreUse::role, "a", anew), Verdict::admitted);
    EXPECT_EQ(guard.view().identity, anew);
}

/// So many refused connects, each followed by asking every server.
void refuse(StoreGuard& guard,
            int times,
            const std::string& server,
            const StoreIdentity& there,
            const std::vector<model::Result<StoreIdentity>>& others = {}) {
    for (int i = 0; i < times; ++i) {
        (void)guard.reached(StoreUse::control, server, there, guard.round());
        for (const auto index : guard.to_survey()) {
            if (index < others.size()) guard.surveyed(index, others[index], guard.round());
        }
    }
}

TEST(StoreGuard, AStoreThatIsNowhereAnyMoreIsGivenUpAfterAWhile) {
    for (const auto& there : {store_b, empty}) {
        StoreGuard guard{{"a"}, "l1"};
        refuse(guard, 5, "a", there);
        EXPECT_EQ(guard.view().identity.log, "l1");
        EXPECT_EQ(guard.given_up(), 0U);
        refuse(guard, 1, "a", there);
        EXPECT_EQ(guard.given_up(), 1U);
        EXPECT_EQ(verdict(guard, StoreUse::role, "a", there), Verdict::admitted);
        EXPECT_NE(guard.view().identity.log, "l1");
        EXPECT_EQ(guard.view().differs, "");
    }
}

TEST(StoreGuard, AStoreIsNotGivenUpWhileAServerMayStillHaveIt) {
    for (const model::Result<StoreIdentity>& of_a :
         {model::Result<StoreIdentity>{refused}, model::Result<StoreIdentity>{store_a}}) {
        StoreGuard guard{{"a", "b"}, "l1"};
        refuse(guard, 20, "b", store_b, {of_a, store_b});
        EXPECT_EQ(guard.given_up(), 0U);
        EXPECT_EQ(guard.view().identity.log, "l1");
    }
}

// Its streams were recreated while another connection was up.
TEST(StoreGuard, AStoreThatIsGoneUnderAConnectionIsGivenUp) {
    auto guard = surveyed(store_a, store_a);
    ASSERT_EQ(verdict(guard, StoreUse::role, "a", store_a), Verdict::admitted);
    refuse(guard, 20, "b", store_b, {store_a, store_b});
    EXPECT_EQ(guard.given_up(), 0U) << "a has it";
    refuse(guard, 2, "b", store_b, {store_b, store_b});
    EXPECT_EQ(guard.given_up(), 1U);
    EXPECT_EQ(guard.view().identity, store_b);
    EXPECT_EQ(guard.view().differs, "");
}

}  // namespace
}  // namespace reconcilers
