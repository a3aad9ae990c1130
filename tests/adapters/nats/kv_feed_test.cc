// The consumers of a feed, as the server has them.
#include "adapters/nats/kv_feed.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "adapters/nats/kv_store.h"
#include "tests/adapters/nats/client.h"
#include "tests/support/eventually.h"
#include "tests/support/nats_server.h"

namespace adapters::nats {
namespace {

using model::as_bytes;
using nlohmann::json;
using test_support::eventually;

class KvFeedConsumers : public testing::Test {
protected:
    void SetUp() override {
        ASSERT_TRUE(kv_.ensure());
        ASSERT_TRUE(kv_.put("a", as_bytes("x")));
    }
    /// The inboxes of the consumers to which somebody listens.
    std::vector<std::string> heard() {
        const auto listed = json::parse(ask(*client_, "$JS.API.CONSUMER.LIST.KV_b", "{}"));
        std::vector<std::string> inboxes;
        for (const auto& consumer : listed.at("consumers"))
            if (consumer.value("push_bound", false))
                inboxes.push_back(consumer.at("config").at("deliver_subject"));
        return inboxes;
    }
    [[nodiscard]] bool read_whole(KvFeed& feed) {
        return eventually([&] {
            const auto changes = feed.take();
            return changes && changes->whole && changes->changes.size() == 1;
        });
    }
    /// What the server sends when it is idle: how many messages it has sent.
    void send_heartbeat(const std::string& inbox, const std::string& last) {
        ASSERT_TRUE(client_->publish({.subject = inbox,
                                      .headers = {{"Status", "100"}, {"Nats-Last-Consumer", last}},
                                      .payload = {}}));
    }

    test_support::NatsServer server_;
    std::shared_ptr<Connection> client_ = connected_client(server_.url());
    KvStore kv_{client_, {.bucket = "b"}};
};

// Where they share an inbox, the next one hears the last one's heartbeats, takes them for a gap of
// its own, and so on without end.
TEST_F(KvFeedConsumers, OneThatMissedSomethingIsReplacedAndNotHeardAnyMore) {
    KvFeed feed{connected_client(server_.url()), "b", 100};
    ASSERT_TRUE(read_whole(feed));
    const auto first = heard();
    ASSERT_EQ(first.size(), 1U);
    send_heartbeat(first.front(), "999");
    ASSERT_TRUE(read_whole(feed));
    const auto second = heard();
    ASSERT_EQ(second.size(), 1U);
    EXPECT_NE(second, first);
    // A late one of the last consumer.
    send_heartbeat(first.front(), "999");
    ASSERT_TRUE(kv_.put("b", as_bytes("y")));
    ASSERT_TRUE(eventually([&] {
        const auto changes = feed.take();
        EXPECT_TRUE(!changes || !changes->whole);
        return changes && changes->changes.size() == 1;
    }));
    EXPECT_EQ(heard(), second);
}

}  // namespace
}  // namespace adapters::nats
