#include "cli/views.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

model::Config config() {
    model::Config config;
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
    EXPECT_THAT(status_text_without_store(config()), HasSubstr("Leader:      (could not query)\n"));
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
