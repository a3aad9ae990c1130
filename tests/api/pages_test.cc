#include "api/pages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace api {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

model::Instant at(model::Duration since_boot) { return model::Instant{} + since_boot; }

/// A primary at 100 s, with a lease until 110 s and fence time 108 s.
Published primary() {
    Published published;
    published.node = {.node_id = "n1",
                      .cluster_id = "prod",
                      .role = model::Role::primary,
                      .backend_status = "running",
                      .version = "0.1.0",
                      .leader = "n1",
                      .epoch = {3},
                      .position = {{2}, {42}},
                      .lag = model::Lag{2, 8192, 15},
                      .conditions = {{.type = model::ConditionType::backend_ready,
                                      .status = true,
                                      .reason = "Healthy",
                                      .epoch = {3}}}};
    published.lease = model::Lease{.epoch = {3}, .valid_until = at(110s), .margin = 2s};
    published.ttl_ms = 10'000;
    published.loops = {{"role", at(99s), 3s}, {"replica", at(98s), 3s}};
    published.replication_state = "shipping";
    published.wal_bytes_total = 123'456;
    published.backend_kind = "process";
    published.backend_ready = true;
    published.backend_started = at(40s);
    return published;
}

Published passive() {
    auto published = primary();
    published.node.role = model::Role::passive;
    published.node.leader = "n2";
    published.node.backend_status = "stopped";
    published.lease.reset();
    published.backend_ready = false;
    published.backend_started.reset();
    return published;
}

model::HttpResponse get(const Published& published, const char* path, const char* method = "GET") {
    return respond(published, at(100s), {.method = method, .path = path});
}

TEST(Health, IsGoodWhileEveryLoopTurns) {
    EXPECT_TRUE(health(primary(), at(101s)).good);
    const auto late = health(primary(), at(101s + 1ms));
    EXPECT_FALSE(late.good);
    EXPECT_EQ(late.reason, "the loop replica has not turned for 3001 ms");
    EXPECT_EQ(get(primary(), "/health").status, 200);
    EXPECT_EQ(respond(primary(), at(200s), {.method = "GET", .path = "/health"}).status, 503);
}

TEST(Health, SaysNothingAboutTheRole) { EXPECT_EQ(get(passive(), "/health").status, 200); }

TEST(Ready, IsTrueOnAPrimaryWithALeaseAndAHealthyBackendAlone) {
    EXPECT_TRUE(ready(primary(), at(100s)).good);
    EXPECT_EQ(get(primary(), "/ready").status, 200);
    EXPECT_EQ(get(passive(), "/ready").status, 503);
    EXPECT_THAT(get(passive(), "/ready").body, HasSubstr("the leader is n2"));

    auto sealing = passive();
    sealing.node.leader = sealing.node.node_id;
    EXPECT_EQ(get(sealing, "/ready").status, 503);
    EXPECT_THAT(get(sealing, "/ready").body, HasSubstr("not primary yet"));

    auto sick = primary();
    sick.backend_ready = false;
    sick.backend_message = "503 from /version";
    EXPECT_THAT(get(sick, "/ready").body,
                HasSubstr("the backend is not healthy: 503 from /version"));
    auto without = primary();
    without.lease.reset();
    EXPECT_EQ(get(without, "/ready").status, 503);
}

TEST(Ready, EndsAtTheFenceTimeNotAtTheEndOfTheLease) {
    EXPECT_TRUE(ready(primary(), at(108s - 1ns)).good);
    EXPECT_FALSE(ready(primary(), at(108s)).good);
}

TEST(Status, HasEveryPromisedKey) {
    const auto body = get(primary(), "/status").body;
    for (const char* part : {"\"node\": \"n1\"",
                             "\"cluster\": \"prod\"",
                             "\"role\": \"PRIMARY\"",
                             "\"leader\": \"n1\"",
                             "\"epoch\": 3",
                             "\"remainingMs\": 10000",
                             "\"fenceInMs\": 8000",
                             "\"txid\": 42",
                             "\"walBytesTotal\": 123456",
                             "\"vip\": []",
                             "\"status\": \"running\"",
                             "\"uptimeMs\": 60000",
                             "\"type\": \"BackendReady\""})
        EXPECT_THAT(body, HasSubstr(part));
}

// defects.md C21
TEST(Status, WhatIsNotKnownIsNullAndNeverZero) {
    auto unknown = passive();
    unknown.node.lag.reset();
    unknown.node.leader.clear();
    const auto body = get(unknown, "/status").body;
    EXPECT_THAT(body, HasSubstr("\"lag\": null"));
    EXPECT_THAT(body, HasSubstr("\"leader\": null"));
    EXPECT_THAT(body, HasSubstr("\"lease\": null"));
    EXPECT_THAT(metrics_page(unknown, at(100s)), Not(HasSubstr("replication_lag")));
}

TEST(Status, ALeaseThatHasEndedIsNone) {
    EXPECT_THAT(status_page(primary(), at(110s)), HasSubstr("\"lease\": null"));
    EXPECT_THAT(status_page(primary(), at(110s - 1ms)), HasSubstr("\"remainingMs\": 1"));
}

