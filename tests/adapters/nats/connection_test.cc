#include "adapters/nats/connection.h"

#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "adapters/sync/mutex.h"
#include "tests/adapters/nats/client.h"
#include "tests/support/nats_server.h"
#include "tests/support/result.h"

namespace adapters::nats {
namespace {

using model::as_bytes;
using model::Errc;
using namespace std::chrono_literals;
using test_support::code_of;
using test_support::eventually;
using test_support::NatsServer;

/// Collects the events of a connection, in order.
class Notifications {
public:
    std::function<void(const ConnectionEvent&)> listener() {
        return [this](const auto& event) {
            const sync::Lock lock{mutex_};
            events_.push_back(event);
        };
    }
    std::vector<ConnectionEvent> all() {
        const sync::Lock lock{mutex_};
        return events_;
    }

private:
    sync::Mutex mutex_;
    std::vector<ConnectionEvent> events_ GUARDED_BY(mutex_);
};

TEST(Connection, RefusesOptionsThatCannotWork) {
    for (const ConnectionOptions& bad : {
             ConnectionOptions{},
             ConnectionOptions{.servers = {"nats://h"}, .user = "u", .token = "t"},
             ConnectionOptions{.servers = {"nats://u:50%@h"}},
             ConnectionOptions{.servers = {"nats://h"}, .credentials = "/nonexistent"},
             ConnectionOptions{.servers = {"nats://h"}, .tls = {.ca = "/nonexistent"}},
             ConnectionOptions{.servers = {"nats://h"}, .tls = {.cert = "/etc/hostname"}},
         }) {
        const auto connection = Connection::open(bad);
        ASSERT_FALSE(connection);
        EXPECT_EQ(code_of(connection), Errc::invalid);
        EXPECT_NE(connection.error().message, "");
    }
}

// defects.md C11: NATS absent at start ends the process.
TEST(Connection, WaitsForAServerThatIsAbsentAtTheStart) {
    NatsServer server;
    server.stop();
    Notifications notifications;
    const auto begin = std::chrono::steady_clock::now();
    const auto connection =
        Connection::open({.servers = {server.url()}, .name = "t"}, notifications.listener())
            .value();
    const auto answer = connection->request({.subject = "x"});
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 200ms);
    ASSERT_FALSE(answer);
    EXPECT_EQ(code_of(answer), Errc::unavailable);
    EXPECT_FALSE(connection->connected());
    EXPECT_EQ(connection->connection_generation(), 0U);
    ASSERT_TRUE(eventually([&] { return !notifications.all().empty(); }));
    EXPECT_FALSE(notifications.all()[0].connected);
    EXPECT_NE(notifications.all()[0].reason, "");

