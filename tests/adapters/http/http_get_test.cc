#include "adapters/http/http_get.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "tests/adapters/http/server.h"
#include "tests/support/result.h"

namespace adapters::http {
namespace {

using model::Errc;
using test_support::code_of;
using namespace std::chrono_literals;

model::Result<std::string> answered(const std::string& answer) {
    const Server server{answer};
    return get({.host = "127.0.0.1", .port = server.port()}, "/status", 5s);
}

TEST(HttpGet, AsksForThePageAndGivesItsBody) {
    Server server{"HTTP/1.1 200 OK\r\nX: y\r\ncontent-length: 14\r\n\r\n{\"role\":\"x\"}\r\n"};
    const auto body = get({.host = "127.0.0.1", .port = server.port()}, "/status", 5s);
    ASSERT_TRUE(body) << body.error().message;
    EXPECT_EQ(*body, "{\"role\":\"x\"}\r\n");
    const auto request = server.request();
    EXPECT_EQ(request.substr(0, request.find('\r')), "GET /status HTTP/1.1");
    EXPECT_NE(request.find("\r\nHost: 127.0.0.1:" + std::to_string(server.port()) + "\r\n"),
              std::string::npos);
}

TEST(HttpGet, ALongBodyComesWhole) {
    const std::string text(300'000, 'x');
    EXPECT_EQ(answered("HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + text).value(), text);
}

TEST(HttpGet, AnAnswerThatIsCutShortIsNone) {
    EXPECT_EQ(code_of(answered("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabcd")),
              Errc::unavailable);
    EXPECT_EQ(code_of(answered("HTTP/1.1 200 OK\r\nContent-Le")), Errc::unavailable);
    EXPECT_EQ(code_of(answered("")), Errc::unavailable);
    EXPECT_EQ(answered("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabcd").value(), "abcd");
}

TEST(HttpGet, AnyOtherAnswerIsRefused) {
    for (const auto* const bad : {"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
                                  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                                  "HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\nx",
                                  "SSH-2.0-OpenSSH\r\n\r\n"})
        EXPECT_EQ(code_of(answered(bad)), Errc::invalid) << bad;
    EXPECT_TRUE(
        answered("HTTP/1.1 404 Not Found\r\n\r\n").error().message.ends_with(": 404 Not Found"));
    EXPECT_EQ(code_of(answered(std::string(2'000'000, 'x'))), Errc::invalid);
}

TEST(HttpGet, SaysThatNobodyListensOrAnswers) {
    model::HostPort nobody{.host = "127.0.0.1"};
    {
        const Server server{"", false};
        nobody.port = server.port();
        const auto began = std::chrono::steady_clock::now();
        const auto silent = get(nobody, "/", 200ms);  // the kernel accepts, but no server answers
        EXPECT_EQ(code_of(silent), Errc::unavailable);
        EXPECT_NE(silent.error().message.find("no answer in time"), std::string::npos);
        const auto took = std::chrono::steady_clock::now() - began;
        EXPECT_GE(took, 200ms);
        EXPECT_LT(took, 2s);
    }
    const auto refused = get(nobody, "/", 5s);
    EXPECT_EQ(code_of(refused), Errc::unavailable);
    EXPECT_NE(refused.error().message.find("connect: Connection refused"), std::string::npos);
}

TEST(HttpGet, ANameIsLookedUpAndEachAddressTried) {
    const Server server{"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"};
    // localhost may be ::1 first, where nobody listens.
    EXPECT_EQ(get({.host = "localhost", .port = server.port()}, "/", 5s).value(), "x");
    EXPECT_EQ(code_of(get({.host = "no such host", .port = 1}, "/", 1s)), Errc::unavailable);
}

}  // namespace
}  // namespace adapters::http
