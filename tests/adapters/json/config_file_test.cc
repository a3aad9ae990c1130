#include "adapters/json/config_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace adapters::json {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

std::string parse_error(std::string_view text) {
    const auto parsed = parse_config(text, "c.json");
    return parsed ? "" : parsed.error().message;
}

constexpr const char* least = R"({
  "clusterId": "prod", // of the cluster
  "nodeId": "n1",
  "nats": {"servers": ["nats://a:4222"]},
  /* a comment
     over two lines */
  "backend": {"process": {"command": ["/b"]}, "dataPath": "/d/db"},
  "election": {
    "leaderTtlMs": 9000
  }
})";

config::Outcome built(std::string_view text) {
    auto outcome = build_config(text, "c.json", {});
    EXPECT_TRUE(outcome) << outcome.error().message;
    return outcome ? *std::move(outcome) : config::Outcome{};
}

TEST(ConfigFile, IsReadWithItsComments) {
    const auto outcome = built(least);
    EXPECT_EQ(to_text(outcome.errors), "");
    EXPECT_EQ(outcome.config.cluster_id, "prod");
    EXPECT_EQ(outcome.config.backend.data_path, "/d/db");
    EXPECT_EQ(outcome.config.election.timing.ttl, 9s);
    EXPECT_THAT(outcome.warnings, IsEmpty());
}

