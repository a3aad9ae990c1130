#include "tests/support/writer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <stdexcept>
#include <thread>

#include "adapters/sync/mutex.h"
#include "tests/support/eventually.h"

namespace test_support {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

bool ready(int fd, short events, Clock::time_point until) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now()).count();
    pollfd wait{.fd = fd, .events = events, .revents = 0};
    return left > 0 && ::poll(&wait, 1, static_cast<int>(left)) == 1;
}

struct Socket {
    int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    Socket() = default;
    ~Socket() { ::close(fd); }
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;
};

/// TCP itself tries again only after a second where nobody has the address for a moment.
constexpr std::chrono::milliseconds connect_within{250};

bool connect_to(int fd, const Endpoint& to, Clock::time_point until) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(static_cast<std::uint16_t>(to.port));
    if (::inet_pton(AF_INET, to.host.c_str(), &at.sin_addr) != 1) return false;
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0) return true;
    if (errno != EINPROGRESS || !ready(fd, POLLOUT, until)) return false;
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
    return error == 0;
}

}  // namespace

std::optional<HttpAnswer> http(const Endpoint& at,
                               const std::string& method,
                               const std::string& target,
                               const std::string& body,
                               std::chrono::milliseconds deadline) {
    const auto until = Clock::now() + deadline;
    const Socket socket;
    if (!connect_to(socket.fd, at, std::min(until, Clock::now() + connect_within))) return {};
    const int at_once = 1;
    ::setsockopt(socket.fd, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once);
    const auto request =
        method + " " + target +
        " HTTP/1.0\r\nHost: localhost\r\nContent-Length: " + std::to_string(body.size()) +
        "\r\nConnection: close\r\n\r\n" + body;
    for (std::size_t sent = 0; sent < request.size();) {
        const auto n =
            ::send(socket.fd, request.data() + sent, request.size() - sent, MSG_NOSIGNAL);
        if (n > 0) {
            sent += static_cast<std::size_t>(n);
        } else if (errno != EAGAIN || !ready(socket.fd, POLLOUT, until)) {
            return {};
        }
    }
    std::string text;
    for (char buffer[8192];;) {
        const auto n = ::recv(socket.fd, buffer, sizeof buffer, 0);
        if (n == 0) break;
        if (n > 0) {
            text.append(buffer, static_cast<std::size_t>(n));
        } else if (errno != EAGAIN || !ready(socket.fd, POLLIN, until)) {
            return {};
        }
    }
    const auto head = text.find("\r\n\r\n");
    if (text.rfind("HTTP/1.", 0) != 0 || head == std::string::npos) return {};
    return HttpAnswer{.status = std::atoi(text.c_str() + 9), .body = text.substr(head + 4)};
}

std::set<std::int64_t> notes_of(const Endpoint& backend) {
    std::set<std::int64_t> ids;
    for (std::int64_t from = 0;;) {
        const auto answer = http(backend, "GET", "/notes?from=" + std::to_string(from), {}, 5s);
        if (!answer || answer->status != 200) throw std::runtime_error{"no notes from the backend"};
        const auto before = ids.size();
        const char* at = answer->body.c_str() + 1;
        for (char* end = nullptr; *at != '\0' && *at != ']'; at = *end == ',' ? end + 1 : end)
            ids.insert(std::strtoll(at, &end, 10));
        if (ids.size() == before) return ids;
        from = *ids.rbegin() + 1;
    }
}

struct Writer::State {
    std::vector<Endpoint> backends;
    Options options;
    adapters::sync::Mutex mutex;
    std::vector<std::int64_t> acknowledged GUARDED_BY(mutex);
    Clock::time_point last GUARDED_BY(mutex) = Clock::now();
    Clock::duration gap GUARDED_BY(mutex){};
    std::atomic<int> failures = 0;
    std::jthread thread;

    void run(const std::stop_token& stop) {
        const std::string body(options.body, 'x');
        std::size_t current = 0;
        for (std::int64_t id = options.first; !stop.stop_requested();) {
            const auto answer =
                http(backends[current], "POST", "/notes?id=" + std::to_string(id), body);
            // 409: an earlier attempt without an answer was committed.
            if (answer && (answer->status == 200 || answer->status == 409)) {
                const adapters::sync::Lock lock{mutex};
                const auto now = Clock::now();
                gap = std::max(gap, now - last);
                last = now;
                acknowledged.push_back(id++);
            } else {
                ++failures;
                current = (current + 1) % backends.size();
                if (current == 0) std::this_thread::sleep_for(2ms);
                continue;
            }
            if (options.pause > 0us) std::this_thread::sleep_for(options.pause);
        }
    }
};

Writer::Writer(std::vector<Endpoint> backends, Options options)
    : state_{std::make_unique<State>()} {
    state_->backends = std::move(backends);
    state_->options = options;
    state_->thread =
        std::jthread{[state = state_.get()](const std::stop_token& stop) { state->run(stop); }};
}

Writer::~Writer() { stop(); }

void Writer::stop() {
    state_->thread.request_stop();
    if (state_->thread.joinable()) state_->thread.join();
}

bool Writer::wait_more(std::int64_t count, std::chrono::seconds limit) const {
    const auto target = acknowledged().size() + static_cast<std::size_t>(count);
    return eventually([&] { return acknowledged().size() >= target; }, limit);
}

std::vector<std::int64_t> Writer::acknowledged() const {
    const adapters::sync::Lock lock{state_->mutex};
    return state_->acknowledged;
}

std::chrono::milliseconds Writer::gap() const {
    const adapters::sync::Lock lock{state_->mutex};
    return std::chrono::duration_cast<std::chrono::milliseconds>(
        std::max(state_->gap, Clock::now() - state_->last));
}

void Writer::reset_gap() {
    const adapters::sync::Lock lock{state_->mutex};
    state_->gap = {};
    state_->last = Clock::now();
    state_->failures = 0;
}

int Writer::failures() const { return state_->failures; }

std::vector<std::int64_t> missing(const std::vector<std::int64_t>& acknowledged,
                                  const std::set<std::int64_t>& present) {
    std::vector<std::int64_t> absent;
    for (const auto id : acknowledged)
        if (!present.contains(id)) absent.push_back(id);
    return absent;
}

}  // namespace test_support
