// Which servers a command may use: both sides of each boundary.
#include "reconcilers/store_choice.h"

#include <gmock/gmock.h>

namespace reconcilers {
namespace {

using model::StoreIdentity;
using testing::ElementsAre;
using testing::HasSubstr;
using Verdict = StoreChoice::Verdict;
using Found = model::Result<StoreIdentity>;

const StoreIdentity store_a{.election = "e1", .state = "s1", .log = "l1"};
const StoreIdentity store_b{.election = "e2", .state = "s2", .log = "l2"};
const StoreIdentity empty{.election = "", .state = "", .log = ""};
const model::Error away{model::Errc::unavailable, "Connection refused"};

StoreChoice choose(const std::vector<Found>& found, const std::string& log = {}) {
    std::vector<ServerAnswer> servers;
    for (const auto& each : found) {
        servers.push_back(
            {.name = std::string(1, static_cast<char>('a' + servers.size())), .found = each});
    }
    return choose_store(servers, log);
}

TEST(StoreChoice, ServersOfOneStoreAreUsedAll) {
    const auto choice = choose({store_a, store_a, store_a});
    EXPECT_EQ(choice.verdict, Verdict::use);
    EXPECT_THAT(choice.servers, ElementsAre(0, 1, 2));
    EXPECT_EQ(choice.identity, store_a);
}

TEST(StoreChoice, ServersOfTwoStoresAreRefusedAndNamed) {
    for (const auto& other : {store_b, empty}) {
        for (const auto& found : {std::vector<Found>{store_a, other}, {other, store_a}}) {
            const auto choice = choose(found);
            EXPECT_EQ(choice.verdict, Verdict::refuse);
            EXPECT_THAT(choice.why, HasSubstr("are not one store"));
            EXPECT_THAT(choice.why, HasSubstr("a has "));
            EXPECT_THAT(choice.why, HasSubstr("b has "));
            EXPECT_THAT(choice.why, HasSubstr("--nats"));
        }
    }
}

TEST(StoreChoice, WhatThisNodeHasReadTellsWhichIsTheClusters) {
    const auto choice = choose({store_b, store_a, empty}, "l1");
    EXPECT_EQ(choice.verdict, Verdict::use);
    EXPECT_THAT(choice.servers, ElementsAre(1));
    EXPECT_EQ(choice.identity, store_a);
}

TEST(StoreChoice, AStoreThatNoServerHasAnyMoreIsForgotten) {
    EXPECT_EQ(choose({store_b, store_b}, "l1").verdict, Verdict::use);
    EXPECT_EQ(choose({store_b, empty}, "l1").verdict, Verdict::refuse);
    // Unless it may be at the one that does not answer.
    const auto choice = choose({store_b, away}, "l1");
    EXPECT_EQ(choice.verdict, Verdict::refuse);
    EXPECT_THAT(choice.why, HasSubstr("b does not answer (Connection refused)"));
}

TEST(StoreChoice, AServerThatIsAwayIsNoReasonToRefuse) {
    for (const auto* const log : {"", "l1"}) {
        const auto choice = choose({away, store_a}, log);
        EXPECT_EQ(choice.verdict, Verdict::use);
        EXPECT_THAT(choice.servers, ElementsAre(1, 0)) << "the one that is known first";
        EXPECT_EQ(choice.identity, store_a);
    }
    const auto nobody = choose({away, away});
    EXPECT_EQ(nobody.verdict, Verdict::silent);
    EXPECT_THAT(nobody.why, HasSubstr("a does not answer (Connection refused)"));
}

TEST(StoreChoice, OfServersWithoutAnyStreamEachMayBeUsed) {
    const auto choice = choose({empty, empty});
    EXPECT_EQ(choice.verdict, Verdict::use);
    EXPECT_THAT(choice.servers, ElementsAre(0, 1));
    EXPECT_FALSE(choice.identity.any_stream());
}

// A stream whose leader is away for a moment says nothing against its server.
TEST(StoreChoice, WhatIsKnownInPartIsEnoughWhereItMatches) {
    const StoreIdentity part{.election = "e1", .state = {}, .log = {}};
    const StoreIdentity rest{.election = {}, .state = {}, .log = "l1"};
    EXPECT_EQ(choose({part, store_a}).verdict, Verdict::use);
    const auto choice = choose({part, rest});
    EXPECT_EQ(choice.verdict, Verdict::use);
    EXPECT_THAT(choice.servers, ElementsAre(0, 1));
    EXPECT_EQ(choose({part, store_b}).verdict, Verdict::refuse);
}

}  // namespace
}  // namespace reconcilers
