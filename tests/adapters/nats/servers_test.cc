#include "adapters/nats/servers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace adapters::nats {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Servers chosen(const ConnectionOptions& options, bool decode = true) {
    auto servers = choose_servers(options, decode);
    EXPECT_TRUE(servers) << servers.error().message;
    return servers ? *std::move(servers) : Servers{};
}

TEST(Servers, ALoginThatAllHaveIsTakenOut) {
    const auto servers = chosen({.servers = {"nats://us%40er:p%3Ass@a:1", "us@er:p%3ass@b"}});
    EXPECT_THAT(servers.urls, ElementsAre("nats://a:1", "nats://b"));
    EXPECT_EQ(servers.user, "us@er");
    EXPECT_EQ(servers.password, "p:ss");
    EXPECT_EQ(servers.token, "");
}

TEST(Servers, AUserWithoutAPasswordIsAToken) {
    const auto servers = chosen({.servers = {"nats://t%2Fok@a"}});
    EXPECT_THAT(servers.urls, ElementsAre("nats://a"));
    EXPECT_EQ(servers.token, "t/ok");
    EXPECT_EQ(servers.user, "");
}

TEST(Servers, LoginsThatDifferStayInTheirUrls) {
    const ConnectionOptions options{.servers = {"nats://u:p%40@a", "nats://v:q@b", "nats://c"}};
    EXPECT_THAT(chosen(options, true).urls,
                ElementsAre("nats://u:p@@a", "nats://v:q@b", "nats://c"));
    EXPECT_THAT(chosen(options, false).urls,
                ElementsAre("nats://u:p%40@a", "nats://v:q@b", "nats://c"));
    EXPECT_EQ(chosen(options).user, "");
}

TEST(Servers, ALoginBesideAnotherKindStaysInItsUrl) {
    const ConnectionOptions options{
        .servers = {"nats://u:p@a"}, .user = "other", .password = "secret"};
    const auto servers = chosen(options);
    EXPECT_THAT(servers.urls, ElementsAre("nats://u:p@a"));
    EXPECT_EQ(servers.user, "other");
    EXPECT_EQ(servers.password, "secret");
}

TEST(Servers, ATokenStaysOneInItsUrl) {
    EXPECT_THAT(chosen({.servers = {"nats://tok@a", "nats://b"}}).urls,
                ElementsAre("nats://tok@a", "nats://b"));
}

TEST(Servers, AUserWithAColonCannotStayInAUrlAsItStands) {
    const ConnectionOptions options{.servers = {"nats://u%3Av:geheim@a", "nats://b"}};
    const auto refused = choose_servers(options, true);
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().message, HasSubstr("nats://a has a colon in its user"));
    EXPECT_THAT(refused.error().message, Not(HasSubstr("geheim")));
    EXPECT_THAT(chosen(options, false).urls, ElementsAre("nats://u%3Av:geheim@a", "nats://b"));
}

TEST(Servers, LoginsAreEscapedForTheJsonThatNatsPutsThemInto) {
    const auto keys = chosen({.servers = {"a"}, .user = "u\"", .password = "p\\\t"});
    EXPECT_EQ(keys.user, "u\\\"");
    EXPECT_EQ(keys.password, "p\\\\\\u0009");
    EXPECT_EQ(chosen({.servers = {"a"}, .token = "\""}).token, "\\\"");
    EXPECT_EQ(chosen({.servers = {"u:%22@a"}}).password, "\\\"");
    EXPECT_THAT(chosen({.servers = {"u:%22@a", "b"}}).urls,
                ElementsAre("nats://u:\\\"@a", "nats://b"));
}

TEST(Servers, TlsIsWantedWhereAUrlSaysSo) {
    EXPECT_TRUE(chosen({.servers = {"nats://a", "tls://b"}}).tls);
    EXPECT_FALSE(chosen({.servers = {"nats://a", "nats://tls:tls@b"}}).tls);
}

TEST(Servers, WhatNamesNoServerIsRefused) {
    for (const auto* url : {"", "nats://", "nats://u:50%@a", "a:0"}) {
        const auto refused = choose_servers({.servers = {"nats://good", url}}, true);
        ASSERT_FALSE(refused) << url;
        EXPECT_EQ(refused.error().code, model::Errc::invalid) << url;
    }
}

}  // namespace
}  // namespace adapters::nats
