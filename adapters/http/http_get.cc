#include "adapters/http/http_get.h"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>

#include "adapters/http/messages.h"

namespace adapters::http {
namespace {

using model::Errc;
using model::error;
using model::Result;
using SteadyTime = std::chrono::steady_clock::time_point;

constexpr std::size_t largest_answer = std::size_t{1024} * 1024;

class Socket {
public:
    explicit Socket(int family)
        : fd_{::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)} {}
    ~Socket() {
        if (fd_ >= 0) ::close(fd_);
    }
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;
    [[nodiscard]] int get() const { return fd_; }

private:
    int fd_;
};

model::Error failed(std::string_view what) {
    return error(Errc::unavailable, std::string{what} + ": " + std::strerror(errno));
}

Result<void> await(int fd, short events, SteadyTime until) {
    for (;;) {
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
        if (left.count() <= 0) return error(Errc::unavailable, "no answer in time");
        pollfd wait{.fd = fd, .events = events, .revents = 0};
        const int ready =
            ::poll(&wait, 1, static_cast<int>(std::min<std::int64_t>(left.count(), 60'000)));
        if (ready > 0) return {};
        if (ready < 0 && errno != EINTR) return failed("poll");
    }
}

Result<void> connect_to(int fd, const addrinfo& address, SteadyTime until) {
    if (::connect(fd, address.ai_addr, address.ai_addrlen) == 0) return {};
    if (errno != EINPROGRESS) return failed("connect");
    if (auto ready = await(fd, POLLOUT, until); !ready) return ready;
    int failure = 0;
    socklen_t size = sizeof failure;
    ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &size);
    if (failure == 0) return {};
    errno = failure;
    return failed("connect");
}

Result<std::string> exchange(int fd, const std::string& request, SteadyTime until) {
    const auto sent = ::send(fd, request.data(), request.size(), MSG_NOSIGNAL);
    if (sent < 0) return failed("send");
    // The send buffer of a new socket always has room for a few hundred bytes.
    if (static_cast<std::size_t>(sent) != request.size())
        return error(Errc::unavailable, "send: cut short");
    std::string answer;
    std::array<char, 16'384> buffer{};
    while (answer.size() < largest_answer) {
        if (auto ready = await(fd, POLLIN, until); !ready) return std::move(ready).error();
        const auto got = ::recv(fd, buffer.data(), buffer.size(), 0);
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) continue;
        if (got < 0) return failed("receive");
        answer.append(buffer.data(), static_cast<std::size_t>(got));
        auto body = body_of(answer);
        if (!body) return std::move(body).error();
        if (*body) return **std::move(body);
        if (got == 0) return error(Errc::unavailable, "closed before the end of its answer");
    }
    return error(Errc::invalid, "an answer of more than 1 MiB");
}

}  // namespace

Result<std::string> get(const model::HostPort& server,
                        std::string_view path,
                        model::Duration timeout) {
    const auto where = model::to_text(server);
    const auto until = std::chrono::steady_clock::now() + timeout;
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (::getaddrinfo(server.host.c_str(), std::to_string(server.port).c_str(), &hints, &found) !=
        0)
        return error(Errc::unavailable, where + ": no address");
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> addresses{found, ::freeaddrinfo};
    const auto request = "GET " + std::string{path} + " HTTP/1.1\r\nHost: " + where +
                         "\r\nUser-Agent: convex-cluster-manager\r\nConnection: close\r\n\r\n";
    auto last = error(Errc::unavailable, "no address");
    for (const auto* each = addresses.get(); each != nullptr; each = each->ai_next) {
        const Socket socket{each->ai_family};
        if (auto connected = connect_to(socket.get(), *each, until); !connected) {
            last = std::move(connected).error();
            continue;
        }
        auto body = exchange(socket.get(), request, until);
        if (!body) return std::move(body).error().during(where);
        return body;
    }
    return std::move(last).during(where);
}

}  // namespace adapters::http