Published with_services() {
    auto published = primary();
    const auto entry = [](std::string name, std::string node, model::ServiceHealth health) {
        return model::ServiceEntry{.name = std::move(name),
                                   .node_id = std::move(node),
                                   .address = "10.0.0.1",
                                   .port = 80,
                                   .tags = {"t"},
                                   .health = health};
    };
    using enum model::ServiceHealth;
    published.services = std::make_shared<const std::vector<model::ServiceEntry>>(
        std::vector{entry("http", "n1", passing),
                    entry("http", "n2", standby),
                    entry("metrics", "n2", critical)});
    return published;
}

model::HttpResponse get_services(const char* path, std::map<std::string, std::string> query) {
    return respond(
        with_services(), at(100s), {.method = "GET", .path = path, .query = std::move(query)});
}

std::size_t count(const std::string& text, std::string_view word) {
    std::size_t found = 0;
    for (auto from = text.find(word); from != std::string::npos; from = text.find(word, from + 1))
        ++found;
    return found;
}

TEST(Services, AreFilteredByTheQuery) {
    const auto shown = [](std::map<std::string, std::string> query) {
        return count(get_services("/services", std::move(query)).body, "\"node_id\"");
    };
    EXPECT_EQ(shown({}), 3U);
    EXPECT_EQ(shown({{"name", "http"}}), 2U);
    EXPECT_EQ(shown({{"node", "n2"}}), 2U);
    EXPECT_EQ(shown({{"tag", "t"}}), 3U);
    EXPECT_EQ(shown({{"tag", "u"}}), 0U);
    EXPECT_EQ(shown({{"health", "standby"}, {"name", "http"}}), 1U);
    EXPECT_EQ(get_services("/services", {{"health", "up"}}).status, 400);
    EXPECT_EQ(get_services("/services", {{"colour", "red"}}).status, 400);
}

TEST(Services, ForPrometheusAreItsTargets) {
    const auto answer = get_services("/services/prometheus", {{"name", "http"}});
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.content_type, "application/json");
    EXPECT_EQ(count(answer.body, "\"targets\""), 2U);
    EXPECT_EQ(get_services("/services/prometheus", {{"name", "none"}}).body, "[]\n");
}

// An empty list would have Prometheus drop every target; with an error it keeps them.
TEST(Services, WhereTheRegistryCannotBeReadTheAnswerIsNoList) {
    EXPECT_EQ(get(primary(), "/services").status, 503);
    EXPECT_EQ(get(primary(), "/services/prometheus").status, 503);
    EXPECT_THAT(metrics_page(primary(), at(100s)), Not(HasSubstr("services_total")));
}

TEST(Services, AreCountedInTheMetrics) {
    const auto text = metrics_page(with_services(), at(100s));
    EXPECT_THAT(text,
                HasSubstr("convex_cluster_services_total{cluster=\"prod\",service=\"http\"} 2"));
    EXPECT_THAT(text,
                HasSubstr("convex_cluster_services_healthy{cluster=\"prod\",service=\"http\"} 1"));
    EXPECT_THAT(
        text, HasSubstr("convex_cluster_services_healthy{cluster=\"prod\",service=\"metrics\"} 0"));
    EXPECT_THAT(text, HasSubstr("convex_cluster_services_unreadable{"));
}

TEST(Pages, OthersAreNotFoundAndNothingCanBeWritten) {
    EXPECT_EQ(get(primary(), "/").status, 404);
    EXPECT_EQ(get(primary(), "/status/").status, 404);
    EXPECT_EQ(get(primary(), "/metrics").status, 404);
    const auto refused = get(primary(), "/status", "POST");
    EXPECT_EQ(refused.status, 405);
    EXPECT_EQ(refused.allow, "GET, HEAD, OPTIONS");
    EXPECT_EQ(get(primary(), "/nothing", "POST").status, 404);
}

TEST(Pages, ABalancersOptionsHasTheStatusOfGet) {
    EXPECT_EQ(get(primary(), "/ready", "OPTIONS").status, 200);
    EXPECT_EQ(get(passive(), "/ready", "OPTIONS").status, 503);
    EXPECT_EQ(get(passive(), "/ready", "HEAD").status, 503);
}

