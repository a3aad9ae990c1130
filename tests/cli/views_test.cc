#include "cli/views.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cli {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

config::Config config() {
    config::Config config;
    config.cluster_id = "prod";
    config.node_id = "n1";
    config.nats.servers = {"nats://user:geheim@a:4222", "nats://b:4222"};
    return config;
}

ClusterView view() {
    ClusterView view;
    view.record = model::LeaseRecord{.node_id = "n1", .nonce = "x", .epoch = {3}};
    view.nodes = {{.status = {.node_id = "n1",
                              .cluster_id = "prod",
                              .role = model::Role::primary,
                              .backend_status = "running",
                              .epoch = {3},
                              .position = {{3}, {42}},
                              .lag = model::Lag{0, 0, 0},
                              .copy_complete = true,
                              .addresses = {"10.0.0.1"}},
                   .answers = true},
                  {.status = {.node_id = "node-2",
                              .role = model::Role::passive,
                              .backend_status = "stopped",
                              .epoch = {3},
                              .position = {{3}, {41}},
                              .lag = model::Lag{1, 10, 120},
                              .nofailover = true},
                   .answers = true}};
    return view;
}

TEST(StatusJson, ConditionThatIsNotKnownIsNull) {
    auto shown = view();
    shown.nodes[0].status.conditions = {
        {.type = model::ConditionType::backend_contained, .known = false, .reason = "NotReported"},
        {.type = model::ConditionType::lease_held, .status = true, .reason = "Held"}};
    const auto json = status_json(config(), shown);
    EXPECT_THAT(json, ContainsRegex(R"("type": "BackendContained",[[:space:]]*"status": null)"));
    EXPECT_THAT(json, ContainsRegex(R"("type": "LeaseHeld",[[:space:]]*"status": true)"));
}

TEST(StatusText, IsTheGoManagersThenTheTable) {
    EXPECT_EQ(status_text(config(), view()),
              "Cluster Status\n"
              "==============\n"
              "\n"
              "Cluster ID:  prod\n"
              "Node ID:     n1\n"
              "NATS:        [nats://a:4222 nats://b:4222]\n"
              "\n"
              "Role:        PRIMARY\n"
              "Leader:      n1\n"
              "Backend:     running\n"
              "Rep. Lag:    0ms\n"
              "\n"
              "NODE    ADDRESS   ROLE     STATE    EPOCH  TXID              LAG    BACKEND  TAGS\n"
              "n1      10.0.0.1  PRIMARY  running  3      000000000000002a  0ms    running  -\n"
              "node-2  -         PASSIVE  running  3      0000000000000029  120ms  stopped  "
              "nofailover\n");
}

// defects.md C33: derived from the role.
TEST(StatusText, TheVirtualAddressIsHeldWhereTheKernelShowsIt) {
    auto with = config();
    with.vips = {{"10.0.0.9", 24, "eth0"}, {"fd00::9", 128, "eth0"}};
    auto bound = view();
    EXPECT_THAT(status_text(with, bound), HasSubstr("VIP:         10.0.0.9/24, fd00::9/128\n"));
    EXPECT_THAT(status_text(with, bound), Not(HasSubstr("VIP Status")));
    auto& conditions = bound.nodes[0].status.conditions;
    conditions.push_back({.type = model::ConditionType::vip_bound, .status = true});
    EXPECT_THAT(status_text(with, bound),
                HasSubstr("Rep. Lag:    0ms\nVIP Status:  held (this node is PRIMARY)\n"));
    conditions.back().status = false;
    EXPECT_THAT(status_text(with, bound), HasSubstr("VIP Status:  not held\n"));
    conditions.push_back({.type = model::ConditionType::vip_conflict,
                          .status = true,
                          .message = "ip addr del 10.0.0.9/24 dev eth0"});
    EXPECT_THAT(status_text(with, bound),
                HasSubstr("VIP Conflict: ip addr del 10.0.0.9/24 dev eth0\n"));
    EXPECT_THAT(list_table(bound),
                HasSubstr("n1: virtual address: ip addr del 10.0.0.9/24 dev eth0\n"));
    conditions.back().status = false;
    EXPECT_THAT(list_table(bound), Not(HasSubstr("virtual address")));
    conditions.front().message = "the daemon lacks CAP_NET_RAW";
    EXPECT_THAT(list_table(bound),
                HasSubstr("n1: virtual address: the daemon lacks CAP_NET_RAW\n"));
}

// defects.md C33
TEST(StatusText, ADaemonThatDoesNotAnswerHasNoRole) {
    auto dead = view();
    dead.nodes[0].answers = false;
    const auto text = status_text(config(), dead);
    EXPECT_THAT(text, HasSubstr("Role:        UNKNOWN (daemon not responding)\n"));
    EXPECT_THAT(text, Not(HasSubstr("PRIMARY")));
    EXPECT_THAT(text, Not(HasSubstr("Backend: ")));
}

