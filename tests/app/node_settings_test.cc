#include "app/node_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/version.h"

namespace app {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

config::Config basis() {
    config::Config config;
    config.cluster_id = "prod";
    config.node_id = "n1";
    config.state_dir = "/state";
    config.advertise = "10.0.0.1";
    config.api = {.host = "0.0.0.0", .port = 8080};
    config.election = {.timing = {.ttl = 14s, .heartbeat = 3s, .margin = 2800ms, .cooldown = 15s},
                       .priority = 50,
                       .nofailover = true};
    config.wal = {.replica_path = "/copy", .snapshot_interval = 1h};
    config.backend.data_path = "/db";
    config.backend.health_endpoint = "http://127.0.0.1:3210/version";
    config.backend.health_interval = 5s;
    config.backend.health_timeout = 3s;
    config.backend.start_timeout = 60s;
    config.backend.stop_timeout = 30s;
    return config;
}

TEST(NodeSettings, AreThoseOfTheConfigurationAndTheMachine) {
    const model::Host host{.machine_id = "m", .boot_id = "b"};
    const auto settings = node_settings(basis(), host, "inc");
    EXPECT_EQ(settings.node_id, "n1");
    EXPECT_EQ(settings.cluster_id, "prod");
    EXPECT_EQ(settings.host, host);
    EXPECT_EQ(settings.incarnation, "inc");
    EXPECT_EQ(settings.version, version);
    EXPECT_EQ(settings.timing.ttl, 14s);
    EXPECT_EQ(settings.timing.heartbeat, 3s);
    EXPECT_EQ(settings.timing.margin, 2800ms);
    EXPECT_EQ(settings.timing.cooldown, 15s);
    EXPECT_EQ(settings.priority, 50);
    EXPECT_TRUE(settings.nofailover);
    EXPECT_EQ(settings.paths.data, "/db");
    EXPECT_EQ(settings.paths.replica, "/copy");
    EXPECT_EQ(settings.paths.state, "/state");
    EXPECT_EQ(settings.snapshot_interval, 1h);
    EXPECT_EQ(settings.backend.health_url, "http://127.0.0.1:3210/version");
    EXPECT_EQ(settings.backend.health_interval, 5s);
    EXPECT_EQ(settings.backend.health_timeout, 3s);
    EXPECT_EQ(settings.backend.start_timeout, 60s);
    EXPECT_EQ(settings.backend.stop_timeout, 30s);
}

TEST(NodeSettings, TheAddressIsTheAdvertisedOneElseTheOneTowardsNats) {
    auto config = basis();
    config.nats.servers = {"nats://127.0.0.1:4222"};
    EXPECT_THAT(node_settings(config, {}, {}).addresses, ElementsAre("10.0.0.1"));
    EXPECT_EQ(node_settings(config, {}, {}).api_url, "http://10.0.0.1:8080");
    config.advertise = "fd00::1";
    EXPECT_EQ(node_settings(config, {}, {}).api_url, "http://[fd00::1]:8080");
    config.advertise.clear();
    EXPECT_THAT(node_settings(config, {}, {}).addresses, ElementsAre("127.0.0.1"));
    config.nats.servers.clear();
    EXPECT_THAT(node_settings(config, {}, {}).addresses, IsEmpty());
    EXPECT_EQ(node_settings(config, {}, {}).api_url, "");
}

class Counting final : public reconcilers::ports::Random {
public:
    std::uint64_t below(std::uint64_t below) override { return next_++ % below; }

private:
    std::uint64_t next_ = 30;
};

TEST(NewIncarnation, IsTwelveLettersAndDigits) {
    Counting random;
    EXPECT_EQ(new_incarnation(random), "uvwxyz012345");
    EXPECT_EQ(new_incarnation(random), "6789abcdefgh");
}

TEST(SpawnSpec, IsTheProcessOfTheConfiguration) {
    const auto spec = spawn_spec({.command = {"/bin/backend", "-x"},
                                  .dir = "/d",
                                  .env = {{"A", "b"}},
                                  .user = "u",
                                  .group = "g",
                                  .limits = {{"nofile", 1024}}});
    EXPECT_EQ(spec,
              (reconcilers::ports::SpawnSpec{.command = {"/bin/backend", "-x"},
                                             .dir = "/d",
                                             .env = {{"A", "b"}},
                                             .user = "u",
                                             .group = "g",
                                             .limits = {{"nofile", 1024}}}));
}

}  // namespace
}  // namespace app
