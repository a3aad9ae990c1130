// Logins with files and certificates.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "model/url.h"
#include "tests/adapters/nats/client.h"
#include "tests/support/eventually.h"
#include "tests/support/nats_server.h"
#include "tests/support/result.h"
#include "tests/support/temp_dir.h"

namespace adapters::nats {
namespace {

using test_support::code_of;
using test_support::eventually;
using test_support::NatsServer;
using test_support::TempDir;

// The key pair in NATS' documentation of nkeys.
constexpr auto nkey = "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4";
constexpr auto nkey_seed = "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY";

TEST(Login, ByNkeySeedFile) {
    TempDir directory;
    const auto seed_file = directory.path() + "/seed.nk";
    std::ofstream{seed_file} << nkey_seed << '\n';
    NatsServer server{std::string{"authorization { users: [ { nkey: "} + nkey + " } ] }"};
    EXPECT_TRUE(
        connected_client({.servers = {server.url()}, .nkey = nkey, .nkey_seed_file = seed_file}));
    const auto refused = open_client({.servers = {server.url()}});
    EXPECT_TRUE(eventually([&] { return !refused->last_reason().empty(); }));
    EXPECT_FALSE(refused->connected());
}

/// Options for `server` with `login` in its URL.
ConnectionOptions with_url_login(const NatsServer& server, const std::string& login) {
    return {.servers = {"nats://" + login + "@127.0.0.1:" + std::to_string(server.port())}};
}

void expect_refused(const ConnectionOptions& options) {
    const auto refused = open_client(options);
    EXPECT_TRUE(eventually([&] { return !refused->last_reason().empty(); }));
    EXPECT_FALSE(refused->connected());
}

TEST(Login, ByAnEncodedUrl) {
    NatsServer server{R"(authorization { user: "us@er", password: "p@ss" })"};
    EXPECT_TRUE(connected_client(with_url_login(server, "us%40er:p%40ss")));
    EXPECT_TRUE(connected_client(with_url_login(server, "us@er:p@ss")));
    expect_refused(with_url_login(server, "us%2540er:p%40ss"));
}

// nats.c before 3.9 does not decode URLs, and writes every login unescaped into its JSON.
TEST(Login, HasWhateverCharactersItHas) {
    const model::Login login{"us@er:\"name\" \\ %41 /?#,", "p@ss:\"word\" \\ %41 /?#,\t\xC3\xA4"};
    NatsServer server{std::string{R"(authorization { user: "us@er:\"name\" \\ %41 /?#,", )"} +
                      R"(password: "p@ss:\"word\" \\ %41 /?#,\t)" + "\xC3\xA4\" }"};
    EXPECT_TRUE(connected_client(
        {.servers = {server.url()}, .user = login.user, .password = login.password}));
    const model::Url url{
        .scheme = "nats", .login = login, .host = "127.0.0.1", .port = server.port()};
    EXPECT_TRUE(connected_client(to_text(url)));
}

TEST(Login, ByATokenInTheUrl) {
    NatsServer server{R"(authorization { token: "to/k:\"en" })"};
    EXPECT_TRUE(connected_client(with_url_login(server, "to%2Fk%3A%22en")));
    EXPECT_TRUE(connected_client({.servers = {server.url()}, .token = "to/k:\"en"}));
    expect_refused(with_url_login(server, "to%2Fk%3A"));
}

TEST(Login, IsEachServersOwnWhereTheirUrlsDiffer) {
    NatsServer first{R"(authorization { user: "a@b", password: "p" })"};
    NatsServer second{R"(authorization { user: "c", password: "%\"" })"};
    auto options = with_url_login(first, "a%40b:p");
    options.servers.push_back(with_url_login(second, "c:%25%22").servers.front());
    second.stop();
    const auto connection = connected_client(options);
    const auto generation = connection->connection_generation();
    first.stop();
    second.start();
    EXPECT_TRUE(eventually([&] {
        return connection->connected() && connection->connection_generation() > generation;
    }));
}

class TlsLogin : public testing::Test {
protected:
    TlsLogin() {
        const auto make = [this](const std::string& name) {
            const auto command =
                "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
                " -subj /CN=" +
                name +
                " -addext subjectAltName=IP:127.0.0.1"
                " -keyout " +
                directory_.path() + '/' + name + ".key -out " + directory_.path() + '/' + name +
                ".crt 2>/dev/null";
            return std::system(command.c_str()) == 0;
        };
        EXPECT_TRUE(make("server") && make("client") && make("stranger"));
    }

    [[nodiscard]] std::string file(const std::string& name) const {
        return directory_.path() + '/' + name;
    }
    [[nodiscard]] std::string config(bool verify) const {
        return "tls { cert_file: \"" + file("server.crt") + "\", key_file: \"" +
               file("server.key") + '"' +
               (verify ? ", ca_file: \"" + file("client.crt") + "\", verify: true" : "") + " }";
    }

    TempDir directory_;
};

TEST_F(TlsLogin, ByTheServersAuthority) {
    NatsServer server{config(false)};
    const auto url = "tls://127.0.0.1:" + std::to_string(server.port());
    const auto connection = connected_client({.servers = {url}, .tls = {.ca = file("server.crt")}});
    EXPECT_EQ(code_of(connection->request({.subject = "x"})), model::Errc::unavailable);
    for (const ConnectionOptions& bad :
         {ConnectionOptions{.servers = {url}, .tls = {.ca = file("stranger.crt")}},
          ConnectionOptions{.servers = {url}}}) {
        const auto refused = open_client(bad);
        EXPECT_TRUE(eventually([&] { return !refused->last_reason().empty(); }));
        EXPECT_FALSE(refused->connected());
    }
}

TEST_F(TlsLogin, ByACertificateOfTheClient) {
    NatsServer server{config(true)};
    const auto with = [&](const std::string& name) {
        return ConnectionOptions{
            .servers = {server.url()},
            .tls = {
                .ca = file("server.crt"), .cert = file(name + ".crt"), .key = file(name + ".key")}};
    };
    EXPECT_TRUE(connected_client(with("client")));
    const auto refused = open_client(with("stranger"));
    EXPECT_TRUE(eventually([&] { return !refused->last_reason().empty(); }));
    EXPECT_FALSE(refused->connected());
}

}  // namespace
}  // namespace adapters::nats
