#include "adapters/nats/micro.h"

#include <gtest/gtest.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <thread>

#include "model/wall_time.h"
#include "tests/adapters/nats/client.h"
#include "tests/support/eventually.h"
#include "tests/support/nats_server.h"
#include "tests/support/result.h"

namespace adapters::nats {
namespace {

using nlohmann::json;
using test_support::code_of;
using test_support::eventually;

class Micro : public testing::Test {
protected:
    Micro() {
        EXPECT_TRUE(
            eventually([&] { return client_->request({.subject = "$SRV.PING"}).has_value(); }));
    }

    json ask_json(const std::string& subject) { return json::parse(ask(*client_, subject)); }

    const std::string endpoint_ = "convex.c1.svc.n.1.status";
    test_support::NatsServer server_;
    std::shared_ptr<Connection> client_ = connected_client(server_.url());
    MicroService service_{connected_client(server_.url()),
                          {.cluster_id = "c1",
                           .node_id = "n.1",
                           .started = *model::parse_rfc3339("2026-11-21T02:23:51.055Z"),
                           .endpoints = {status_endpoint(
                               "c1", "n.1", [] { return std::string{R"({"role":"PRIMARY"})"}; })}}};
};

TEST_F(Micro, AnswersPingToAllToItsNameAndToItself) {
    const auto ping = ask_json("$SRV.PING");
    EXPECT_EQ(ping["type"], "io.nats.micro.v1.ping_response");
    EXPECT_EQ(ping["name"], "convex-c1-n_1");
    EXPECT_EQ(ping["version"], "1.0.0");
    EXPECT_EQ(ping["metadata"], json::parse(R"({"cluster_id":"c1","node_id":"n.1"})"));
    const auto id = ping["id"].get<std::string>();
    EXPECT_EQ(ask_json("$SRV.PING.convex-c1-n_1"), ping);
    EXPECT_EQ(ask_json("$SRV.PING.convex-c1-n_1." + id), ping);
    EXPECT_EQ(code_of(client_->request({.subject = "$SRV.PING.convex-c1-n_2"})),
              model::Errc::unavailable);
}

TEST_F(Micro, InfoNamesTheEndpoint) {
    const auto info = ask_json("$SRV.INFO.convex-c1-n_1");
    EXPECT_EQ(info["type"], "io.nats.micro.v1.info_response");
    EXPECT_TRUE(info["description"].is_string());
    ASSERT_EQ(info["endpoints"].size(), 1U);
    EXPECT_EQ(info["endpoints"][0]["name"], "status");
    EXPECT_EQ(info["endpoints"][0]["subject"], endpoint_);
}

TEST_F(Micro, TheEndpointAnswersAndIsCounted) {
    const auto before = ask_json("$SRV.STATS")["endpoints"][0];
    EXPECT_EQ(before["num_requests"], 0);
    EXPECT_EQ(before["processing_time"], 0);
    EXPECT_EQ(ask(*client_, endpoint_), R"({"role":"PRIMARY"})");
    EXPECT_EQ(ask(*client_, endpoint_), R"({"role":"PRIMARY"})");
    // The answer is sent before it is counted.
    ASSERT_TRUE(
        eventually([&] { return ask_json("$SRV.STATS")["endpoints"][0]["num_requests"] == 2; }));
    const auto stats = ask_json("$SRV.STATS");
    EXPECT_EQ(stats["type"], "io.nats.micro.v1.stats_response");
    EXPECT_EQ(stats["started"], "2026-11-21T02:23:51.055Z");
    const auto& after = stats["endpoints"][0];
    EXPECT_EQ(after["num_errors"], 0);
    EXPECT_EQ(after["last_error"], "");
    EXPECT_GT(after["processing_time"], 0);
    EXPECT_EQ(after["average_processing_time"].get<std::int64_t>(),
              after["processing_time"].get<std::int64_t>() / 2);
}

TEST_F(Micro, AnEndpointMayAnswerLaterUnderAnotherName) {
    const MicroService other{
        connected_client(server_.url()),
        {.cluster_id = "c1",
         .node_id = "n.1",
         .started = {},
         .endpoints = {{.name = "stepdown",
                        .subject = "later",
                        .answer_later =
                            [](std::function<void(std::string)> answer) {
                                std::thread{std::move(answer), "an answer"}.detach();
                            }}},
         .name = "cluster_c1"}};
    ASSERT_TRUE(eventually(
        [&] { return client_->request({.subject = "$SRV.PING.cluster_c1"}).has_value(); }));
    EXPECT_EQ(ask(*client_, "later"), "an answer");
}

TEST_F(Micro, AnswersAgainAfterARestartOfTheServer) {
    server_.stop();
    server_.start();
    EXPECT_TRUE(eventually([&] { return client_->request({.subject = endpoint_}).has_value(); }));
}

}  // namespace
}  // namespace adapters::nats
