#include "adapters/http/http_get.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "adapters/http/dial.h"
#include "adapters/http/messages.h"
#include "adapters/http/now.h"

namespace adapters::http {
namespace {

using model::Errc;
using model::error;
using model::Result;

constexpr std::size_t largest_answer = std::size_t{1024} * 1024;

// A look-up has no descriptor to wait for.
constexpr model::Duration look_up_interval = std::chrono::milliseconds{5};
constexpr model::Duration longest_wait = std::chrono::minutes{1};

model::Error failed(std::string_view what) {
    return error(Errc::unavailable, std::string{what} + ": " + std::strerror(errno));
}

/// Returns when the descriptor is ready, when `most` has passed, or earlier; unavailable: at
/// `until`, it is not. fd -1: none.
Result<void> await(int fd, short events, model::Instant until, model::Duration most) {
    const auto left = std::min(until - now(), most);
    if (left <= model::Duration{}) return error(Errc::unavailable, "no answer in time");
    pollfd wait{.fd = fd, .events = events, .revents = 0};
    const auto ms = std::chrono::ceil<std::chrono::milliseconds>(left).count();
    if (::poll(&wait, 1, static_cast<int>(ms)) < 0 && errno != EINTR) return failed("poll");
    return {};
}

Result<void> connect(Dial& dial, model::Instant until) {
    for (;;) {
        const auto state = dial.poll();
        if (state == Dial::State::connected) return {};
        if (state == Dial::State::failed) return error(Errc::unavailable, dial.failure());
        const auto most = dial.fd() < 0 ? look_up_interval : longest_wait;
        if (auto ready = await(dial.fd(), POLLOUT, until, most); !ready) return ready;
    }
}

Result<std::string> exchange(int fd, const std::string& request, model::Instant until) {
    const auto sent = ::send(fd, request.data(), request.size(), MSG_NOSIGNAL);
    if (sent < 0) return failed("send");
    // The send buffer of a new socket always has room for a few hundred bytes.
    if (static_cast<std::size_t>(sent) != request.size())
        return error(Errc::unavailable, "send: cut short");
    std::string answer;
    std::array<char, 16'384> buffer{};
    while (answer.size() < largest_answer) {
        if (auto ready = await(fd, POLLIN, until, longest_wait); !ready)
            return std::move(ready).error();
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
    const auto until = now() + timeout;
    Dial dial{server.host, server.port};
    if (auto connected = connect(dial, until); !connected)
        return std::move(connected).error().during(where);
    auto body = exchange(dial.fd(), get_request(path, where), until);
    if (!body) return std::move(body).error().during(where);
    return body;
}

}  // namespace adapters::http
