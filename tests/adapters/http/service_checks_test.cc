#include "adapters/http/service_checks.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/http/check_answer.h"
#include "tests/adapters/http/server.h"
#include "tests/support/eventually.h"
#include "tests/support/processes.h"
#include "tests/support/temp_dir.h"

namespace adapters::http {
namespace {

using namespace std::chrono_literals;
using model::ServiceCheck;
using reconcilers::ports::CheckOutcome;
using State = CheckOutcome::State;
using Kind = ServiceCheck::Kind;

CheckOutcome passing() { return {.state = State::passing, .reason = {}}; }
CheckOutcome critical(std::string reason) {
    return {.state = State::critical, .reason = std::move(reason)};
}

ServiceCheck check(std::uint16_t port, Kind kind = Kind::http) {
    return {.kind = kind, .host = "127.0.0.1", .port = port, .path = "/h", .timeout = 5s};
}

CheckOutcome outcome(const ServiceCheck& check) {
    ServiceChecks checks;
    checks.start("s", check);
    CheckOutcome found;
    EXPECT_TRUE(test_support::eventually([&] {
        found = checks.poll("s");
        return found.state != State::pending;
    }));
    return found;
}

TEST(ServiceChecks, OverHttpAskForThePathAndTakeTheStatusThatIsExpected) {
    Server server{"HTTP/1.1 200 OK\r\n\r\n"};
    EXPECT_EQ(outcome(check(server.port())), passing());
    EXPECT_TRUE(server.request().starts_with("GET /h HTTP/1.1\r\n"));
    Server other{"HTTP/1.1 503 Service Unavailable\r\n\r\n"};
    EXPECT_EQ(outcome(check(other.port())), critical("503 Service Unavailable"));
    Server wanted{"HTTP/1.1 503 Service Unavailable\r\n\r\n"};
    auto given = check(wanted.port());
    given.expected_status = 503;
    EXPECT_EQ(outcome(given), passing());
    Server busy{"HTTP/1.1 429 Too Many Requests\r\n\r\n"};
    EXPECT_EQ(outcome(check(busy.port())),
              (CheckOutcome{.state = State::warning, .reason = "429 Too Many Requests"}));
}

TEST(ServiceChecks, OverTcpConnectOnly) {
    Server server{"", false};
    EXPECT_EQ(outcome(check(server.port(), Kind::tcp)), passing());
    const auto closed = static_cast<std::uint16_t>(test_support::free_port());
    EXPECT_EQ(outcome(check(closed, Kind::tcp)), critical("connect: Connection refused"));
}

TEST(ServiceChecks, EndByThemselves) {
    Server server{"", false};
    auto given = check(server.port());
    given.timeout = 30ms;
    EXPECT_EQ(outcome(given), critical("no answer in time while it answers"));
    given.host = std::string(64, 'x');  // no label is so long: refused before any server is asked
    given.timeout = 5s;
    EXPECT_EQ(outcome(given).state, State::critical);
}

TEST(ServiceChecks, OfSeveralServicesDoNotDisturbEachOther) {
    Server good{"HTTP/1.1 200 OK\r\n\r\n"};
    Server silent{"", false};
    ServiceChecks checks;
    checks.start("silent", check(silent.port()));
    checks.start("good", check(good.port()));
    EXPECT_TRUE(
        test_support::eventually([&] { return checks.poll("good").state == State::passing; }));
    EXPECT_EQ(checks.poll("silent").state, State::pending);
    EXPECT_EQ(checks.poll("unknown").state, State::none);
}

/// openssl's own TLS servers, with one certificate.
class OverHttps : public testing::Test {
protected:
    void SetUp() override {
        const auto made = run({"/usr/bin/openssl",
                               "req",
                               "-x509",
                               "-newkey",
                               "ec",
                               "-pkeyopt",
                               "ec_paramgen_curve:prime256v1",
                               "-nodes",
                               "-subj",
                               "/CN=other",
                               "-keyout",
                               file("key"),
                               "-out",
                               file("cert")});
        ASSERT_TRUE(test_support::eventually([&] { return test_support::reap(made).has_value(); }));
    }
    void TearDown() override {
        ::kill(server_, SIGKILL);
        EXPECT_TRUE(
            test_support::eventually([&] { return test_support::reap(server_).has_value(); }));
    }

    std::string file(const std::string& name) const { return directory_.path() + "/" + name; }
    pid_t run(const std::vector<std::string>& command) const {
        return test_support::spawn(command, {}, file("log"));
    }
    /// Returns once it accepts connections. `options` goes through a shell.
    void serve(const std::string& options) {
        server_ = run({"/bin/sh",
                       "-c",
                       "exec /usr/bin/openssl s_server -accept 127.0.0.1:" + std::to_string(port_) +
                           " -key " + file("key") + " -cert " + file("cert") + " " + options});
        EXPECT_TRUE(test_support::eventually([&] {
            return outcome(check(port_, Kind::tcp)).state == State::passing;
        })) << test_support::read_text(file("log"));
    }

