// Which store a command uses, with real servers: L12.
#include "app/one_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "adapters/nats/servers.h"
#include "app/nats_options.h"
#include "reconcilers/replica/records.h"
#include "tests/app/store_world.h"
#include "tests/support/relay.h"
#include "tests/support/result.h"

namespace app {
namespace {

using adapters::nats::Admission;
using model::Errc;
using model::Result;
using test_support::code_of;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;
using namespace std::chrono_literals;

/// As Local writes it.
constexpr std::size_t slot_size = 8192;

class OneStoreTest : public testing::Test, protected test_app::StoreWorld {
protected:
    Result<OneStore> find(const std::vector<std::string>& servers, model::Duration patience = 10s) {
        config.nats.servers = servers;
        const auto options = nats_options(config, "test");
        return find_one_store(config, options.value(), std::chrono::steady_clock::now() + patience);
    }
    void remember_log(const std::string& created) const {
        auto record = reconcilers::replica::encode(reconcilers::replica::ReplicaProgress{
            .count = 1,
            .boot_id = "boot",
            .log = {.stream_created = created, .sequence = {1}},
            .copy = {}});
        record.resize(slot_size);
        std::ofstream{config.state_dir + "/progress", std::ios::binary} << model::to_text(record);
    }
    static Admission::Verdict verdict(const OneStore& store,
                                      const test_support::NatsServer& server) {
        const auto client = adapters::nats::connected_client(server.url());
        return store
            .admit({.server = adapters::nats::server_name(server.url()),
                    .exchange =
                        [&client](std::span<const adapters::nats::Outgoing> requests,
                                  adapters::nats::Deadline until) {
                            return client->exchange(requests, until);
                        }})
            .verdict;
    }
};

TEST_F(OneStoreTest, ASingleServerIsNotAsked) {
    const auto store = find({"nats://127.0.0.1:1"}, 0s);
    ASSERT_TRUE(store) << store.error().message;
    EXPECT_THAT(store->servers, ElementsAre("nats://127.0.0.1:1"));
    EXPECT_FALSE(store->admit);
}

TEST_F(OneStoreTest, AllServersOfOneStoreAreUsed) {
    create_store(a);
    const test_support::Relay also_a{a.port()};
    const auto store = find({a.url(), also_a.url()});
    ASSERT_TRUE(store) << store.error().message;
    EXPECT_THAT(store->servers, UnorderedElementsAre(a.url(), also_a.url()));
    const auto connection = connect_to_one_store(config, "test", 10s);
    ASSERT_TRUE(connection) << connection.error().message;
    EXPECT_TRUE((*connection)->connected());
}

TEST_F(OneStoreTest, TwoStoresAreRefusedWithWhatEachHas) {
    create_store(a);
    create_store(b);
    const auto store = find({a.url(), b.url()});
    ASSERT_EQ(code_of(store), Errc::invalid);
    EXPECT_THAT(store.error().message,
                AllOf(HasSubstr("nats.servers are not one store"),
                      HasSubstr(adapters::nats::server_name(a.url()) + " has election of"),
                      HasSubstr(adapters::nats::server_name(b.url()) + " has election of"),
                      HasSubstr("Name the servers of one store alone with --nats")));
    EXPECT_EQ(code_of(connect_to_one_store(config, "test", 10s)), Errc::invalid);
}

TEST_F(OneStoreTest, TheLogThatThisNodeHasReadTellsWhichIsTheClusters) {
    create_store(a);
    create_store(b);
    remember_log(identity(b).log.value());
    const auto store = find({a.url(), b.url()});
    ASSERT_TRUE(store) << store.error().message;
    EXPECT_THAT(store->servers, ElementsAre(b.url()));
}

// A reconnect may reach another server, and a server may come back with other streams.
TEST_F(OneStoreTest, AdmitsThatStoreAlone) {
    create_store(a);
    const test_support::Relay also_a{a.port()};
    const auto store = find({a.url(), also_a.url()});
    ASSERT_TRUE(store) << store.error().message;
    EXPECT_EQ(verdict(*store, a), Admission::Verdict::admitted);
    create_store(b);
    EXPECT_EQ(verdict(*store, b), Admission::Verdict::leave);
}

TEST_F(OneStoreTest, WhatWasFoundEmptyIsLeftOnceItIsNot) {
    const test_support::Relay also_a{a.port()};
    const auto store = find({a.url(), also_a.url()});
    ASSERT_TRUE(store) << store.error().message;
    EXPECT_EQ(verdict(*store, a), Admission::Verdict::admitted) << "a store without any stream";
    create_store(b);
    EXPECT_EQ(verdict(*store, b), Admission::Verdict::leave);
}

TEST_F(OneStoreTest, SaysThatNobodyAnswers) {
    const auto store = find({"nats://127.0.0.1:1", "nats://127.0.0.1:2"}, 0s);
    ASSERT_EQ(code_of(store), Errc::unavailable);
    EXPECT_THAT(
        store.error().message,
        AllOf(HasSubstr("127.0.0.1:1 does not answer"), HasSubstr("127.0.0.1:2 does not answer")));
    EXPECT_EQ(code_of(connect_to_one_store(config, "test", 0s)), Errc::unavailable);
}

}  // namespace
}  // namespace app