    server.start();
    ASSERT_TRUE(eventually([&] { return connection->connected(); }, 3s));
    EXPECT_EQ(connection->connection_generation(), 1U);
    ASSERT_TRUE(eventually([&] { return notifications.all().size() >= 2; }));
    EXPECT_EQ(notifications.all().size(), 2U) << "a reason that repeats is reported once";
    EXPECT_TRUE(notifications.all()[1].connected);
    EXPECT_EQ(notifications.all()[1].server, server.url());
}

TEST(Connection, ReportsALossAndAReturnAndCountsConnects) {
    NatsServer server;
    Notifications notifications;
    const auto connection =
        Connection::open({.servers = {server.url()}, .name = "t"}, notifications.listener())
            .value();
    ASSERT_TRUE(eventually([&] { return notifications.all().size() == 1; }));
    std::atomic<int> changes = 0;
    const auto registration = connection->on_change([&] { ++changes; });
    server.stop();
    ASSERT_TRUE(eventually([&] { return notifications.all().size() >= 2; }));
    EXPECT_FALSE(notifications.all()[1].connected);
    EXPECT_EQ(code_of(connection->request({.subject = "x"})), Errc::unavailable);
    server.start();
    ASSERT_TRUE(eventually([&] { return connection->connected(); }));
    EXPECT_GE(connection->connection_generation(), 2U);
    EXPECT_GE(changes, 2);
    ASSERT_TRUE(eventually([&] { return notifications.all().back().connected; }));
    EXPECT_EQ(notifications.all().back().generation, connection->connection_generation());
}

TEST(Connection, ARequestIsAnsweredByWhoSubscribed) {
    NatsServer server;
    const auto a = connected_client(server.url());
    const auto b = connected_client(server.url());
    const auto echo = b->subscribe("echo", [&](const Incoming& request) {
        EXPECT_TRUE(b->publish({.subject = request.reply,
                                .headers = {{"Seen", std::string{request.header("Asked")}}},
                                .payload = request.payload}));
    });
    ASSERT_TRUE(eventually([&] { return a->request({.subject = "echo"}).has_value(); }));
    const auto answer = a->request(
        {.subject = "echo", .headers = {{"Asked", "yes"}}, .payload = as_bytes("hello")});
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(model::to_text(answer->payload), "hello");
    EXPECT_EQ(answer->header("Seen"), "yes");
    EXPECT_EQ(answer->header("Absent"), "");
}

TEST(Connection, NobodyThereIsUnavailableAndSilenceIsUnknown) {
    NatsServer server;
    const auto connection = connected_client(server.url(), 200ms);
    EXPECT_EQ(code_of(connection->request({.subject = "nobody"})), Errc::unavailable);
    const auto silent = connection->subscribe("silent", [](const auto&) {});
    const auto begin = std::chrono::steady_clock::now();
    const auto answer = connection->request({.subject = "silent"});
    const auto taken = std::chrono::steady_clock::now() - begin;
    ASSERT_FALSE(answer);
    EXPECT_EQ(code_of(answer), Errc::unknown_outcome);
    EXPECT_GE(taken, 200ms);
    EXPECT_LT(taken, 400ms);
}

TEST(Connection, WhatIsTooLargeIsInvalidAndEndsTheBatch) {
    NatsServer server;
    const auto connection = connected_client(server.url());
    const std::string large(2 << 20, 'x');
    const Outgoing messages[] = {{.subject = "nobody"},
                                 {.subject = "nobody", .payload = as_bytes(large)},
                                 {.subject = "nobody"}};
    const auto answers = connection->exchange(messages, connection->deadline());
    ASSERT_EQ(answers.size(), 3U);
    EXPECT_EQ(code_of(answers[0]), Errc::unavailable);
    EXPECT_EQ(code_of(answers[1]), Errc::invalid);
    EXPECT_EQ(code_of(answers[2]), Errc::unavailable);
    EXPECT_EQ(answers[2].error().message, "not sent");
    EXPECT_TRUE(connection->connected());
}

TEST(Connection, ARequestInFlightEndsWithTheConnection) {
    NatsServer server;
    const auto connection = connected_client(server.url(), 20s);
    std::atomic<bool> asked = false;
    const auto silent = connection->subscribe("silent", [&](const auto&) { asked = true; });
    std::jthread killer{[&] {
        EXPECT_TRUE(eventually([&] { return asked.load(); }));
        server.stop();
    }};
    const auto begin = std::chrono::steady_clock::now();
    const auto answer = connection->request({.subject = "silent"});
    EXPECT_EQ(code_of(answer), Errc::unknown_outcome);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 10s);
}

// Subscriptions are kept over a restart and destroyed while messages arrive, which crashes nats.c
// 3.4.1 where it is used directly.
TEST(Connection, SubscriptionsEndWhileTheirMessagesArrive) {
    NatsServer server;
    const auto sender = connected_client(server.url());
    const auto receiver = connected_client(server.url());
    std::atomic<bool> done = false;
    std::jthread traffic{[&] {
        while (!done)
            (void)sender->publish({.subject = "busy", .payload = as_bytes("x")});
    }};
    for (int i = 0; i < 200; ++i) {
        std::atomic<int> seen = 0;
        auto subscription = receiver->subscribe("busy", [&](const auto&) { ++seen; });
        ASSERT_TRUE(eventually([&] { return seen > 3; })) << i;
        subscription.reset();
        const int last = seen;
        EXPECT_EQ(last, seen);
    }
    done = true;
}

TEST(Connection, SubscriptionsSurviveARestart) {
    NatsServer server;
    const auto connection = connected_client(server.url());
    std::atomic<int> seen = 0;
    const auto subscription = connection->subscribe("s", [&](const auto&) { ++seen; });
    const auto generation = connection->connection_generation();
    server.stop();
    server.start();
    ASSERT_TRUE(eventually([&] { return connection->connection_generation() > generation; }));
    EXPECT_TRUE(eventually([&] { return connection->publish({.subject = "s"}) && seen > 0; }));
}

