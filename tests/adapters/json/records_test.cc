#include "adapters/json/records.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "api/pages.h"
#include "tests/adapters/json/sample_records.h"

namespace adapters::json {
namespace {

using model::Errc;
using samples::lease;
using samples::spec;
using samples::status;
using ::testing::HasSubstr;

TEST(LeaseRecord, SurvivesItsText) {
    const auto decoded = decode_lease(encode(lease()));
    ASSERT_TRUE(decoded) << decoded.error().message;
    EXPECT_EQ(*decoded, lease());
}

TEST(LeaseRecord, FieldsOfSomebodyNewerAreKept) {
    auto text = encode(lease());
    text.insert(1, R"("future":{"a":[1,2.5,null]},)");
    const auto decoded = decode_lease(text);
    ASSERT_TRUE(decoded);
    EXPECT_EQ(decoded->unknown_fields, R"({"future":{"a":[1,2.5,null]}})");
    EXPECT_EQ(*decode_lease(encode(*decoded)), *decoded);
}

TEST(LeaseRecord, UnknownFieldsNeverReplaceKnownOnes) {
    auto record = lease();
    record.unknown_fields = R"({"epoch":1})";
    EXPECT_EQ(decode_lease(encode(record))->epoch, record.epoch);
    record.unknown_fields = "garbage";
    EXPECT_EQ(decode_lease(encode(record))->node_id, record.node_id);
}

TEST(LeaseRecord, ABareNodeIdIsAForeignLeader) {
    for (const auto* id : {"node-1", "n.1", "42", "true", "null"}) {
        const auto decoded = decode_lease(id);
        ASSERT_TRUE(decoded) << id;
        EXPECT_EQ(decoded->node_id, id);
        EXPECT_EQ(decoded->epoch, model::Epoch{0});
        EXPECT_TRUE(decoded->nonce.empty());
    }
}

TEST(LeaseRecord, WhatCannotBeReadIsCorruptAndNamesTheKey) {
    const auto with = [](std::string_view from, std::string_view to) {
        auto text = encode(lease());
        const auto at = text.find(from);
        EXPECT_NE(at, std::string::npos) << from;
        return text.replace(at, from.size(), to);
    };
    for (const auto& text : {std::string{},
                             std::string{"{"},
                             std::string{"[]"},
                             std::string{"\"n1\""},
                             std::string{"{}"},
                             std::string{"a b"},
                             std::string("\0", 1),
                             with("18446744073709551615", "-1"),
                             with("18446744073709551615", "1.5"),
                             with("18446744073709551615", "1e999"),
                             with("18446744073709551615", "18446744073709551616"),
                             with("18446744073709551615", "0"),
                             with("\"n.1\",\"nonce\"", "7,\"nonce\""),
                             with("\"inc-7\"", "\"\""),
                             with("\"released\"", "\"gone\""),
                             with("[\"n.1\",\"n2\"]", "[1]"),
                             with("[\"n.1\",\"n2\"]", "{}"),
                             with("10000", "-10000"),
                             with("\"schema\":1", "\"schema\":2")}) {
        const auto decoded = decode_lease(text, "leader");
        ASSERT_FALSE(decoded) << text;
        EXPECT_EQ(decoded.error().code, Errc::corrupt);
        EXPECT_THAT(decoded.error().message, HasSubstr("leader")) << text;
    }
}

TEST(Records, DepthHasALimit) {
    for (const std::size_t depth : {std::size_t{100}, std::size_t{1'000'000}}) {
        const auto deep =
            "{\"nodeId\":\"n\",\"x\":" + std::string(depth, '[') + std::string(depth, ']') + "}";
        EXPECT_FALSE(decode_lease(deep));
        EXPECT_FALSE(decode_status(deep, "nodes.n"));
        EXPECT_FALSE(decode_spec(deep));
        EXPECT_FALSE(decode_spec(std::string(depth, '[')));
    }
}

TEST(Records, SixtyFourLevelsAreNotTooDeep) {
    const auto nested = [](std::size_t depth) {
        return R"({"x":")" + std::string(100, '[') + R"(\"{","y":)" + std::string(depth - 1, '[') +
               std::string(depth - 1, ']') + "}";
    };
    EXPECT_TRUE(decode_spec(nested(64)));
    EXPECT_FALSE(decode_spec(nested(65)));
}

// One megabyte is the largest value that a server accepts. Regression: this took minutes.
TEST(Records, ALargeOneIsReadInATimeThatGrowsWithItsSize) {
    std::string text = R"({"nodeId":"n","conditions":[{})";
    while (text.size() < 1'000'000)
        text += ",{}";
    EXPECT_TRUE(decode_status(text + "]}", "nodes.n"));
    EXPECT_TRUE(decode_spec(text + "]}"));
}

TEST(NodeStatus, SurvivesItsText) {
    const auto decoded = decode_status(encode(status()), "nodes.n1");
    ASSERT_TRUE(decoded) << decoded.error().message;
    EXPECT_EQ(*decoded, status());
    model::NodeStatus bare{.node_id = "n"};
    EXPECT_EQ(*decode_status(encode(bare), "nodes.n"), bare);
}

TEST(NodeStatus, AGoManagersIsReadWithDefaults) {
    const auto decoded = decode_status(
        R"({"nodeId":"n1","clusterId":"c","role":"PRIMARY","backendStatus":"running",)"
        R"("lastSeen":"2026-01-02T03:04:05.123456789+01:00"})",
        "nodes.n1");
    ASSERT_TRUE(decoded) << decoded.error().message;
    EXPECT_EQ(decoded->role, model::Role::primary);
    EXPECT_EQ(decoded->last_seen.ms, 1'767'319'445'123);
    EXPECT_EQ(decoded->priority, 100);
    EXPECT_FALSE(decoded->lag);
}

TEST(NodeStatus, AConditionThatIsNotKnownIsLeftOutAndAWrongOneIsCorrupt) {
    const auto with = [](const char* condition) {
        return decode_status(std::string{R"({"nodeId":"n1","conditions":[)"} + condition + "]}",
                             "nodes.n1");
    };
    EXPECT_TRUE(with(R"({"type":"Future","status":true})")->conditions.empty());
    EXPECT_EQ(with(R"({"type":"Sealed","status":true})")->conditions.size(), 1U);
    EXPECT_TRUE(with(R"({"type":"Sealed","status":true})")->conditions.front().known)
        << "a version before this one says nothing of it";
    EXPECT_FALSE(with(R"({"type":"Sealed","status":"true"})"));
    EXPECT_FALSE(with("3"));
}

TEST(NodeStatus, ATimeThatIsNoneIsNoReasonToRefuseTheNode) {
    const auto decoded = decode_status(R"({"nodeId":"n1","lastSeen":"yesterday"})", "nodes.n1");
    ASSERT_TRUE(decoded);
    EXPECT_EQ(decoded->last_seen.ms, 0);
}

TEST(NodeStatus, OfItsStoreOnlyTheStreamsThatExistAreWritten) {
    auto status = model::NodeStatus{.node_id = "n"};
    status.store = {.election = "e", .state = "", .log = {}};
    const auto decoded = decode_status(encode(status), "nodes.n");
    ASSERT_TRUE(decoded) << decoded.error().message;
    EXPECT_EQ(decoded->store, (model::StoreIdentity{.election = "e", .state = {}, .log = {}}));
    EXPECT_FALSE(decode_status(R"({"nodeId":"n","store":{"log":7}})", "nodes.n"));
    EXPECT_FALSE(decode_status(R"({"nodeId":"n","store":"e"})", "nodes.n"));
}

TEST(Spec, SurvivesItsText) {
    EXPECT_EQ(*decode_spec(encode(spec())), spec());
    EXPECT_EQ(*decode_spec(encode(model::Spec{})), model::Spec{});
    EXPECT_FALSE(decode_spec(R"({"paused":1})"));
    EXPECT_FALSE(decode_spec(R"({"switchover":[]})"));
    EXPECT_FALSE(decode_spec(R"({"switchover":{"to":"n2"}})"));
    EXPECT_TRUE(decode_spec(R"({"switchover":null})"));
}

TEST(Records, DamageNeverCrashes) {
    std::mt19937 random{7};
    const std::string whole = encode(status());
    std::size_t written = 0;
    for (int i = 0; i < 3000; ++i) {
        auto text = whole;
        for (unsigned change = 0; change <= random() % 4; ++change)
            text[random() % text.size()] = static_cast<char>(random() % 256);
        if (i % 2 == 0) text.resize(random() % (text.size() + 1));
        if (const auto decoded = decode_status(text, "k")) written += encode(*decoded).size();
        if (const auto decoded = decode_lease(text)) written += encode(*decoded).size();
        if (const auto decoded = decode_spec(text)) written += encode(*decoded).size();
    }
    EXPECT_GT(written, 0U);
}

TEST(Records, TextThatIsNoUtf8CanBeWritten) {
    auto record = lease();
    record.node_id = "n\xFF";
    EXPECT_FALSE(encode(record).empty());
}

// The page as the API makes it, parsed: `status` shows it while NATS does not answer.
TEST(StatusPage, IsReadBackAsTheApiWritesIt) {
    auto expected = status();
    // The page leaves these out.
    expected.heartbeat_ms = 0;
    expected.addresses.clear();
    expected.api_url.clear();
    expected.incarnation.clear();
    expected.host = {};
    expected.priority = 100;
    expected.nofailover = false;
    expected.switchover.reset();
    expected.store = {};
    expected.unknown_fields.clear();
    const auto page = api::status_page({.node = status()}, {});
    const auto read = decode_status_page(page);
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(*read, expected);

    auto leaderless = status();
    leaderless.leader.clear();
    leaderless.lag.reset();
    const auto without = decode_status_page(api::status_page({.node = leaderless}, {}));
    ASSERT_TRUE(without);
    EXPECT_EQ(without->leader, "");
    EXPECT_FALSE(without->lag);
}

TEST(StatusPage, OfAnotherServiceIsCorrupt) {
    for (const auto* text : {"", "<html>", "[]", "{}", R"({"node": 7})", R"({"node": ""})"}) {
        const auto read = decode_status_page(text);
        ASSERT_FALSE(read) << text;
        EXPECT_EQ(read.error().code, Errc::corrupt);
        EXPECT_THAT(read.error().message, HasSubstr("/status"));
    }
}

model::ServiceEntry service() {
    return {.name = "http",
            .node_id = "n.1",
            .address = "10.0.0.1",
            .port = 3210,
            .protocol = "http",
            .path = "/p",
            .metadata = {{"k", "v"}},
            .tags = {"t"},
            .health = model::ServiceHealth::standby,
            .registered_at = {1'700'000'000'123},
            .updated_at = {1'700'000'000'456},
            .health_reason = "this node is not the primary",
            .role = "PASSIVE",
            .internal = true,
            .schema = 1,
            .unknown_fields = R"({"weight":3})"};
}

// defects.md M16: what is stored has the published names, and is read by the same.
TEST(Records, M16_AServiceHasThePublishedFields) {
    const auto text = encode(service());
    for (const auto* field : {R"("name":"http")",
                              R"("node_id":"n.1")",
                              R"("address":"10.0.0.1")",
                              R"("port":3210)",
                              R"("protocol":"http")",
                              R"("path":"/p")",
                              R"("metadata":{"k":"v"})",
                              R"("tags":["t"])",
                              R"("health":"standby")",
                              R"("registered_at":"2023-11-14T22:13:20.123Z")",
                              R"("updated_at":"2023-11-14T22:13:20.456Z")",
                              R"("weight":3)"})
        EXPECT_THAT(text, HasSubstr(field));
    const auto again = decode_service(text, "http/n.1");
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(*again, service());
}

TEST(Records, AServiceOfTheGoManagerLacksOurFields) {
    const auto read = decode_service(
        R"({"name":"http","node_id":"n1","address":"h","port":1,"health":"passing","tags":null})",
        "http/n1");
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->role, "");
    EXPECT_FALSE(read->internal);
}

