// HTTP over loopback, written to the socket directly: a well-behaved client library would not send
// what is tested here.
#include "adapters/cpprest/http_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <stdexcept>
#include <thread>
#include <vector>

#include "adapters/sync/mutex.h"

// Requests that the library still has under way when the process ends are never freed.
extern "C" const char* __lsan_default_suppressions();                                    // NOLINT
extern "C" const char* __lsan_default_suppressions() { return "leak:libcpprest.so\n"; }  // NOLINT

namespace adapters::cpprest {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

/// A port that was free a moment ago.
std::uint16_t free_port() {
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), size), 0);
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
    ::close(fd);
    return ntohs(address.sin_port);
}

class Client {
public:
    explicit Client(std::uint16_t port) : fd_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address.sin_port = htons(port);
        connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    }
    ~Client() { ::close(fd_); }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    [[nodiscard]] bool connected() const { return connected_; }

    /// Number of bytes that the other side accepted before it closed.
    std::size_t send(std::string_view text) const {
        std::size_t sent = 0;
        while (sent < text.size()) {
            const auto count = ::send(fd_, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
            if (count <= 0) break;
            sent += static_cast<std::size_t>(count);
        }
        return sent;
    }

    /// Everything received until the other side closes or `enough` returns true; at most ten
    /// seconds.
    template <typename Enough>
    std::string receive(Enough enough) {
        const auto deadline = std::chrono::steady_clock::now() + 10s;
        while (!enough(got_)) {
            const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
                deadline - std::chrono::steady_clock::now());
            pollfd poll{fd_, POLLIN, 0};
            if (left <= 0ms || ::poll(&poll, 1, static_cast<int>(left.count())) <= 0) {
                timed_out_ = true;
                break;
            }
            char buffer[4096];
            const auto count = ::recv(fd_, buffer, sizeof buffer, 0);
            if (count <= 0) break;
            got_.append(buffer, static_cast<std::size_t>(count));
        }
        return got_;
    }
    std::string receive_all() {
        return receive([](const std::string&) { return false; });
    }
    [[nodiscard]] bool timed_out() const { return timed_out_; }

private:
    int fd_;
    bool connected_ = false;
    bool timed_out_ = false;
    std::string got_;
};

/// Blocks handlers until the test lets them through.
class Gate {
public:
    void wait() {
        const sync::Lock lock{mutex_};
        ++waiting_;
        changed_.notify_all();
        changed_.wait(mutex_, [this]() REQUIRES(mutex_) { return open_; });
    }
    bool reached(int count) {
        const sync::Lock lock{mutex_};
        return changed_.wait_for(mutex_, 10s, [&]() REQUIRES(mutex_) { return waiting_ >= count; });
    }
    void open() {
        const sync::Lock lock{mutex_};
        open_ = true;
        changed_.notify_all();
    }

private:
    sync::Mutex mutex_;
    sync::Condition changed_;
    int waiting_ GUARDED_BY(mutex_) = 0;
    bool open_ GUARDED_BY(mutex_) = false;
};

class HttpServerTest : public ::testing::Test {
protected:
    /// Another process may take the port between choosing and using it: choose again.
    void SetUp() override {
        for (int attempt = 0; attempt < 20 && !server_; ++attempt) {
            port_ = free_port();
            start();
        }
        ASSERT_TRUE(server_);
    }
    void start() {
        auto started = HttpServer::start(
            {{"127.0.0.1", port_}, "api.listen"},
            [this](const model::HttpRequest& request) { return answer(request); });
        if (started) server_ = std::move(*started);
    }
    void TearDown() override { gate_.open(); }

    model::HttpResponse answer(const model::HttpRequest& request) {
        if (request.path == "/throw") throw std::runtime_error{"no"};
        if (request.path == "/throw42") throw 42;
        if (request.path == "/gate") gate_.wait();
        if (request.path == "/405") return {.status = 405, .body = "no", .allow = "GET, HEAD"};
        std::string query;
        for (const auto& [name, value] : request.query)
            query += name + "=" + value + ";";
        return {.content_type = "text/plain",
                .body = request.method + " " + request.path + " " + query};
    }

