#include "app/nats_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/result.h"
#include "tests/support/temp_dir.h"

namespace app {
namespace {

using model::Errc;
using test_support::code_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

config::Config basis() {
    config::Config config;
    config.cluster_id = "prod";
    config.node_id = "n1";
    config.nats.servers = {"nats://a:4222", "tls://b:4222"};
    return config;
}

TEST(NatsOptions, AreThoseOfTheConfiguration) {
    auto config = basis();
    config.nats.user = "u";
    config.nats.password = "p";
    config.nats.tls = {.ca = "/ca", .cert = "/cert", .key = "/key"};
    const auto options = nats_options(config, "control");
    ASSERT_TRUE(options);
    EXPECT_THAT(options->servers, ElementsAre("nats://a:4222", "tls://b:4222"));
    EXPECT_EQ(options->name, "prod/n1 control");
    EXPECT_EQ(options->user, "u");
    EXPECT_EQ(options->password, "p");
    EXPECT_EQ(options->token, "");
    EXPECT_EQ(options->tls.ca, "/ca");
    EXPECT_EQ(options->tls.cert, "/cert");
    EXPECT_EQ(options->tls.key, "/key");
    config.nats.credentials = "/creds";
    EXPECT_EQ(nats_options(config, "log")->credentials, "/creds");
}

TEST(NatsOptions, TheRolesConnectionSharesItsThreadWithNobody) {
    EXPECT_FALSE(nats_options(basis(), "role")->pooled_delivery);
    EXPECT_TRUE(nats_options(basis(), "control")->pooled_delivery);
    EXPECT_TRUE(nats_options(basis(), "log")->pooled_delivery);
}

TEST(NatsOptions, ASecretIsTheFirstLineOfItsFile) {
    const test_support::TempDir directory;
    const auto path = directory.path() + "/secret";
    std::ofstream{path} << "geheim\nmore\n";
    auto config = basis();
    config.nats.user = "u";
    config.nats.password_file = path;
    EXPECT_EQ(nats_options(config, "role")->password, "geheim");
    auto token = basis();
    token.nats.token_file = path;
    EXPECT_EQ(nats_options(token, "role")->token, "geheim");
}

TEST(NatsOptions, ASecretThatCannotBeReadIsInvalid) {
    const test_support::TempDir directory;
    const auto empty = directory.path() + "/empty";
    std::ofstream{empty}.flush();
    for (const auto& path : {empty, directory.path() + "/absent"}) {
        auto password = basis();
        password.nats.password_file = path;
        EXPECT_EQ(code_of(nats_options(password, "role")), Errc::invalid);
        EXPECT_THAT(nats_options(password, "role").error().message,
                    HasSubstr("nats.passwordFile: " + path));
        auto token = basis();
        token.nats.token_file = path;
        EXPECT_THAT(nats_options(token, "role").error().message,
                    HasSubstr("nats.tokenFile: " + path));
    }
}

TEST(AddressTowards, IsTheOneOnTheRouteToTheFirstServer) {
    EXPECT_EQ(address_towards({"nats://127.0.0.1:4222", "nats://192.0.2.1:4222"}), "127.0.0.1");
    EXPECT_EQ(address_towards({"nats://user:p@ss@127.0.0.1:4222"}), "127.0.0.1");
    EXPECT_EQ(address_towards({"127.0.0.1"}), "127.0.0.1");
    EXPECT_EQ(address_towards({"tls://127.0.0.9"}), "127.0.0.1");
}

TEST(AddressTowards, IsNothingWhereThereIsNoRoute) {
    EXPECT_EQ(address_towards({}), "");
    EXPECT_EQ(address_towards({"nats://"}), "");
    EXPECT_EQ(address_towards({"nats://127.0.0.1:port"}), "");
}

}  // namespace
}  // namespace app