// Regression: this took minutes.
TEST(ConfigFile, ALargeOneIsReadInATimeThatGrowsWithItsSize) {
    std::string keys = "{\"k\": 1";
    for (int i = 0; keys.size() < 2'000'000; ++i)
        keys += ", \"k" + std::to_string(i) + "\": 1";
    EXPECT_TRUE(parse_config(keys + "}", "c.json"));

    const std::string vip = R"({"address": "192.0.2.7", "interface": "e"})";
    std::string vips = vip;
    std::string services = "\"s\": {\"port\": 1}";
    for (int i = 0; i < 5'000; ++i) {
        vips += ", " + vip;
        services += ", \"s" + std::to_string(i) + "\": {\"port\": 1}";
    }
    const auto outcome = built("{\"vips\": [" + vips + "], \"services\": {" + services + "}}");
    EXPECT_EQ(outcome.config.services.size(), 5'001U);
    EXPECT_EQ(outcome.config.vips.size(), 5'001U);
}

TEST(ConfigFile, ThePublishedExampleOfTheGoManagerLoads) {
    const auto outcome = built(R"({
  "clusterId": "my-cluster", "nodeId": "node-1",
  "nats": {"servers": ["nats://nats-1:4222", "nats://nats-2:4222"], "credentials": ""},
  "vip": {"address": "192.168.1.100", "netmask": 24, "interface": "eth0"},
  "election": {"leaderTtlMs": 10000, "heartbeatIntervalMs": 3000},
  "wal": {"streamRetention": "24h", "snapshotIntervalMs": 3600000, "replicaPath": "/var/lib/c/r"},
  "backend": {"serviceName": "convex-backend", "healthEndpoint": "http://localhost:3210/version",
              "dataPath": "/var/lib/c/d"},
  "services": {"http": {"port": 3210, "path": "/", "metadata": {"a": "b"}, "tags": ["x"]}}
})");
    EXPECT_EQ(to_text(outcome.errors), "");
    EXPECT_THAT(outcome.warnings, Not(IsEmpty()));
}

TEST(ConfigFile, EachProblemStandsOnALineWithFileAndLine) {
    const auto text = to_text(
        built("{\"clusterId\": \"a\",\n\"nodeId\": 7,\n\n\"nats\": {\n\"servers\": 1}}").errors);
    EXPECT_THAT(text, testing::StartsWith("c.json:2: nodeId = 7: "));
    EXPECT_THAT(text, HasSubstr("\nc.json:5: nats.servers = 1: "));
}

TEST(ConfigFile, FlagsCountMoreThanItSays) {
    const auto outcome = build_config(least, "c.json", {{"flag", "nodeId", {std::string{"f"}}}});
    ASSERT_TRUE(outcome);
    EXPECT_EQ(outcome->config.node_id, "f");
    EXPECT_FALSE(build_config("{", "c.json", {}));
}

TEST(ConfigText, AnErrorSaysAtWhichLineAndColumn) {
    EXPECT_THAT(parse_error("{\n  \"a\": 1,\n  \"b\" 2\n}"), testing::StartsWith("c.json:3:7: "));
    EXPECT_THAT(parse_error(""), testing::StartsWith("c.json:1:1: "));
    EXPECT_THAT(parse_error("{\"a\": 1e999}"), HasSubstr("too large"));
    EXPECT_THAT(parse_error("{\"a\": 1, \"a\": 2}"), HasSubstr("\"a\" is given twice"));
    EXPECT_THAT(parse_error("{\"a\": \"\xFF\"}"), Not(IsEmpty()));
    EXPECT_THAT(parse_error("{} {}"), Not(IsEmpty()));
}

TEST(ConfigText, ACommaTooManyIsNamedWithItsPlaceAndWhatToDo) {
    const auto at = [](const char* place) {
        return "c.json:" + std::string{place} + ": this comma separates nothing: remove the comma";
    };
    EXPECT_EQ(parse_error("{\"a\": 1,}"), at("1:8"));
    EXPECT_EQ(parse_error("{\n  \"a\": [1, 2,\n  ]\n}"), at("2:13"));
    EXPECT_EQ(parse_error("{\n  \"a\": \"x,]\\\"\", // one, or two,\n  /* more, */\n}"),
              at("2:15"));
    EXPECT_EQ(parse_error("{\"a\": {\"b\": 1},\n\n}\n"), at("1:15"));
    EXPECT_EQ(parse_error("{,\"a\": 1}"), at("1:2"));
    EXPECT_EQ(parse_error("{\"a\": [1,, 2]}"), at("1:10"));
    EXPECT_EQ(parse_error("[,]"), at("1:2"));
    EXPECT_EQ(parse_error("{\"a\": 1},\n"), at("1:9"));
    EXPECT_EQ(parse_error("{\"a\": 1,,}"), at("1:9"));
}

TEST(ConfigText, OnlyACommaIsCalledOne) {
    for (const auto* text : {"{\"a\": 1 \"b\"}",
                             "{\"a\",}",
                             "{\"a\":,}",
                             "{\"a\": \",\"",
                             "{\"a\": 1, // }\n",
                             "{\"a\": 1, \"b,}",
                             "{\"a\": 1, /* }",
                             "{\"a\": 1,",
                             ",",
                             "[1, \"\\]",
                             "[1, \"\\,\"]",
                             "[1, /]",
                             "{} ]"}) {
        EXPECT_THAT(parse_error(text), Not(IsEmpty())) << text;
        EXPECT_THAT(parse_error(text), Not(HasSubstr("separates"))) << text;
    }
}

TEST(ConfigText, DepthHasALimit) {
    const auto nested = [](std::size_t depth) {
        return parse_error(std::string(depth, '[') + std::string(depth, ']'));
    };
    EXPECT_THAT(nested(64), IsEmpty());
    EXPECT_THAT(nested(65), HasSubstr("64 deep"));
    EXPECT_THAT(nested(1'000'000), HasSubstr("64 deep"));
}

TEST(ConfigText, NumbersBeyond64BitsAreNotMistaken) {
    const auto parsed = parse_config("18446744073709551615", "c.json");
    ASSERT_TRUE(parsed);
    EXPECT_TRUE(std::holds_alternative<double>(parsed->data));
    EXPECT_EQ(std::get<std::int64_t>(parse_config("-5", "c.json")->data), -5);
}

TEST(ConfigText, AByteOrderMarkIsNoReasonToRefuseAFile) {
    EXPECT_THAT(parse_error("\xEF\xBB\xBF{}"), IsEmpty());
}

TEST(ConfigText, NoBeginningOfAFileCrashes) {
    const std::string_view text = least;
    for (std::size_t length = 0; length < text.size(); ++length)
        EXPECT_THAT(parse_error(text.substr(0, length)), Not(IsEmpty())) << length;
}

}  // namespace
}  // namespace adapters::json