// defects.md C26
TEST(ListTable, ADeadNodeIsNeverShownAsPrimary) {
    auto dead = view();
    dead.nodes[0].answers = false;
    dead.nodes[0].status.last_seen = {1'700'000'000'000};
    const auto text = list_table(dead);
    EXPECT_THAT(text, Not(HasSubstr("PRIMARY")));
    EXPECT_THAT(text, HasSubstr("no answer"));
    EXPECT_THAT(text, HasSubstr("n1 was last seen at 2023-11-14T22:13:20.000Z, by its own clock"));
}

// defects.md C21
TEST(ListTable, ALagThatNobodyKnowsIsNotZero) {
    auto unknown = view();
    unknown.nodes[1].status.lag.reset();
    EXPECT_THAT(list_table(unknown), HasSubstr("unknown"));
    unknown.nodes[0].status.lag.reset();
    EXPECT_THAT(status_text(config(), unknown), Not(HasSubstr("Rep. Lag")));
}

TEST(ListTable, WhatNeedsAnOperatorStandsBelow) {
    auto worse = view();
    worse.nodes[1].status.alarm = "the store went back";
    worse.nodes[1].status.set_aside = {"/d/db.diverged-2-17"};
    worse.spec.paused = true;
    worse.spec.switchover = model::Spec::Switchover{.id = "i", .to = "node-2"};
    worse.nodes.push_back({.status = {.node_id = "x"}, .readable = false});
    const auto text = list_table(worse);
    for (const char* part : {"node-2: ALARM: the store went back",
                             "was set aside: /d/db.diverged-2-17",
                             "The cluster is paused",
                             "A switchover is under way to node-2.",
                             "unreadable"})
        EXPECT_THAT(text, HasSubstr(part));
}

TEST(ListTable, OfAnEmptyClusterSaysSo) {
    EXPECT_THAT(list_table({}), HasSubstr("No node is a member"));
}

TEST(StatusText, WithoutLeaderOrStoreIsHonest) {
    auto none = view();
    none.record->state = model::LeaseRecord::State::released;
    EXPECT_THAT(status_text(config(), none), HasSubstr("Leader:      (none)\n"));
    const auto nobody = status_text_without_store(config(), {});
    EXPECT_THAT(nobody, HasSubstr("Role:        UNKNOWN (daemon not responding)\n"));
    EXPECT_THAT(nobody, HasSubstr("Leader:      (could not query)\n"));
}

TEST(StatusText, WithoutStoreShowsWhatTheDaemonSaysOfItself) {
    const auto text = status_text_without_store(config(), view().nodes[1].status);
    EXPECT_THAT(text,
                HasSubstr("Role:        PASSIVE\n"
                          "Leader:      (could not query)\n"
                          "Backend:     stopped\n"
                          "Rep. Lag:    120ms\n"));
    const auto json = status_json_without_store(config(), view().nodes[1].status);
    EXPECT_THAT(json, StartsWith("{\n  \"cluster\": \"prod\""));
    EXPECT_THAT(json, HasSubstr("\"role\": \"PASSIVE\""));
    EXPECT_THAT(json, HasSubstr("\"leader\": null"));
    EXPECT_THAT(json, Not(HasSubstr("geheim")));
}

TEST(StatusText, OfANodeThatLeftSaysSo) {
    auto left = view();
    left.spec.leave = {"n1"};
    EXPECT_THAT(status_text(config(), left), HasSubstr("Role:        PRIMARY\n"));
    EXPECT_THAT(status_text(config(), left), HasSubstr("n1 is asked to leave.\n"));
    EXPECT_THAT(status_json(config(), left), HasSubstr("\"left\": false"));
    left.nodes.erase(left.nodes.begin());
    const auto text = status_text(config(), left);
    EXPECT_THAT(text, HasSubstr("Role:        UNKNOWN (this node left the cluster)\n"));
    EXPECT_THAT(text, HasSubstr("n1 left the cluster.\n"));
    EXPECT_THAT(text, Not(HasSubstr("not responding")));
    EXPECT_THAT(status_json(config(), left), HasSubstr("\"left\": true"));
    // Including the last one.
    left.nodes.clear();
    EXPECT_THAT(list_table(left),
                HasSubstr("No node is a member of this cluster yet.\n\nn1 left the cluster.\n"));
}

TEST(Json, OfStatusAndListCarriesTheSame) {
    const auto status = status_json(config(), view());
    EXPECT_THAT(status, StartsWith("{\n  \"cluster\": \"prod\""));
    EXPECT_THAT(status, HasSubstr("\"leader\": \"n1\""));
    EXPECT_THAT(status, Not(HasSubstr("geheim")));
    EXPECT_THAT(list_json(view()), HasSubstr("\"lagMs\": 120"));
    EXPECT_EQ(list_json({}), "[]\n");
}

}  // namespace
}  // namespace cli