TEST(Metrics, CarryThePromisedNamesAndLabels) {
    const auto text = metrics_page(primary(), at(100s));
    for (const char* line :
         {"convex_cluster_is_leader{cluster=\"prod\",node=\"n1\"} 1\n",
          "convex_cluster_leader_epoch{cluster=\"prod\"} 3\n",
          "convex_cluster_backend_status{cluster=\"prod\",node=\"n1\",status=\"running\"} 1\n",
          "convex_cluster_backend_status{cluster=\"prod\",node=\"n1\",status=\"stopped\"} 0\n",
          "convex_cluster_backend_uptime_seconds{cluster=\"prod\",node=\"n1\"} 60\n",
          "convex_cluster_replication_lag_ms{cluster=\"prod\",node=\"n1\"} 15\n",
          "convex_cluster_wal_bytes_total{cluster=\"prod\",node=\"n1\"} 123456\n",
          "convex_cluster_lease_remaining_seconds{cluster=\"prod\",node=\"n1\"} 10\n",
          "convex_cluster_condition{cluster=\"prod\",node=\"n1\",type=\"BackendReady\"} 1\n",
          "# TYPE convex_cluster_wal_bytes_total counter\n"})
        EXPECT_THAT(text, HasSubstr(line));
    EXPECT_THAT(text, Not(HasSubstr("vip_held")));
    EXPECT_THAT(metrics_page(passive(), at(100s)),
                HasSubstr("convex_cluster_is_leader{cluster=\"prod\",node=\"n1\"} 0\n"));
}

TEST(Metrics, WhatIsNotKnownIsLeftOut) {
    auto published = passive();
    published.node.lag.reset();
    published.node.leader_unknown = true;
    const auto text = metrics_page(published, at(100s));
    EXPECT_THAT(text, Not(HasSubstr("convex_cluster_replication_lag")));
    EXPECT_THAT(text, HasSubstr("convex_cluster_leader_epoch{cluster=\"prod\"} 3"));
    EXPECT_THAT(text, HasSubstr("convex_cluster_leader_known{cluster=\"prod\",node=\"n1\"} 0"));
    published.node.epoch = {};
    EXPECT_THAT(metrics_page(published, at(100s)), Not(HasSubstr("convex_cluster_leader_epoch")));
    EXPECT_THAT(get(published, "/ready").body, HasSubstr("cannot read who leads"));
    EXPECT_THAT(get(published, "/status").body, HasSubstr("\"leaderUnknown\": true"));
}

// Neither true nor false: whoever alarms on false is not woken, and on true is not calmed.
TEST(Metrics, AConditionThatIsNotKnownHasNoSeriesAndIsNullInTheStatus) {
    auto published = primary();
    published.node.conditions.push_back(
        {.type = model::ConditionType::backend_contained, .known = false, .reason = "NotReported"});
    EXPECT_THAT(metrics_page(published, at(100s)), Not(HasSubstr("BackendContained")));
    EXPECT_THAT(status_page(published, at(100s)),
                HasSubstr("\"type\": \"BackendContained\",\n      \"status\": null"));
    published.node.conditions.back().known = true;
    EXPECT_THAT(metrics_page(published, at(100s)),
                HasSubstr("condition{cluster=\"prod\",node=\"n1\",type=\"BackendContained\"} 0\n"));
    EXPECT_THAT(status_page(published, at(100s)),
                HasSubstr("\"type\": \"BackendContained\",\n      \"status\": false"));
}

TEST(Metrics, ALeaderWhoseLeaseHasEndedIsNone) {
    EXPECT_THAT(metrics_page(primary(), at(110s)),
                HasSubstr("is_leader{cluster=\"prod\",node=\"n1\"} 0"));
}

// defects.md C33
TEST(Metrics, TheVirtualAddressIsWhatTheKernelShows) {
    auto published = primary();
    published.vips = {{.address = "10.0.0.1/24",
                       .interface = "eth0",
                       .bound = true,
                       .since = {1'700'000'000'000},
                       .announcements = 5},
                      {.address = "fd00::1/128", .interface = "eth1", .conflict = "somebody"}};
    EXPECT_THAT(metrics_page(published, at(100s)),
                HasSubstr("convex_cluster_vip_held{cluster=\"prod\",node=\"n1\"} 0\n"));
    EXPECT_THAT(metrics_page(published, at(100s)),
                HasSubstr("convex_cluster_vip_conflict{cluster=\"prod\",node=\"n1\"} 1\n"));
    const auto page = status_page(published, at(100s));
    EXPECT_THAT(page,
                HasSubstr("\"address\": \"10.0.0.1/24\",\n      \"interface\": \"eth0\",\n      "
                          "\"bound\": true,\n      \"since\": \"2023-11-14T22:13:20.000Z\",\n      "
                          "\"announcements\": 5,\n      \"conflict\": null"));
    EXPECT_THAT(page, HasSubstr("\"bound\": false,\n      \"since\": null"));
    EXPECT_THAT(page, HasSubstr("\"conflict\": \"somebody\""));
    published.vips.pop_back();
    EXPECT_THAT(metrics_page(published, at(100s)),
                HasSubstr("convex_cluster_vip_held{cluster=\"prod\",node=\"n1\"} 1\n"));
}

TEST(Metrics, StandAloneOnTheirPage) {
    const auto page = respond_metrics(primary(), at(100s), {.method = "GET", .path = "/metrics"});
    EXPECT_EQ(page.status, 200);
    EXPECT_THAT(page.content_type, HasSubstr("text/plain; version=0.0.4"));
    EXPECT_EQ(respond_metrics(primary(), at(100s), {.method = "GET", .path = "/status"}).status,
              404);
}

}  // namespace
}  // namespace api
