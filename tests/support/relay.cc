#include "tests/support/relay.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <list>
#include <stdexcept>
#include <thread>
#include <vector>

namespace test_support {
namespace {

sockaddr_in loopback(int port) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(static_cast<std::uint16_t>(port));
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return at;
}

struct Pair {
    int client = -1;
    int server = -1;  // -1: accepted while cut
    Pair(int client_fd, int server_fd) : client{client_fd}, server{server_fd} {}
    ~Pair() {
        ::close(client);
        if (server >= 0) ::close(server);
    }
    Pair(const Pair&) = delete;
    Pair& operator=(const Pair&) = delete;
};

/// Forwards the available bytes. False: one side ended.
bool pass(int from, int to) {
    char buffer[65536];
    const auto got = ::recv(from, buffer, sizeof buffer, MSG_DONTWAIT);
    if (got < 0) return errno == EAGAIN;
    for (ssize_t sent = 0; sent < got;) {
        const auto n =
            ::send(to, buffer + sent, static_cast<std::size_t>(got - sent), MSG_NOSIGNAL);
        if (n <= 0) return false;
        sent += n;
    }
    return got > 0;
}

}  // namespace

struct Relay::State {
    enum class Mode { open, cut, refusing };
    int to = 0;
    int listener = -1;
    int own_port = 0;
    std::atomic<Mode> mode = Mode::open;
    std::atomic<int> closings = 0;  // counts requests to close all connections
    std::jthread thread;

    void accept_one(std::list<Pair>& pairs) const {
        const int client = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
        if (client < 0) return;
        if (mode == Mode::refusing) {
            ::close(client);
            return;
        }
        int server = -1;
        if (mode == Mode::open) {
            server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
            const auto at = loopback(to);
            if (::connect(server, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0) {
                ::close(server);
                ::close(client);
                return;
            }
        }
        pairs.emplace_back(client, server);
    }

    void run(const std::stop_token& stop) {
        std::list<Pair> pairs;
        for (int closed = 0; !stop.stop_requested();) {
            if (const int wanted = closings; wanted != closed) {
                pairs.clear();
                closed = wanted;
            }
            std::vector<pollfd> waits{{.fd = listener, .events = POLLIN, .revents = 0}};
            if (mode == Mode::open) {
                for (const auto& pair : pairs) {
                    waits.push_back({.fd = pair.client, .events = POLLIN, .revents = 0});
                    if (pair.server >= 0) {
                        waits.push_back({.fd = pair.server, .events = POLLIN, .revents = 0});
                    }
                }
            }
            ::poll(waits.data(), waits.size(), 5);
            if (mode == Mode::open) {
                pairs.remove_if([](const Pair& pair) {
                    return pair.server >= 0 &&
                           (!pass(pair.client, pair.server) || !pass(pair.server, pair.client));
                });
            }
            if ((waits.front().revents & POLLIN) != 0) accept_one(pairs);
        }
    }
};

Relay::Relay(int to) : state_{std::make_unique<State>()} {
    state_->to = to;
    state_->listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    auto at = loopback(0);
    socklen_t size = sizeof at;
    if (::bind(state_->listener, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0 ||
        ::listen(state_->listener, 64) != 0 ||
        ::getsockname(state_->listener, reinterpret_cast<sockaddr*>(&at), &size) != 0) {
        throw std::runtime_error{"no port for a relay"};
    }
    state_->own_port = ntohs(at.sin_port);
    state_->thread =
        std::jthread{[state = state_.get()](const std::stop_token& stop) { state->run(stop); }};
}

Relay::~Relay() {
    state_->thread.request_stop();
    state_->thread.join();
    ::close(state_->listener);
}

int Relay::port() const { return state_->own_port; }

void Relay::cut() { state_->mode = State::Mode::cut; }

void Relay::resume() { state_->mode = State::Mode::open; }

void Relay::refuse() {
    state_->mode = State::Mode::refusing;
    ++state_->closings;
}

void Relay::heal() {
    ++state_->closings;
    state_->mode = State::Mode::open;
}

}  // namespace test_support
