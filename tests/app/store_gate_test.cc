// The connections of a node and the store that they may use, with real servers: L12.
#include "app/store_gate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "adapters/nats/servers.h"
#include "app/nats_options.h"
#include "tests/app/store_world.h"
#include "tests/support/eventually.h"
#include "tests/support/relay.h"

namespace app {
namespace {

using adapters::nats::Connection;
using adapters::nats::server_name;
using reconcilers::StoreUse;
using test_support::eventually;
using ::testing::HasSubstr;

class StoreGateTest : public testing::Test, protected test_app::StoreWorld {
protected:
    std::shared_ptr<Connection> open(StoreGate& gate, StoreUse use) {
        auto options = nats_options(config, std::string{to_text(use)});
        return Connection::open(std::move(options).value(), {}, gate.admit(use)).value();
    }
    static bool stays_out_because(const Connection& connection, const std::string& why) {
        return eventually(
                   [&] { return connection.last_reason().find(why) != std::string::npos; }) &&
               !connection.connected();
    }
};

TEST_F(StoreGateTest, InAnEmptyStoreTheOthersWaitForTheRolesFirstStream) {
    config.nats.servers = {a.url()};
    StoreGate gate{config, ""};
    const auto role = open(gate, StoreUse::role);
    const auto log = open(gate, StoreUse::log);
    gate.start({role, log});
    ASSERT_TRUE(eventually([&] { return role->connected(); })) << role->last_reason();
    EXPECT_TRUE(stays_out_because(*log, "the election bucket is not made yet"))
        << log->last_reason();
    EXPECT_FALSE(gate.view().identity.any_stream());
    create_store(a);
    gate.read_again(*role);
    EXPECT_TRUE(gate.view().identity.any_stream());
    EXPECT_TRUE(eventually([&] { return log->connected(); })) << log->last_reason();
}

TEST_F(StoreGateTest, AServerWithAnotherStoreIsNamedAndNotUsed) {
    create_store(a);
    create_store(b);
    config.nats.servers = {a.url(), b.url()};
    StoreGate gate{config, ""};
    std::atomic<int> changes = 0;
    gate.on_change([&] { ++changes; });
    const auto role = open(gate, StoreUse::role);
    gate.start({role});
    ASSERT_TRUE(eventually([&] { return role->connected(); })) << role->last_reason();
    EXPECT_EQ(server_name(role->server()), server_name(a.url()));
    ASSERT_TRUE(eventually([&] { return !gate.view().differs.empty(); }));
    EXPECT_THAT(gate.view().differs, HasSubstr(server_name(b.url()) + " is another store"));
    EXPECT_TRUE(gate.view().other_log);
    EXPECT_EQ(gate.view().identity, identity(a));
    EXPECT_GT(changes, 0);
    auto options = nats_options(config, "log").value();
    options.servers = {b.url()};
    const auto log = Connection::open(std::move(options), {}, gate.admit(StoreUse::log)).value();
    EXPECT_TRUE(stays_out_because(*log, "is another store than this node's")) << log->last_reason();
    gate.on_change({});
}

TEST_F(StoreGateTest, TheLogThatTheNodeHasReadDecides) {
    create_store(a);
    create_store(b);
    config.nats.servers = {a.url(), b.url()};
    StoreGate gate{config, identity(b).log.value()};
    const auto role = open(gate, StoreUse::role);
    gate.start({role});
    ASSERT_TRUE(eventually([&] { return role->connected(); })) << role->last_reason();
    EXPECT_EQ(server_name(role->server()), server_name(b.url()));
}

// All of a node's own connections may be on one server: the others are asked over connections of
// their own.
TEST_F(StoreGateTest, AServerThatNoConnectionReachesIsAskedUntilItAnswers) {
    create_store(a);
    test_support::Relay late{a.port()};
    late.refuse();
    config.nats.servers = {a.url(), late.url()};
    StoreGate gate{config, ""};
    const auto role = open(gate, StoreUse::role);
    gate.start({role});
    ASSERT_TRUE(eventually([&] { return role->connected(); })) << role->last_reason();
    ASSERT_TRUE(eventually([&] {
        return gate.view().unconfirmed.find(server_name(late.url())) != std::string::npos;
    })) << gate.view().unconfirmed;
    late.heal();
    EXPECT_TRUE(eventually([&] { return gate.view().unconfirmed.empty(); }))
        << gate.view().unconfirmed;
    EXPECT_EQ(gate.view().differs, "");
}

}  // namespace
}  // namespace app
