// Logins that need files.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

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

// The key pair of NATS' own documentation of nkeys.
constexpr auto nkey = "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4";
constexpr auto nkey_seed = "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY";

TEST(Login, ByNkeySeedFile) {
    TempDir folder;
    const auto seed_file = folder.path() + "/seed.nk";
    std::ofstream{seed_file} << nkey_seed << '\n';
    NatsServer server{std::string{"authorization { users: [ { nkey: "} + nkey + " } ] }"};
    EXPECT_TRUE(
        connected_client({.servers = {server.url()}, .nkey = nkey, .nkey_seed_file = seed_file}));
    const auto refused = open_client({.servers = {server.url()}});
    EXPECT_TRUE(eventually([&] { return !refused->last_reason().empty(); }));
    EXPECT_FALSE(refused->connected());
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
                folder_.path() + '/' + name + ".key -out " + folder_.path() + '/' + name +
                ".crt 2>/dev/null";
            return std::system(command.c_str()) == 0;
        };
        EXPECT_TRUE(make("server") && make("client") && make("stranger"));
    }

    [[nodiscard]] std::string file(const std::string& name) const {
        return folder_.path() + '/' + name;
    }
    [[nodiscard]] std::string config(bool verify) const {
        return "tls { cert_file: \"" + file("server.crt") + "\", key_file: \"" +
               file("server.key") + '"' +
               (verify ? ", ca_file: \"" + file("client.crt") + "\", verify: true" : "") + " }";
    }

    TempDir folder_;
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
