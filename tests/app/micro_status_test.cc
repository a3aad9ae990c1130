#include "app/micro_status.h"

#include <gtest/gtest.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "adapters/json/records.h"

namespace app {
namespace {

// contracts.md 1.3: the fields of the Go manager's answer, plus the epoch.
TEST(MicroStatus, HasTheKeptFields) {
    const auto now = [] {
        return std::chrono::duration_cast<std::chrono::milliseconds>(
                   std::chrono::system_clock::now().time_since_epoch())
            .count();
    };
    const auto before = now();
    const auto body = nlohmann::json::parse(micro_status({.node_id = "n1",
                                                          .cluster_id = "prod",
                                                          .role = model::Role::primary,
                                                          .backend_status = "running",
                                                          .leader = "n1",
                                                          .epoch = {3},
                                                          .position = {{2}, {42}},
                                                          .lag = model::Lag{.ms = 12},
                                                          .uptime_ms = 5000}));
    EXPECT_EQ(body["nodeId"], "n1");
    EXPECT_EQ(body["clusterId"], "prod");
    EXPECT_EQ(body["role"], "PRIMARY");
    EXPECT_EQ(body["leader"], "n1");
    EXPECT_EQ(body["backendStatus"], "running");
    EXPECT_EQ(body["replicationLag"], 12);
    EXPECT_EQ(body["walSequence"], 42);
    EXPECT_EQ(body["uptimeMs"], 5000);
    EXPECT_EQ(body["epoch"], 3);
    EXPECT_GE(body["timestamp"], before);
    EXPECT_LE(body["timestamp"], now());
}

TEST(MicroStatus, SaysWhetherTheLeaseIsHeldAndWhyNot) {
    const auto text =
        micro_status({.node_id = "n1",
                      .cluster_id = "prod",
                      .epoch = {3},
                      .uptime_ms = 5000,
                      .conditions = {{.type = model::ConditionType::lease_held,
                                      .message = "the lease cannot be written: no space"}}});
    const auto read = adapters::json::decode_micro_status(text);
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->node_id, "n1");
    EXPECT_EQ(read->role, model::Role::passive);
    EXPECT_EQ(read->uptime_ms, 5000);
    EXPECT_FALSE(read->lag);
    const auto* lease = read->condition(model::ConditionType::lease_held);
    ASSERT_NE(lease, nullptr);
    EXPECT_FALSE(lease->status);
    EXPECT_EQ(lease->message, "the lease cannot be written: no space");
    // A daemon before this one.
    const auto older = adapters::json::decode_micro_status(
        R"({"nodeId":"n1","role":"PRIMARY","replicationLag":7})");
    ASSERT_TRUE(older);
    EXPECT_EQ(older->lag->ms, 7);
    EXPECT_EQ(older->condition(model::ConditionType::lease_held), nullptr);
    EXPECT_FALSE(adapters::json::decode_micro_status("{}"));
}

// defects.md C21
TEST(MicroStatus, ALagThatNobodyKnowsIsNotZero) {
    const auto body = nlohmann::json::parse(micro_status({.node_id = "n1"}));
    EXPECT_TRUE(body["replicationLag"].is_null());
    EXPECT_EQ(body["role"], "PASSIVE");
    EXPECT_EQ(body["leader"], "");
}

}  // namespace
}  // namespace app
