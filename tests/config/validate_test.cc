#include "config/validate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/config/input.h"

namespace config {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

TEST(ConfigValidate, IdsFitIntoTheNamesOfBucketsAndKeys) {
    const auto cluster = [](const char* id) {
        return errors(input({{"clusterId", text(id)}})).empty();
    };
    const auto node = [](const char* id) { return errors(input({{"nodeId", text(id)}})).empty(); };
    EXPECT_TRUE(cluster("Prod_eu-1"));
    EXPECT_TRUE(node("node.eu-1_a"));
    EXPECT_TRUE(cluster(std::string(64, 'a').c_str()));
    EXPECT_FALSE(cluster(std::string(65, 'a').c_str()));
    for (const auto* id : {"", "a.b", "a b", "a/b", "a*", "\xC3\xA4"})
        EXPECT_FALSE(cluster(id)) << id;
    for (const auto* id : {"", ".a", "a.", "a..b", "a b", "a/b", "a>", "a\n"})
        EXPECT_FALSE(node(id)) << id;
}

TEST(ConfigValidate, AUnitIsAServiceByItsName) {
    const auto with = [](const std::string& name) {
        return errors(input({{"backend.serviceName", text(name.c_str())}}));
    };
    for (const auto* name : {"convex-backend", "convex@eu.service", "a\\x2db"})
        EXPECT_THAT(with(name), IsEmpty()) << name;
    for (const auto* name : {"",
                             "a b",
                             "/etc/a.service",
                             "a;b",
                             "a.socket",
                             "a.timer",
                             "convex-cluster-manager",
                             "convex-cluster-manager-fence.service",
                             "a@",
                             "a@.service"})
        EXPECT_THAT(with(name), Not(IsEmpty())) << name;
    EXPECT_THAT(with(std::string(255, 'a')), IsEmpty());
    EXPECT_THAT(with(std::string(256, 'a')), Not(IsEmpty()));
}

TEST(ConfigValidate, AnAddressIsOneThatCanBeUsed) {
    const auto with = [](const char* key, const char* value) {
        return errors(input({{key, text(value)}}));
    };
    for (const auto* url : {"", "http://a", "http://a:1/x", "http://[::1]:3210/v", "http://a?b"})
        EXPECT_THAT(with("backend.healthEndpoint", url), IsEmpty()) << url;
    for (const auto* url : {"a:1",
                            "https://a",
                            "http://",
                            "http:///x",
                            "http://a:0",
                            "http://a:b/",
                            "http://a:99999/",
                            "http://a b/",
                            "http://a/b c",
                            "http://u:p@a/"})
        EXPECT_THAT(with("backend.healthEndpoint", url), Not(IsEmpty())) << url;
    for (const auto* host : {"", "a.b", "10.0.0.1", "::1"})
        EXPECT_THAT(with("advertise", host), IsEmpty()) << host;
    for (const auto* host : {"http://a", "a:80", "a b", "[::1]", "u@a"})
        EXPECT_THAT(with("advertise", host), Not(IsEmpty())) << host;
    EXPECT_THAT(with("api.listen", "[::1]:80"), Contains(HasSubstr("IPv6")));
    EXPECT_THAT(with("metrics.listen", "[::1]:80"), Contains(HasSubstr("IPv6")));
    const auto server = errors(input({{"nats.servers", {List{text("a:0")}}}}));
    ASSERT_EQ(server.size(), 1U);
    EXPECT_THAT(server[0], HasSubstr("nats://host:4222"));
    EXPECT_THAT(server[0], Not(HasSubstr("8080")));
}

TEST(ConfigValidate, AVirtualAddressIsANumber) {
    const auto with = [](const char* address) {
        return errors(input({{"vip.address", text(address)}, {"vip.interface", text("eth0")}}));
    };
    for (const auto* address : {"10.0.0.9", "255.255.255.255", "fd00::1"})
        EXPECT_THAT(with(address), IsEmpty()) << address;
    for (const auto* address :
         {"10.0.0.256", "10.0.0", "10.0.0.1.2", "10.0.0.", "10.0.0.1/24", "a"})
        EXPECT_THAT(with(address), Not(IsEmpty())) << address;
}

TEST(ConfigValidate, ServersGetSchemeAndPort) {
    const auto servers = [](List urls) {
        return build(input({{"nats.servers", {std::move(urls)}}}));
    };
    EXPECT_THAT(
        servers(
            {text("a"), text("b:1"), text("tls://c:2/"), text("nats://u:p@d"), text("[::1]:4222")})
            .config.nats.servers,
        ElementsAre(
            "nats://a:4222", "nats://b:1", "tls://c:2", "nats://u:p@d:4222", "nats://[::1]:4222"));
    EXPECT_THAT(servers({text("nats://us%40er:p@s%2Fs@d")}).config.nats.servers,
                ElementsAre("nats://us%40er:p%40s%2Fs@d:4222"));
    for (const auto* url : {"",
                            "http://a",
                            "nats://",
                            "a:0",
                            "a:99999",
                            "a b",
                            "a,b",
                            "nats://a/x",
                            "nats://u:50%@a"})
        EXPECT_THAT(texts(servers({text(url)}).errors), Not(IsEmpty())) << url;
    EXPECT_THAT(texts(servers({text("a"), text("nats://a:4222")}).errors),
                Contains(HasSubstr("twice")));
    EXPECT_THAT(texts(servers({}).errors), Contains(HasSubstr("at least one")));
}

}  // namespace
}  // namespace config
