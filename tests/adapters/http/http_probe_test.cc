#include "adapters/http/http_probe.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/adapters/http/server.h"
#include "tests/support/eventually.h"

namespace adapters::http {
namespace {

using reconcilers::ports::Health;
using test_support::eventually;
using namespace std::chrono_literals;

Health check_url(HttpProbe& probe, const std::string& url, model::Duration timeout = 5s) {
    EXPECT_TRUE(probe.start(url, timeout));
    Health health;
    EXPECT_TRUE(eventually([&] {
        health = probe.poll();
        return health.state != Health::State::pending;
    }));
    return health;
}

Health answered(const std::string& answer) {
    Server server{answer};
    HttpProbe probe;
    return check_url(probe, server.url());
}

TEST(HttpProbe, AsksForThePathOfItsHost) {
    Server server{"HTTP/1.1 200 OK\r\n\r\nprecise text"};
    HttpProbe probe;
    const auto health = check_url(probe, server.url());
    EXPECT_EQ(health.state, Health::State::healthy) << health.reason;
    EXPECT_GT(health.took, model::Duration{});
    const auto request = server.request();
    EXPECT_EQ(request.substr(0, request.find('\r')), "GET /version?x=1 HTTP/1.1");
    EXPECT_NE(request.find("\r\nHost: 127.0.0.1:"), std::string::npos);
    EXPECT_NE(request.find("\r\nConnection: close\r\n"), std::string::npos);
}

TEST(HttpProbe, HealthyIsFrom200To299) {
    EXPECT_EQ(answered("HTTP/1.0 200\r\n\r\n").state, Health::State::healthy);
    EXPECT_EQ(answered("HTTP/1.1 299 Odd\n").state, Health::State::healthy);
    for (const auto* const bad :
         {"101 Switching Protocols", "300 Multiple Choices", "404 Not Found", "503 Down"}) {
        const auto health = answered("HTTP/1.1 " + std::string{bad} + "\r\n\r\n");
        EXPECT_EQ(health.state, Health::State::failed);
        EXPECT_EQ(health.reason, bad);
    }
}

TEST(HttpProbe, WhatIsNotHttpIsNotHealthy) {
    EXPECT_EQ(answered("").reason, "closed without an answer");
    EXPECT_EQ(answered("HTTP/1.1 20").reason, "closed without an answer");
    EXPECT_EQ(answered(std::string(5000, 'x')).reason, "the answer is not HTTP");
    for (const auto* const bad : {"SSH-2.0-OpenSSH\r\n",
                                  "HTTP/1.1 2000 OK\r\n",
                                  "HTTP/1.1 2x0 OK\r\n",
                                  "HTTP/2 200\r\n",
                                  "\n"})
        EXPECT_EQ(answered(bad).reason, "the answer is not HTTP") << bad;
}

TEST(HttpProbe, SaysThatNobodyListens) {
    std::string url;
    {
        const Server server{"", false};
        url = server.url();
    }
    HttpProbe probe;
    const auto health = check_url(probe, url);
    EXPECT_EQ(health.state, Health::State::failed);
    EXPECT_EQ(health.reason, "connect: Connection refused");
}

TEST(HttpProbe, FailsAtItsDeadlineAndNotBefore) {
    const Server silent{"", false};  // the kernel accepts, but no server answers
    HttpProbe probe;
    const auto health = check_url(probe, silent.url(), 200ms);
    EXPECT_EQ(health.state, Health::State::failed);
    EXPECT_EQ(health.reason, "no answer in time while it answers");
    EXPECT_GE(health.took, 200ms);
    EXPECT_LT(health.took, 2s);
}

TEST(HttpProbe, ResolvesNamesWithoutBlocking) {
    Server server{"HTTP/1.1 204 No Content\r\n\r\n"};
    HttpProbe probe;
    // localhost may be ::1 first, where nobody listens: the next address is tried.
    EXPECT_EQ(check_url(probe, server.url("localhost")).state, Health::State::healthy);
}

TEST(HttpProbe, ANewProbeGivesUpTheOldOne) {
    const Server silent{"", false};
    Server server{"HTTP/1.1 200 OK\r\n\r\n"};
    HttpProbe probe;
    EXPECT_EQ(probe.poll().state, Health::State::none);
    ASSERT_TRUE(probe.start(silent.url(), 10s));
    EXPECT_EQ(probe.poll().state, Health::State::pending);
    EXPECT_EQ(check_url(probe, server.url()).state, Health::State::healthy);
    EXPECT_EQ(probe.poll().state, Health::State::healthy);
}

TEST(HttpProbe, RefusesWhatIsNoUrlOfItsKind) {
    HttpProbe probe;
    for (const auto* const bad : {"",
                                  "localhost:80",
                                  "https://localhost/",
                                  "http://",
                                  "http:///x",
                                  "http://:80/",
                                  "http://a:0/",
                                  "http://a:65536/",
                                  "http://a:x/",
                                  "http://a:/",
                                  "http://[::1/",
                                  "http://[::1]x/",
                                  "http://u@a/",
                                  "http://a/b c",
                                  "http://a/\r\nX: y"}) {
        const auto started = probe.start(bad, 1s);
        ASSERT_FALSE(started) << bad;
        EXPECT_EQ(started.error().code, model::Errc::invalid);
        EXPECT_EQ(probe.poll().state, Health::State::none);
    }
    for (const auto* const good : {"http://127.0.0.1", "http://127.0.0.1?q", "http://[::1]:1/x"})
        EXPECT_TRUE(probe.start(good, 1s)) << good;
}

}  // namespace
}  // namespace adapters::http