    const test_support::TempDir directory_;
    const std::uint16_t port_ = static_cast<std::uint16_t>(test_support::free_port());
    pid_t server_ = 0;
};

TEST_F(OverHttps, TakesAnyCertificate) {
    serve("-www");
    EXPECT_EQ(outcome(check(port_, Kind::https)), passing());
    auto with_body = check(port_, Kind::https);
    with_body.expected_body = "Ciphers supported";
    EXPECT_EQ(outcome(with_body), passing());
    EXPECT_EQ(outcome(check(port_, Kind::http)).state, State::critical);
    Server plain{"HTTP/1.1 200 OK\r\n\r\n"};
    auto insecure = check(plain.port(), Kind::https);
    insecure.timeout = 100ms;
    EXPECT_EQ(outcome(insecure).state, State::critical);
}

// OpenSSL keeps the errors of all connections of a thread in one queue.
TEST_F(OverHttps, FailureOfOneCheckIsNotTakenForAnothers) {
    ASSERT_EQ(::mkfifo(file("answer").c_str(), 0600), 0);
    const int answer = ::open(file("answer").c_str(), O_RDWR | O_CLOEXEC);
    serve("-quiet <" + file("answer"));
    ServiceChecks checks;
    checks.start("waiting", check(port_, Kind::https));
    ASSERT_TRUE(test_support::eventually([&] {
        (void)checks.poll("waiting");
        return test_support::read_text(file("log")).find("GET /h") != std::string::npos;
    }));
    Server no_tls{"HTTP/1.1 400 Bad Request\r\n\r\n", true, ""};
    checks.start("broken", check(no_tls.port(), Kind::https));
    EXPECT_TRUE(
        test_support::eventually([&] { return checks.poll("broken").state != State::pending; }));
    EXPECT_EQ(checks.poll("broken"), critical("TLS: the handshake failed"));
    EXPECT_EQ(checks.poll("waiting").state, State::pending);
    const std::string_view good = "HTTP/1.1 200 OK\r\n\r\n";
    EXPECT_EQ(::write(answer, good.data(), good.size()), static_cast<ssize_t>(good.size()));
    EXPECT_TRUE(
        test_support::eventually([&] { return checks.poll("waiting").state == State::passing; }));
    ::close(answer);
}

std::optional<CheckOutcome> judged(std::string_view answer,
                                   bool ended,
                                   std::string body = "healthy") {
    ServiceCheck given;
    given.expected_body = std::move(body);
    return judge_check(given, answer, ended);
}

TEST(CheckAnswer, ABodyIsWaitedForUntilTheTextIsThereOrCannotCome) {
    const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n";
    EXPECT_EQ(judged(head, false), std::nullopt);
    EXPECT_EQ(judged(head + "it is heal", false), critical("the body has not what is expected"));
    EXPECT_EQ(judged(head + "healthy", false), passing());
    EXPECT_EQ(judged("HTTP/1.1 200 OK\r\n\r\nit is heal", false), std::nullopt);
    EXPECT_EQ(judged("HTTP/1.1 200 OK\r\n\r\nit is heal", true),
              critical("the body has not what is expected"));
    EXPECT_EQ(judged("HTTP/1.1 200 OK\r\nX: healthy\r\n\r\n", true),
              critical("the body has not what is expected"))
        << "the head is no body";
    EXPECT_EQ(judged("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nunhealthy", true),
              critical("the body has not what is expected"))
        << "what follows the body is no part of it";
    const std::string much(most_of_a_body, '.');
    EXPECT_EQ(judged("HTTP/1.1 200 OK\r\n\r\n" + much + "healthy", false),
              critical("the body has not what is expected"));
}

TEST(CheckAnswer, ChunksArePutTogether) {
    const std::string head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, CHUNKED\r\n\r\n";
    EXPECT_EQ(judged(head + "3\r\nhea\r\n4;x=y\r\nlthy\r\n", false), passing());
    EXPECT_EQ(judged(head + "3\r\nhea\r\n", false), std::nullopt);
    EXPECT_EQ(judged(head + "3\r\nhea\r\n0\r\n\r\n", false),
              critical("the body has not what is expected"));
    EXPECT_EQ(judged(head + "ffffffffffffffff\r\nhea", false), std::nullopt);
    EXPECT_EQ(judged(head + "zz\r\nhea", true), critical("the body has not what is expected"));
}

TEST(CheckAnswer, InterimAnswersAreSkipped) {
    const std::string hints = "HTTP/1.1 103 Early Hints\r\nContent-Length: 99\r\n\r\n";
    EXPECT_EQ(judged(hints, false), std::nullopt);
    EXPECT_EQ(judged(hints + "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nhealthy", false),
              passing());
    EXPECT_EQ(judged(hints, true), critical("closed without an answer"));
}

TEST(CheckAnswer, WhatIsNoHttpIsCritical) {
    EXPECT_EQ(judged("", true), critical("closed without an answer"));
    EXPECT_EQ(judged("SSH-2.0\r\n", false), critical("the answer is not HTTP"));
    EXPECT_EQ(judged(std::string(1024, 'x'), false), critical("the answer is not HTTP"));
    EXPECT_EQ(judged("HTTP/1.1 2", false), std::nullopt);
}

}  // namespace
}  // namespace adapters::http
