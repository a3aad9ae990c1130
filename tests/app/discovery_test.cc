// Finding services in a real server's registry.
#include "app/discovery.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stop_token>
#include <thread>

#include "adapters/json/records.h"
#include "adapters/json/stores.h"
#include "adapters/sync/mutex.h"
#include "tests/app/store_world.h"
#include "tests/support/eventually.h"
#include "tests/support/result.h"

namespace app {
namespace {

using adapters::nats::KvStore;
using model::Errc;
using model::ServiceEntry;
using model::ServiceHealth;
using test_support::code_of;
using test_support::eventually;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;
using namespace std::chrono_literals;

ServiceEntry entry(const std::string& name, const std::string& node) {
    return {.name = name,
            .node_id = node,
            .address = "10.0.0.1",
            .port = 80,
            .protocol = "http",
            .metadata = {{"zone", node}},
            .tags = {name + "-tag"},
            .health = ServiceHealth::passing};
}

std::vector<std::string> names_of(const std::vector<ServiceEntry>& entries) {
    std::vector<std::string> names;
    for (const auto& each : entries)
        names.push_back(each.name + "/" + each.node_id);
    return names;
}

/// What a watch has shown, on a thread of its own.
class Shown {
public:
    void add(std::vector<std::string> names) {
        const adapters::sync::Lock lock{mutex_};
        all_.push_back(std::move(names));
    }
    [[nodiscard]] std::vector<std::vector<std::string>> all() {
        const adapters::sync::Lock lock{mutex_};
        return all_;
    }

private:
    adapters::sync::Mutex mutex_;
    std::vector<std::vector<std::string>> all_ GUARDED_BY(mutex_);
};

class DiscoveryTest : public testing::Test, protected test_app::StoreWorld {
protected:
    DiscoveryTest() { config.nats.servers = {a.url()}; }

    void connect() {
        auto connected = Discovery::connect(config, 10s);
        ASSERT_TRUE(connected) << connected.error().message;
        discovery_ = std::move(*connected);
    }
    /// A node that is a member, and whose daemon does not answer.
    void join(const std::string& node) {
        ASSERT_TRUE(state_.ensure());
        adapters::json::KvClusterStore cluster{state_, spec_};
        const auto written =
            cluster.write({.node_id = node, .cluster_id = "prod", .heartbeat_ms = 500}, {});
        ASSERT_TRUE(written) << written.error().message;
    }
    /// From now on the daemon of this node answers.
    void answer(const std::string& node) {
        answers_.push_back(
            client_->subscribe(model::status_subject("prod", node),
                               [client = client_.get()](const adapters::nats::Incoming& request) {
                                   (void)client->publish({.subject = request.reply});
                               }));
    }
    void put(const ServiceEntry& service) {
        ASSERT_TRUE(services_.ensure());
        const auto text = adapters::json::encode(service);
        ASSERT_TRUE(services_.put(model::service_key(service.name, service.node_id),
                                  model::as_bytes(text)));
    }

