#include "adapters/json/records.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace adapters::json {
namespace {

using model::Errc;
using ::testing::HasSubstr;

model::LeaseRecord lease() {
    return {.node_id = "n.1",
            .host = {"machine", "boot"},
            .nonce = "inc-7",
            .epoch = {18'446'744'073'709'551'615U},
            .state = model::LeaseRecord::State::released,
            .held_nonce = "inc-6",
            .members = {"n.1", "n2"},
            .ttl_ms = 10'000,
            .txid = {42},
            .successor = "n2",
            .renewed_at = {1'700'000'000'123}};
}

model::NodeStatus status() {
    return {.node_id = "n1",
            .cluster_id = "prod",
            .role = model::Role::primary,
            .backend_status = "running",
            .last_seen = {1'700'000'000'000},
            .version = "0.1.0",
            .leader = "n1",
            .epoch = {3},
            .position = {{2}, {99}},
            .lag = model::Lag{1, 4096, 12},
            .has_database = true,
            .copy_complete = true,
            .uptime_ms = 1000,
            .heartbeat_ms = 3000,
            .conditions = {{.type = model::ConditionType::protected_,
                            .status = true,
                            .reason = "Snapshot",
                            .message = "m",
                            .since = {5},
                            .epoch = {3}}},
            .addresses = {"10.0.0.1"},
            .api_url = "http://10.0.0.1:8080",
            .incarnation = "inc",
            .host = {"machine", "boot"},
            .priority = 50,
            .nofailover = true,
            .set_aside = {"/d/db.diverged-1-2"},
            .alarm = "a",
            .switchover = model::SwitchoverOutcome{"id", false, "why"}};
}

model::Spec spec() {
    return {
        .paused = true,
        .switchover = model::Spec::Switchover{.id = "i", .to = "n2", .from = "n1", .force = true},
        .leave = {"n3"}};
}

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
    EXPECT_FALSE(with(R"({"type":"Sealed","status":"true"})"));
    EXPECT_FALSE(with("3"));
}

TEST(NodeStatus, ATimeThatIsNoneIsNoReasonToRefuseTheNode) {
    const auto decoded = decode_status(R"({"nodeId":"n1","lastSeen":"yesterday"})", "nodes.n1");
    ASSERT_TRUE(decoded);
    EXPECT_EQ(decoded->last_seen.ms, 0);
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
        text.resize(random() % (text.size() + 1));
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

}  // namespace
}  // namespace adapters::json