TEST(Connection, ManyThreadsShareOneConnection) {
    NatsServer server;
    const auto connection = connected_client(server.url(), 10s);
    const auto echo = connection->subscribe("echo", [&](const Incoming& request) {
        (void)connection->publish({.subject = request.reply, .payload = request.payload});
    });
    std::atomic<int> good = 0;
    {
        std::vector<std::jthread> threads;
        for (int t = 0; t < 4; ++t) {
            threads.emplace_back([&, t] {
                for (int i = 0; i < 100; ++i) {
                    const auto text = std::to_string(t * 1000 + i);
                    const auto answer =
                        connection->request({.subject = "echo", .payload = as_bytes(text)});
                    if (answer && model::to_text(answer->payload) == text) ++good;
                }
            });
        }
    }
    EXPECT_EQ(good, 400);
}

TEST(Connection, PooledDeliveryAnswersTheSameWay) {
    NatsServer server;
    const auto connection =
        connected_client({.servers = {server.url()}, .name = "pooled", .pooled_delivery = true});
    const auto echo = connection->subscribe("echo", [&](const Incoming& request) {
        (void)connection->publish({.subject = request.reply, .payload = request.payload});
    });
    for (int i = 0; i < 20; ++i)
        EXPECT_EQ(ask(*connection, "echo", std::to_string(i)), std::to_string(i));
}

TEST(Connection, LogsInWithUserAndPassword) {
    NatsServer server{"authorization { user: u, password: p }"};
    EXPECT_TRUE(connected_client({.servers = {server.url()}, .user = "u", .password = "p"}));
    const auto refused = open_client({.servers = {server.url()}, .user = "u", .password = "q"});
    EXPECT_TRUE(eventually([&] { return !refused->last_reason().empty(); }));
    EXPECT_FALSE(refused->connected());
    EXPECT_NE(refused->last_reason().find("uthorization"), std::string::npos)
        << refused->last_reason();
}

TEST(Connection, LogsInWithAToken) {
    NatsServer server{"authorization { token: secret }"};
    EXPECT_TRUE(connected_client({.servers = {server.url()}, .token = "secret"}));
    const auto refused = open_client({.servers = {server.url()}, .token = "wrong"});
    EXPECT_TRUE(eventually([&] { return !refused->last_reason().empty(); }));
    EXPECT_FALSE(refused->connected());
}

TEST(Connection, TheServerInAnEventHasNoLoginInIt) {
    NatsServer server{"authorization { user: u, password: p }"};
    Notifications notifications;
    const auto url = "nats://u:p@127.0.0.1:" + std::to_string(server.port());
    const auto connection = Connection::open({.servers = {url}}, notifications.listener()).value();
    ASSERT_TRUE(eventually([&] { return !notifications.all().empty(); }));
    EXPECT_EQ(notifications.all()[0].server, server.url());
}

// nats.c closes a connection for good after two refused logins in a row.
TEST(Connection, ComesBackWhenTheLoginIsAcceptedAgain) {
    NatsServer server{"authorization { user: u, password: p }"};
    const auto connection =
        connected_client({.servers = {server.url()}, .user = "u", .password = "p"});
    std::atomic<int> seen = 0;
    const auto subscription = connection->subscribe("s", [&](const auto&) { ++seen; });
    const auto generation = connection->connection_generation();
    server.stop();
    server.set_config("authorization { user: u, password: other }");
    server.start();
    ASSERT_TRUE(eventually(
        [&] { return connection->last_reason().find("uthorization") != std::string::npos; }));
    // Long enough for the second refusal: the reconnect wait with jitter is 350 ms at most.
    EXPECT_FALSE(eventually([&] { return connection->connected(); }, 1500ms));
    server.stop();
    server.set_config("authorization { user: u, password: p }");
    server.start();
    ASSERT_TRUE(eventually([&] { return connection->connected(); }));
    EXPECT_GT(connection->connection_generation(), generation);
    EXPECT_TRUE(eventually([&] { return connection->publish({.subject = "s"}) && seen > 0; }));
}

}  // namespace
}  // namespace adapters::nats