    const model::StoreNames names_ = model::store_names("prod");
    std::shared_ptr<adapters::nats::Connection> client_ = adapters::nats::connected_client(a.url());
    KvStore state_{client_, {.bucket = names_.state, .replicas = 1}};
    KvStore spec_{client_, {.bucket = names_.spec, .replicas = 1, .created_by_write = true}};
    KvStore services_{client_, {.bucket = names_.services, .replicas = 1}};
    std::vector<std::unique_ptr<adapters::nats::Connection::Subscription>> answers_;
    std::unique_ptr<Discovery> discovery_;
};

TEST_F(DiscoveryTest, AClusterWithoutARegistryHasNoServicesAndGetsNoBucket) {
    connect();
    const auto found = discovery_->find();
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_THAT(found->entries, IsEmpty());
    EXPECT_THAT(found->unreadable, IsEmpty());
    EXPECT_EQ(code_of(services_.list()), Errc::unavailable) << "a bucket was created";
    EXPECT_EQ(code_of(state_.list()), Errc::unavailable) << "a bucket was created";
}

TEST_F(DiscoveryTest, WhatANodeThatIsSilentOrGoneSaidOfItselfIsCritical) {
    for (const char* node : {"n1", "n2"})
        join(node);
    for (const char* node : {"n1", "n2", "n3"})
        put(entry("web", node));
    answer("n1");
    connect();
    const auto found = discovery_->discover("web");
    ASSERT_TRUE(found) << found.error().message;
    ASSERT_THAT(names_of(*found), ElementsAre("web/n1", "web/n2", "web/n3"));
    EXPECT_EQ(found->at(0).health, ServiceHealth::passing);
    EXPECT_EQ(found->at(1).health, ServiceHealth::critical);
    EXPECT_EQ(found->at(1).health_reason, "node n2 does not answer");
    EXPECT_EQ(found->at(2).health, ServiceHealth::critical);
    EXPECT_EQ(found->at(2).health_reason, "node n3 is no member");
}

TEST_F(DiscoveryTest, FindsByNameTagAndMetadata) {
    for (const auto& [name, node] : {std::pair{"web", "n1"}, {"web", "n2"}, {"mail", "n1"}})
        put(entry(name, node));
    connect();
    EXPECT_THAT(names_of(discovery_->discover("web").value()), ElementsAre("web/n1", "web/n2"));
    EXPECT_THAT(names_of(discovery_->discover_by_tag("mail-tag").value()), ElementsAre("mail/n1"));
    EXPECT_THAT(names_of(discovery_->discover_by_metadata("zone", "n1").value()),
                ElementsAre("mail/n1", "web/n1"));
    EXPECT_THAT(discovery_->discover("none").value(), IsEmpty());
}

TEST_F(DiscoveryTest, ARecordThatCannotBeReadHidesNoOther) {
    put(entry("web", "n1"));
    ASSERT_TRUE(services_.put("mail/n1", model::as_bytes("no JSON")));
    connect();
    const auto found = discovery_->find();
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_THAT(names_of(found->entries), ElementsAre("web/n1"));
    ASSERT_EQ(found->unreadable.size(), 1U);
    EXPECT_EQ(found->unreadable.front().key, "mail/n1");
}

TEST_F(DiscoveryTest, AWatchShowsWhatMatchesAtOnceAndEachChange) {
    join("n1");
    answer("n1");
    put(entry("web", "n1"));
    connect();
    Shown shown;
    std::jthread watching{[&](const std::stop_token& stop) {
        discovery_->watch(
            {.tags = {"web-tag"}},
            [&](const FoundServices& found) {
                shown.add(names_of(found.entries));
                return true;
            },
            stop);
    }};
    using Names = std::vector<std::string>;
    ASSERT_TRUE(eventually([&] { return !shown.all().empty(); }));
    EXPECT_EQ(shown.all().front(), Names{"web/n1"});
    put(entry("mail", "n1"));  // does not match
    put(entry("web", "n2"));
    EXPECT_TRUE(eventually([&] { return shown.all().back() == Names{"web/n1", "web/n2"}; }));
    watching.request_stop();
    watching.join();
    for (const auto& names : shown.all())
        EXPECT_THAT(names, Not(Contains("mail/n1")));
}

TEST_F(DiscoveryTest, AWatchEndsWhenItsCallerHasEnough) {
    put(entry("web", "n1"));
    connect();
    int calls = 0;
    discovery_->watch({}, [&](const FoundServices&) { return ++calls < 1; }, {});
    EXPECT_EQ(calls, 1);
}

TEST_F(DiscoveryTest, SaysThatNoServerAnswers) {
    config.nats.servers = {"nats://127.0.0.1:1"};
    EXPECT_EQ(code_of(Discovery::connect(config, 100ms)), Errc::unavailable);
}

}  // namespace
}  // namespace app
