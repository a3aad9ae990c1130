#include "examples/notes/http.h"

#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <list>
#include <stdexcept>
#include <thread>

namespace notes {
namespace {

constexpr std::size_t largest_head = std::size_t{16} * 1024;
constexpr std::size_t largest_body = std::size_t{1024} * 1024;
constexpr std::size_t most_connections = 512;
/// How often an idle connection checks whether the server stops.
constexpr int poll_ms = 100;

bool send_all(int socket, const std::string& bytes) {
    for (std::size_t done = 0; done < bytes.size();) {
        const ssize_t sent = ::send(socket, bytes.data() + done, bytes.size() - done, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0) return false;
        done += static_cast<std::size_t>(sent);
    }
    return true;
}

const char* reason(int status) {
    switch (status) {
        case 200:
            return "OK";
        case 400:
            return "Bad Request";
        case 404:
            return "Not Found";
        case 405:
            return "Method Not Allowed";
        case 409:
            return "Conflict";
        case 413:
            return "Content Too Large";
        default:
            return "Service Unavailable";
    }
}

bool respond(int socket, const Response& response, bool keep) {
    return send_all(socket,
                    "HTTP/1.1 " + std::to_string(response.status) + " " + reason(response.status) +
                        "\r\nContent-Type: " + response.type +
                        "\r\nContent-Length: " + std::to_string(response.body.size()) +
                        (keep ? "\r\n\r\n" : "\r\nConnection: close\r\n\r\n") + response.body);
}

/// The value of a header, ignoring the case of its name.
std::string header(std::string head, const std::string& name) {
    const auto lower = [](std::string text) {
        std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) {
            return static_cast<char>(std::tolower(c));
        });
        return text;
    };
    head = lower(head);
    const auto at = head.find("\r\n" + name + ":");
    if (at == std::string::npos) return {};
    auto begin = at + 2 + name.size() + 1;
    const auto end = head.find("\r\n", begin);
    while (begin < end && head[begin] == ' ')
        ++begin;
    return head.substr(begin, end - begin);
}

class Connection {
public:
    Connection(int socket, const Handler& handler, const std::atomic<bool>& stopping)
        : socket_{socket}, handler_{handler}, stopping_{stopping} {}
    ~Connection() { ::close(socket_); }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    void run() {
        while (one_request()) {
        }
    }

private:
    /// False: the connection ends.
    bool one_request() {
        std::size_t end = std::string::npos;
        while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
            if (buffer_.size() > largest_head) return refuse(400);
            if (!receive()) return false;
        }
        const std::string head = buffer_.substr(0, end + 2);
        buffer_.erase(0, end + 4);
        Request request;
        const auto space = head.find(' ');
        const auto next = space == std::string::npos ? space : head.find(' ', space + 1);
        if (next == std::string::npos || next > head.find("\r\n")) return refuse(400);
        request.method = head.substr(0, space);
        std::string target = head.substr(space + 1, next - space - 1);
        const auto question = target.find('?');
        request.path = target.substr(0, question);
        if (question != std::string::npos) request.query = target.substr(question + 1);

        if (!header(head, "transfer-encoding").empty()) return refuse(400);
        const std::string length = header(head, "content-length");
        std::size_t size = 0;
        const auto parsed = std::from_chars(length.data(), length.data() + length.size(), size);
        if (!length.empty() && (parsed.ec != std::errc{} || *parsed.ptr != '\0'))
            return refuse(400);
        if (size > largest_body) return refuse(413);
        while (buffer_.size() < size)
            if (!receive()) return false;
        request.body = buffer_.substr(0, size);
        buffer_.erase(0, size);

        const bool keep = header(head, "connection") != "close" && !stopping_;
        return respond(socket_, handler_(request), keep) && keep;
    }

    bool refuse(int status) {
        (void)respond(socket_, {.status = status}, false);
        return false;
    }

    /// Receives more bytes. False: closed, or the server stops and no request is under way.
    bool receive() {
        for (;;) {
            pollfd ready{.fd = socket_, .events = POLLIN, .revents = 0};
            const int count = ::poll(&ready, 1, poll_ms);
            if (count == 0 && stopping_) return false;
            if (count > 0) break;
            if (count < 0 && errno != EINTR) return false;
        }
        char bytes[8192];
        const ssize_t got = ::recv(socket_, bytes, sizeof bytes, 0);
        if (got <= 0) return got < 0 && errno == EINTR;
        buffer_.append(bytes, static_cast<std::size_t>(got));
        return true;
    }

    int socket_;
    const Handler& handler_;
    const std::atomic<bool>& stopping_;
    std::string buffer_;
};

int listen_on(const std::string& listen) {
    const auto colon = listen.rfind(':');
    if (colon == std::string::npos) throw std::runtime_error{listen + ": not HOST:PORT"};
    std::string host = listen.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
    addrinfo* found = nullptr;
    const int failed = ::getaddrinfo(
        host.empty() ? nullptr : host.c_str(), listen.c_str() + colon + 1, &hints, &found);
    if (failed != 0) throw std::runtime_error{listen + ": " + ::gai_strerror(failed)};
    const int server = ::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    ::setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    const bool bound = ::bind(server, found->ai_addr, found->ai_addrlen) == 0;
    ::freeaddrinfo(found);
    if (!bound || ::listen(server, 128) != 0) {
        const std::string why = std::strerror(errno);
        ::close(server);
        throw std::runtime_error{listen + ": " + why};
    }
    return server;
}

int port_of(int server) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    char port[16] = "0";
    ::getsockname(server, reinterpret_cast<sockaddr*>(&address), &size);
    ::getnameinfo(
        reinterpret_cast<sockaddr*>(&address), size, nullptr, 0, port, sizeof port, NI_NUMERICSERV);
    return std::atoi(port);
}

}  // namespace

std::string parameter(const Request& request, const std::string& name) {
    const std::string query = "&" + request.query;
    const auto at = query.find("&" + name + "=");
    if (at == std::string::npos) return {};
    const auto begin = at + name.size() + 2;
    return query.substr(begin, query.find('&', begin) - begin);
}

void serve(const std::string& listen, const Handler& handler) {
    const int server = listen_on(listen);
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    const int stop = ::signalfd(-1, &signals, SFD_CLOEXEC);
    std::printf("listening on %d\n", port_of(server));
    std::fflush(stdout);

    std::atomic<bool> stopping{false};
    struct Running {
        std::atomic<bool> done{false};
        std::thread thread;
    };
    std::list<Running> running;
    const auto reap = [&running](bool all) {
        running.remove_if([all](Running& one) {
            if (!all && !one.done) return false;
            one.thread.join();
            return true;
        });
    };
    for (;;) {
        pollfd events[] = {{.fd = server, .events = POLLIN, .revents = 0},
                           {.fd = stop, .events = POLLIN, .revents = 0}};
        ::poll(events, 2, -1);
        if (events[1].revents != 0) break;
        if (events[0].revents == 0) continue;
        const int client = ::accept4(server, nullptr, nullptr, SOCK_CLOEXEC);
        if (client < 0) continue;
        reap(false);
        if (running.size() >= most_connections) {
            ::close(client);
            continue;
        }
        // A client that does not read its answer must not block the stop.
        const timeval patience{.tv_sec = 5, .tv_usec = 0};
        ::setsockopt(client, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
        auto& one = running.emplace_back();
        one.thread = std::thread{[&one, client, &handler, &stopping] {
            Connection{client, handler, stopping}.run();
            one.done = true;
        }};
    }
    ::close(server);
    stopping = true;
    reap(true);
    ::close(stop);
}

}  // namespace notes
