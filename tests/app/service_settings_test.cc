#include "app/service_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace app {
namespace {

using namespace std::chrono_literals;
using ::testing::IsEmpty;
using ::testing::SizeIs;

config::Config basis() {
    config::Config config;
    config.api = {.host = "0.0.0.0", .port = 8080};
    return config;
}

TEST(ServiceSettings, TheDaemonRegistersItsHealthAndNothingElseUnasked) {
    const auto services = service_settings(basis(), "10.0.0.1");
    ASSERT_THAT(services, SizeIs(1));
    EXPECT_EQ(services[0].name, "health");
    EXPECT_EQ(services[0].address, "10.0.0.1");
    EXPECT_EQ(services[0].port, 8080);
    EXPECT_EQ(services[0].path, "/health");
    EXPECT_FALSE(services[0].bound_to_primary);
    auto config = basis();
    config.services = {{.name = "health", .port = 1}};
    EXPECT_EQ(service_settings(config, "10.0.0.1").at(0).port, 1);
}

// defects.md M14: an address that leads nowhere is no address.
TEST(ServiceSettings, M14_ALoopbackAddressIsOnlyRegisteredWhereItIsAskedFor) {
    auto config = basis();
    config.services = {{.name = "metrics", .port = 9100}};
    EXPECT_THAT(service_settings(config, ""), IsEmpty());
    config.services[0].address = "127.0.0.1";
    EXPECT_THAT(service_settings(config, ""), SizeIs(1));
    // An API that only this machine reaches is of no use to others.
    config = basis();
    config.api.host = "127.0.0.1";
    EXPECT_THAT(service_settings(config, "10.0.0.1"), IsEmpty());
    EXPECT_THAT(service_settings(config, "127.0.0.1"), SizeIs(1)) << "advertise says so";
    config.api.host = "10.0.0.2";
    EXPECT_EQ(service_settings(config, "10.0.0.1").at(0).address, "10.0.0.2");

    config.advertise = "127.0.0.1";
    EXPECT_EQ(outside_address(config), "127.0.0.1");
    config.advertise.clear();
    config.nats.servers = {"nats://127.0.0.1:4222"};
    EXPECT_FALSE(is_loopback(outside_address(config)));
}

TEST(ServiceSettings, AServiceIsAsItsConfigurationSays) {
    auto config = basis();
    config.services = {{.name = "web",
                        .port = 443,
                        .protocol = "https",
                        .path = "/p",
                        .metadata = {{"k", "v"}},
                        .tags = {"t"},
                        .address = "web.example",
                        .bound_to_primary = true,
                        .internal = true,
                        .check = config::Service::Check{"/h", 5s, 1s, 204, "ok"}}};
    const auto service = service_settings(config, "10.0.0.1").at(1);
    EXPECT_EQ(service.name, "web");
    EXPECT_EQ(service.address, "web.example");
    EXPECT_EQ(service.port, 443);
    EXPECT_EQ(service.protocol, "https");
    EXPECT_EQ(service.path, "/p");
    EXPECT_EQ(service.metadata.at("k"), "v");
    EXPECT_THAT(service.tags, testing::ElementsAre("t"));
    EXPECT_TRUE(service.bound_to_primary);
    EXPECT_TRUE(service.internal);
    using Kind = model::ServiceCheck::Kind;
    EXPECT_EQ(service.check,
              (model::ServiceCheck{.kind = Kind::https,
                                   .host = "web.example",
                                   .port = 443,
                                   .path = "/h",
                                   .expected_status = 204,
                                   .expected_body = "ok",
                                   .interval = 5s,
                                   .timeout = 1s}));
    config.services[0].protocol = "http";
    EXPECT_EQ(service_settings(config, "h").at(1).check->kind, Kind::http);
    config.services[0].check->path.clear();
    EXPECT_EQ(service_settings(config, "h").at(1).check->kind, Kind::tcp);
}

}  // namespace
}  // namespace app