TEST(Records, ABadServiceIsRefusedAndNamed) {
    const std::string good =
        R"("name":"s","node_id":"n","address":"h","port":1,"health":"passing")";
    ASSERT_TRUE(decode_service("{" + good + "}", "s/n"));
    const std::pair<std::string, std::string> cases[] = {
        {"not JSON", "s/n: no JSON"},
        {"[]", "s/n is no object"},
        {R"({"name":"s","node_id":"n","port":1,"health":"passing"})", "s/n.address is missing"},
        {R"({"name":"s","node_id":"m","address":"h","port":1,"health":"passing"})", "s/n.node_id"},
        {R"({"name":"x","node_id":"n","address":"h","port":1,"health":"passing"})", "s/n.name"},
        {R"({"name":"s","node_id":"n","address":"h","port":0,"health":"passing"})", "s/n.port"},
        {R"({"name":"s","node_id":"n","address":"h","port":65536,"health":"passing"})", "s/n.port"},
        {R"({"name":"s","node_id":"n","address":"h","port":"1","health":"passing"})", "s/n.port"},
        {R"({"name":"s","node_id":"n","address":"h","port":1,"health":"up"})", "s/n.health"},
        {"{" + good + R"(,"metadata":{"a":1}})", "s/n.metadata"},
        {"{" + good + R"(,"tags":"a"})", "s/n.tags"},
        {"{" + good + R"(,"schema":2})", "s/n.schema"},
        {"{" + good + R"(,"x":")" + std::string(model::largest_service_record, 'x') + R"("})",
         "s/n: has "}};
    for (const auto& [text, message] : cases) {
        const auto read = decode_service(text, "s/n");
        ASSERT_FALSE(read) << text.substr(0, 200);
        EXPECT_EQ(read.error().code, Errc::corrupt);
        EXPECT_THAT(read.error().message, HasSubstr(message));
    }
    EXPECT_FALSE(decode_service("{" + good + "}", "s"));
    EXPECT_FALSE(decode_service("{" + good + "}", "s/n/x"));
}

}  // namespace
}  // namespace adapters::json
