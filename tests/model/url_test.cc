#include "model/url.h"

#include <gtest/gtest.h>

namespace model {
namespace {

Url parsed(std::string_view text) {
    auto url = parse_url(text);
    EXPECT_TRUE(url) << text << ": " << url.error().message;
    return url ? *url : Url{};
}

std::string refusal(std::string_view text) {
    const auto url = parse_url(text);
    return url ? "" : url.error().message;
}

TEST(Url, HasAHostAndPerhapsMore) {
    EXPECT_EQ(parsed("a"), (Url{.host = "a"}));
    EXPECT_EQ(parsed("a:1"), (Url{.host = "a", .port = 1}));
    EXPECT_EQ(parsed("tls://a.b:65535/"), (Url{.scheme = "tls", .host = "a.b", .port = 65535}));
    EXPECT_EQ(parsed("nats://[::1]"), (Url{.scheme = "nats", .host = "::1"}));
    EXPECT_EQ(parsed("[fd00::1]:4222"), (Url{.host = "fd00::1", .port = 4222}));
    EXPECT_EQ(parsed("nats://u:p@a:1"),
              (Url{.scheme = "nats", .login = Login{"u", "p"}, .host = "a", .port = 1}));
    EXPECT_EQ(parsed("token@a"), (Url{.login = Login{"token", ""}, .host = "a"}));
    EXPECT_EQ(parsed("nats://@a"), (Url{.scheme = "nats", .host = "a"}));
}

TEST(Url, IsRefusedWhereItNamesNoServer) {
    for (const auto* url : {"",
                            "nats://",
                            "nats://u:p@",
                            "://a",
                            "a:",
                            "a:0",
                            "a:65536",
                            "a:x",
                            ":1",
                            "::1",
                            "[::1",
                            "[]",
                            "[::1]x",
                            "a b",
                            "a,b",
                            "a/x",
                            "a?x",
                            "a#x",
                            "nats://nats://a"}) {
        EXPECT_NE(refusal(url), "") << url;
        EXPECT_NE(refusal(url).find("write it like nats://host:4222"), std::string::npos) << url;
    }
}

TEST(Url, ItsLoginIsDecoded) {
    const auto login = [](std::string_view text) { return *parsed(text).login; };
    EXPECT_EQ(login("nats://us%40er:p%40ss@host"), (Login{"us@er", "p@ss"}));
    EXPECT_EQ(login("nats://a%3ab:c%3Ad@host"), (Login{"a:b", "c:d"}));
    EXPECT_EQ(login("nats://%25:%2525@host"), (Login{"%", "%25"}));
    EXPECT_EQ(login("nats://%C3%A4+:%2C@host"), (Login{"\xC3\xA4+", ","}));
}

TEST(Url, ALoginThatIsNotEncodedHoldsWhatCannotBeMistaken) {
    const auto login = [](std::string_view text) { return *parsed(text).login; };
    EXPECT_EQ(login("nats://us@er:p@s/s:w#rd@host"), (Login{"us@er", "p@s/s:w#rd"}));
    EXPECT_EQ(login("u:p://x@host"), (Login{"u", "p://x"}));
}

TEST(Url, ALoginThatCannotBeDecodedIsRefusedAndNotShown) {
    for (const auto* url : {"nats://u:50%@a",
                            "nats://u:geheim%4@a",
                            "nats://u:%4Gx@a",
                            "nats://u%:p@a",
                            "nats://u:%00@a",
                            "nats://:geheim@a"}) {
        const auto why = refusal(url);
        EXPECT_NE(why.find("\"nats://***@a\""), std::string::npos) << why;
        EXPECT_EQ(why.find("geheim"), std::string::npos) << why;
    }
    EXPECT_NE(refusal("nats://u:50%@a").find("write %25 for it"), std::string::npos);
}

TEST(Url, ItsTextReadsAsTheSame) {
    for (const auto* text : {"a",
                             "tls://a:1",
                             "nats://[::1]:4222",
                             "nats://u@a",
                             "nats://us%40er:p%40s%2F%3A%25%2C%20%C3%A4@a:1"})
        EXPECT_EQ(to_text(parsed(text)), text);
    std::string every;
    for (int c = 1; c < 256; ++c)
        every += static_cast<char>(c);
    const Url url{.scheme = "nats", .login = Login{every, every}, .host = "a", .port = 1};
    EXPECT_EQ(parsed(to_text(url)), url);
}

TEST(Url, IsShownWithoutItsLogin) {
    for (const auto* text : {"nats://u:geheim@a:1", "nats://u:geheim@geheim@a:1"}) {
        EXPECT_EQ(without_login(text), "nats://a:1");
        EXPECT_EQ(redacted(text), "nats://***@a:1");
    }
    EXPECT_EQ(without_login("nats://a:1"), "nats://a:1");
    EXPECT_EQ(redacted("nats://a:1"), "nats://a:1");
}

TEST(Url, WhatIsNoneShowsNoLoginEither) {
    EXPECT_EQ(redacted("u:geheim@"), "***@");
    EXPECT_EQ(redacted("nats:/u:geheim@a"), "***@a");
    EXPECT_EQ(redacted("u:ge://heim@a"), "***@a");
    EXPECT_EQ(redacted("nats://u:geheim@a,nats://u:geheim@b"), "nats://***@b");
    EXPECT_EQ(without_login(""), "");
}

}  // namespace
}  // namespace model