    std::string ask(const std::string& request) const {
        Client client{port_};
        client.send(request);
        return client.receive_all();
    }
    std::string get(const std::string& path, const std::string& method = "GET") const {
        return ask(method + " " + path + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    }

    std::uint16_t port_ = 0;
    Gate gate_;
    std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpServerTest, HandsOverMethodPathAndQueryAndGivesBackTheAnswer) {
    const auto got = get("/a%20b?x=1&y=%C3%A4");
    EXPECT_THAT(got, StartsWith("HTTP/1.1 200"));
    EXPECT_THAT(got, HasSubstr("Content-Type: text/plain"));
    EXPECT_THAT(got, HasSubstr("\r\n\r\nGET /a b x=1;y=\xC3\xA4;"));
}

TEST_F(HttpServerTest, HeadHasNoBodyAndEveryMethodReachesTheHandler) {
    const auto head = get("/x", "HEAD");
    EXPECT_THAT(head, StartsWith("HTTP/1.1 200"));
    EXPECT_THAT(head, testing::EndsWith("\r\n\r\n"));
    EXPECT_THAT(get("/x", "OPTIONS"), HasSubstr("OPTIONS /x"));
    EXPECT_THAT(get("/x", "DELETE"), HasSubstr("DELETE /x"));
    const auto refused = get("/405", "POST");
    EXPECT_THAT(refused, StartsWith("HTTP/1.1 405"));
    EXPECT_THAT(refused, HasSubstr("Allow: GET, HEAD"));
}

TEST_F(HttpServerTest, AHandlerThatThrowsCostsOneAnswer) {
    EXPECT_THAT(get("/throw"), StartsWith("HTTP/1.1 500"));
    EXPECT_THAT(get("/throw42"), StartsWith("HTTP/1.1 500"));
    EXPECT_THAT(get("/x"), StartsWith("HTTP/1.1 200"));
}

TEST_F(HttpServerTest, GarbageGetsNothingGoodAndHarmsNobody) {
    for (const std::string& request :
         {std::string{"garbage\r\n\r\n"},
          std::string{"GET\r\n\r\n"},
          std::string{"GET /%zz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"},
          std::string{"GET /?%zz=1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"},
          std::string("\0\1\2\3\r\n\r\n", 8),
          "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n" + std::string(99, 'x'),
          std::string{"GET / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n"
                      "Connection: close\r\n\r\n"}}) {
        Client client{port_};
        client.send(request);
        const auto got = client.receive(
            [](const std::string& text) { return text.find("\r\n\r\n") != std::string::npos; });
        EXPECT_FALSE(client.timed_out()) << request;
        EXPECT_THAT(got, Not(HasSubstr("HTTP/1.1 200"))) << request;
        EXPECT_THAT(get("/x"), StartsWith("HTTP/1.1 200")) << request;
    }
}

// The library waits for the rest of such a body, as it would for a slow client's: there is no
// answer.
TEST_F(HttpServerTest, ABodyThatLiesAboutItsLengthHarmsNobody) {
    for (const char* head : {"Transfer-Encoding: chunked\r\n\r\n-5\r\n",
                             "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
                             "Transfer-Encoding: chunked\r\n\r\n7fffffff\r\n",
                             "Content-Length: -5\r\n\r\n",
                             "Content-Length: 100\r\n\r\n"}) {
        Client client{port_};
        client.send(std::string{"POST / HTTP/1.1\r\n"} + head + "xx\r\n0\r\n\r\n");
        EXPECT_THAT(get("/x"), StartsWith("HTTP/1.1 200")) << head;
    }
}

long resident_kb() {
    std::ifstream file{"/proc/self/statm"};
    long size = 0;
    long resident = 0;
    file >> size >> resident;
    return resident * ::sysconf(_SC_PAGESIZE) / 1024;
}

TEST_F(HttpServerTest, ALargeBodyIsRefusedAndNotKept) {
    Client client{port_};
    const std::string megabyte(1 << 20, 'x');
    const auto before = resident_kb();
    client.send("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 209715200\r\n\r\n");
    std::size_t taken = 0;
    for (int i = 0; i < 200; ++i) {
        const auto sent = client.send(megabyte);
        taken += sent;
        if (sent < megabyte.size()) break;
    }
    // Cut off before everything was sent, and the bytes received are not kept.
    EXPECT_LT(taken, std::size_t{200} << 20U);
    EXPECT_LT(resident_kb() - before, 100 * 1024);
    EXPECT_THAT(get("/x"), StartsWith("HTTP/1.1 200"));
}

TEST_F(HttpServerTest, ABodyJustTooLargeIsAnsweredWith413AndOneThatFitsIsNot) {
    const auto post = [this](std::size_t size) {
        return ask("POST /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: " +
                   std::to_string(size) + "\r\n\r\n" + std::string(size, 'x'));
    };
    EXPECT_THAT(post(65536), StartsWith("HTTP/1.1 200"));
    EXPECT_THAT(post(65537), StartsWith("HTTP/1.1 413"));
    EXPECT_THAT(ask("POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
                    "Connection: close\r\n\r\n1\r\nx\r\n0\r\n\r\n"),
                StartsWith("HTTP/1.1 413"));
}

TEST_F(HttpServerTest, SlowClientsHoldUpNobody) {
    std::vector<std::unique_ptr<Client>> slow;
    for (int i = 0; i < 50; ++i) {
        slow.push_back(std::make_unique<Client>(port_));
        slow.back()->send(i % 2 == 0 ? "GET /x HT"
                                     : "POST /x HTTP/1.1\r\nContent-Length: 100\r\n\r\nhalf");
    }
    EXPECT_THAT(get("/x"), StartsWith("HTTP/1.1 200"));
    const auto began = std::chrono::steady_clock::now();
    server_->stop(500ms);
    EXPECT_LT(std::chrono::steady_clock::now() - began, 8s);
}

TEST_F(HttpServerTest, ATakenPortNamesTheKey) {
    const auto second = HttpServer::start({{"127.0.0.1", port_}, "metrics.listen"},
                                          [](const auto&) { return model::HttpResponse{}; });
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, model::Errc::unavailable);
    EXPECT_THAT(second.error().message,
                StartsWith("metrics.listen = 127.0.0.1:" + std::to_string(port_) + ": "));
    EXPECT_THAT(second.error().message, HasSubstr("name another in metrics.listen"));
}

