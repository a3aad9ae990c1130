#include "config/parse.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/config/input.h"

namespace config {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

TEST(ConfigParse, EachWrongTypeIsNamed) {
    for (const auto& key : keys()) {
        if (key.path.find('<') != std::string_view::npos ||
            key.path.find('[') != std::string_view::npos) {
            continue;
        }
        Input given = input();
        // No key accepts a fraction.
        set(given.root, key.path, {1.5});
        EXPECT_THAT(errors(given), Contains(HasSubstr(std::string{key.path} + " = "))) << key.path;
    }
}

TEST(ConfigParse, NumbersBeyondTheirRangeAreRefusedAndWholeFractionsAreNumbers) {
    const auto port = [](Value value) {
        return errors(input({{"services.http.port", std::move(value)}}));
    };
    EXPECT_THAT(port(number(1)), IsEmpty());
    EXPECT_THAT(port(number(65535)), IsEmpty());
    EXPECT_THAT(port({8080.0}), IsEmpty());
    EXPECT_THAT(port(number(0)), Not(IsEmpty()));
    EXPECT_THAT(port(number(65536)), Not(IsEmpty()));
    EXPECT_THAT(port({1e300}), Not(IsEmpty()));
    EXPECT_THAT(port({80.5}), Not(IsEmpty()));
}

TEST(ConfigParse, GoClustersNamesAreAccepted) {
    const auto outcome = build(input(
        {{"election.leaseTtlMs", number(20000)}, {"election.renewIntervalMs", number(5000)}}));
    EXPECT_THAT(texts(outcome.errors), IsEmpty());
    EXPECT_THAT(texts(outcome.warnings), IsEmpty());
    EXPECT_EQ(outcome.config.election.timing.ttl, 20s);
    EXPECT_EQ(outcome.config.election.timing.heartbeat, 5s);
}

TEST(ConfigParse, TwoNamesOfOneKeyMustAgree) {
    const auto with = [](std::int64_t ttl) {
        return errors(
            input({{"election.leaderTtlMs", number(20000)}, {"election.leaseTtlMs", number(ttl)}}));
    };
    EXPECT_THAT(with(20000), IsEmpty());
    EXPECT_THAT(with(15000), Contains(HasSubstr("two names")));
}

TEST(ConfigParse, TwoNamesOfASecretMustAgreeToo) {
    const auto with = [](const char* password) {
        return errors(input({{"nats.user", text("u")},
                             {"nats.password", text("geheim")},
                             {"nats.Password", text(password)}}));
    };
    EXPECT_THAT(with("geheim"), IsEmpty());
    const auto differ = with("anders");
    EXPECT_THAT(differ, Contains(HasSubstr("two names")));
    EXPECT_THAT(differ, Not(Contains(HasSubstr("anders"))));
}

// defects.md C31
TEST(ConfigParse, AnUnknownKeyIsWarnedAboutWithTheNearestKnownOne) {
    const auto outcome = build(input({{"election.leaderTttMs", number(1)},
                                      {"wal.dataPath", text("/x")},
                                      {"qqqqqqqqqqqq", text("x")},
                                      {"backend.process.comand", text("x")},
                                      {"elections.leaderTtlMs", number(1)}}));
    EXPECT_THAT(texts(outcome.errors), IsEmpty());
    EXPECT_THAT(texts(outcome.warnings),
                testing::UnorderedElementsAre(HasSubstr("did you mean election.leaderTtlMs?"),
                                              HasSubstr("did you mean backend.dataPath?"),
                                              HasSubstr("qqqqqqqqqqqq is no key that is known"),
                                              HasSubstr("did you mean backend.process.command?"),
                                              HasSubstr("did you mean election?")));
}

// Another program's file: suggestions cost time, and nobody reads so many.
TEST(ConfigParse, GuessesEndWhereNearlyNothingIsKnown) {
    auto given = input();
    for (int i = 10; i < 40; ++i)
        set(given.root, "nodeId" + std::to_string(i), number(1));
    const auto warnings = texts(build(given).warnings);
    EXPECT_EQ(warnings.size(), 30U);
    EXPECT_THAT(warnings.front(), HasSubstr("did you mean nodeId?"));
    EXPECT_THAT(warnings.back(), HasSubstr("is no key that is known, and is ignored"));
    EXPECT_THAT(warnings.back(), Not(HasSubstr("did you mean")));
}

TEST(ConfigParse, AKeyInAnotherCaseCountsAsItDidInGo) {
    const auto outcome = build(input({{"Election.LeaderTTLMs", number(20000)}}));
    EXPECT_EQ(outcome.config.election.timing.ttl, 20s);
    EXPECT_THAT(texts(outcome.warnings),
                Contains(HasSubstr("is taken for election.leaderTtlMs; write it so")));

    const Value vip{Map{{"address", text("192.0.2.7")}, {"interface", text("eth0")}}};
    const auto list = build(input({{"VIPs", {List{vip}}}}));
    ASSERT_EQ(list.config.vips.size(), 1U);
    EXPECT_EQ(list.config.vips[0].address, "192.0.2.7");
    EXPECT_THAT(texts(list.warnings), Contains(HasSubstr("VIPs is taken for vips; write it so")));
}

TEST(ConfigParse, WhatIsNotActiveIsCheckedAndNamed) {
    const auto outcome = build(input({{"wal.maxLagMs", number(100)}}));
    EXPECT_THAT(texts(outcome.errors), IsEmpty());
    EXPECT_THAT(texts(outcome.warnings),
                ElementsAre(HasSubstr("wal.maxLagMs = 100: is not active in this version")));
    EXPECT_THAT(errors(input({{"wal.maxLagMs", text("100")}})),
                ElementsAre(HasSubstr("is text, and a number belongs here")));
}

TEST(ConfigParse, NullLeavesTheDefault) {
    const auto outcome = build(input({{"election.leaderTtlMs", {}}, {"vip", {}}}));
    EXPECT_THAT(texts(outcome.errors), IsEmpty());
    EXPECT_EQ(outcome.config.election.timing.ttl, 10s);
}

TEST(ConfigParse, AFileThatHoldsNoObjectIsRefused) {
    Input given{.file = "c.json", .root = {List{}}, .overrides = {}};
    EXPECT_THAT(errors(given), Contains(HasSubstr("must hold one object")));
    set(given.root = {}, "election", number(3));
    EXPECT_THAT(errors(given), Contains(HasSubstr("election = 3: is a number, and an object")));
}

TEST(ConfigParse, AProblemNamesFileLineKeyValueAndReason) {
    auto given = input();
    set(given.root, "election.priority", {std::int64_t{-1}, 12});
    EXPECT_THAT(errors(given),
                ElementsAre("c.json:12: election.priority = -1: must lie from 0 to 1000000"));
}

TEST(ConfigParse, SecretsNeverStandInAMessage) {
    const auto given = input(
        {{"nats.password", number(4711)},
         {"nats.user", text("u")},
         {"nats.servers", {List{text("http://u:4711@a"), text("nats://u:4711%@a"), number(1)}}},
         {"backend.process.env", {Map{{"TOKEN", number(4711)}}}}});
    const auto outcome = build(given);
    EXPECT_EQ(outcome.errors.size(), 4U);
    for (const auto& message : texts(outcome.errors))
        EXPECT_THAT(message, Not(HasSubstr("4711")));
}

TEST(ConfigParse, SecretsInTheWrongPlaceDoNotEither) {
    const Value inner{Map{{"password", text("4711")}, {"env", {Map{{"TOKEN", text("4711")}}}}}};
    Input whole{.file = "c.json", .root = {List{{inner}}}, .overrides = {}};
    for (const auto& given : {whole,
                              input({{"nats", {List{inner}}}}),
                              input({{"backend.process", {List{inner}}}}),
                              input({{"nats.servers", inner}}),
                              input({{"nats.tls.ca", inner}}),
                              input({{"vips", text("nats://u:4711@a")}}),
                              input({{"backend.healthEndpoint", text("http://u:4711@a")}})}) {
        const auto messages = errors(given);
        EXPECT_FALSE(messages.empty());
        for (const auto& message : messages)
            EXPECT_THAT(message, Not(HasSubstr("4711")));
    }
}

}  // namespace
}  // namespace config