TEST_F(HttpServerTest, AnIPv6AddressIsRefusedWithWhatToUse) {
    const auto second = HttpServer::start({{"::1", port_}, "api.listen"},
                                          [](const auto&) { return model::HttpResponse{}; });
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, model::Errc::invalid);
    EXPECT_THAT(second.error().message, HasSubstr("0.0.0.0"));
}

TEST_F(HttpServerTest, WhatRunsIsAnsweredWholeBeforeItStopsAndWhatComesIsRefused) {
    Client first{port_};
    Client second{port_};
    Client late{port_};
    const std::string request = "GET /gate HTTP/1.1\r\nHost: a\r\n\r\n";
    first.send(request);
    second.send(request);
    ASSERT_TRUE(gate_.reached(2));

    std::atomic<bool> stopped = false;
    std::thread stopper{[&] {
        server_->stop(10s);
        stopped = true;
    }};
    // Until the server's thread has seen the stop it still answers: poll for the refusal.
    std::string refused;
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    while (!refused.starts_with("HTTP/1.1 503") && std::chrono::steady_clock::now() < deadline)
        refused = get("/x");
    EXPECT_THAT(refused, StartsWith("HTTP/1.1 503"));
    late.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_THAT(late.receive_all(), StartsWith("HTTP/1.1 503"));
    EXPECT_FALSE(stopped);

    gate_.open();
    const auto whole = [](const std::string& text) {
        return text.find("GET /gate ") != std::string::npos;
    };
    EXPECT_TRUE(whole(first.receive(whole)));
    EXPECT_TRUE(whole(second.receive(whole)));
    stopper.join();
    EXPECT_FALSE(Client{port_}.connected());
}

TEST_F(HttpServerTest, ManyClientsAtOnceAreAllAnswered) {
    std::atomic<int> good = 0;
    std::vector<std::thread> clients;
    for (int i = 0; i < 8; ++i) {
        clients.emplace_back([&] {
            for (int n = 0; n < 50; ++n) {
                if (get("/x").starts_with("HTTP/1.1 200")) ++good;
            }
        });
    }
    for (auto& client : clients)
        client.join();
    EXPECT_EQ(good, 400);
}

TEST_F(HttpServerTest, ThePortIsFreeAgainAfterwards) {
    EXPECT_THAT(get("/x"), StartsWith("HTTP/1.1 200"));
    server_.reset();
    start();
    ASSERT_TRUE(server_);
    EXPECT_THAT(get("/x"), StartsWith("HTTP/1.1 200"));
}

}  // namespace
}  // namespace adapters::cpprest
