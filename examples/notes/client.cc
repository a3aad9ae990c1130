// A client of the notes service that records acknowledged writes: it writes numbered notes to any
// server that accepts them, adds a line to the log for each acknowledged one, and can check later
// that none is lost.
//
//   notes-client write --servers HOST:PORT,... --log FILE [--rate N]    until SIGTERM
//   notes-client check --server HOST:PORT --log FILE [--from ID]        exit 0: none is lost
#include <fcntl.h>
#include <netdb.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

std::atomic<bool> stopping{false};

struct Server {
    std::string host;
    std::string port;
};

Server parse_server(const std::string& text) {
    const auto colon = text.rfind(':');
    if (colon == std::string::npos) {
        std::fprintf(stderr, "'%s' is not HOST:PORT\n", text.c_str());
        std::exit(2);
    }
    return {text.substr(0, colon), text.substr(colon + 1)};
}

/// While a virtual address moves, nobody answers a connection for a moment, and TCP tries again
/// only after a second.
constexpr timeval connect_within{.tv_sec = 0, .tv_usec = 250'000};

/// One request over a new connection, each step limited to `seconds`. Empty: no complete answer.
std::string exchange(const Server& server, const std::string& request, int seconds) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (::getaddrinfo(server.host.c_str(), server.port.c_str(), &hints, &found) != 0) return {};
    const int fd = ::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const timeval limit{.tv_sec = seconds, .tv_usec = 0};
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &connect_within, sizeof connect_within);
    const bool connected = ::connect(fd, found->ai_addr, found->ai_addrlen) == 0;
    ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    std::string answer;
    if (connected && ::send(fd, request.data(), request.size(), MSG_NOSIGNAL) ==
                         static_cast<ssize_t>(request.size())) {
        char piece[16384];
        ssize_t got = 0;
        while ((got = ::recv(fd, piece, sizeof piece, 0)) > 0) {
            answer.append(piece, static_cast<std::size_t>(got));
        }
        if (got < 0) answer.clear();
    }
    ::close(fd);
    ::freeaddrinfo(found);
    return answer;
}

std::string request(const std::string& method, const std::string& path, const std::string& body) {
    return method + " " + path +
           " HTTP/1.1\r\nHost: notes\r\nConnection: close\r\nContent-Length: " +
           std::to_string(body.size()) + "\r\n\r\n" + body;
}

bool is_ok(const std::string& answer) { return answer.starts_with("HTTP/1.1 200 "); }

int write_notes(const std::vector<Server>& servers, const std::string& log, int rate) {
    const int fd = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (fd < 0) {
        std::fprintf(stderr, "%s: %s\n", log.c_str(), std::strerror(errno));
        return 1;
    }
    const auto interval = std::chrono::microseconds{1'000'000 / rate};
    auto next = Clock::now();
    std::size_t at = 0;
    for (long id = 1; !stopping; ++id) {
        // A note without an answer may or may not be stored: it is not counted as acknowledged, and
        // not sent again.
        const auto answer = exchange(
            servers[at],
            request("POST", "/notes?id=" + std::to_string(id), "note " + std::to_string(id)),
            2);
        if (is_ok(answer)) {
            const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(
                std::chrono::system_clock::now().time_since_epoch());
            const auto line = std::to_string(id) + " " + std::to_string(now.count()) + "\n";
            if (::write(fd, line.data(), line.size()) != static_cast<ssize_t>(line.size()))
                return 1;
        } else {
            at = (at + 1) % servers.size();
            std::this_thread::sleep_for(std::chrono::milliseconds{5});
        }
        next = std::max(next + interval, Clock::now() - interval);
        std::this_thread::sleep_until(next);
    }
    return 0;
}

int check_notes(const Server& server, const std::string& log, long from) {
    // Read first: what a client is promised meanwhile may come after the server's answer.
    std::vector<long> acknowledged;
    std::ifstream lines{log};
    long id = 0;
    long when = 0;
    while (lines >> id >> when) {
        if (id >= from) acknowledged.push_back(id);
    }
    const auto answer = exchange(server, request("GET", "/notes?from=0", ""), 10);
    const auto body = answer.find("\r\n\r\n");
    if (!is_ok(answer) || body == std::string::npos) {
        std::fprintf(stderr, "no answer from %s:%s\n", server.host.c_str(), server.port.c_str());
        return 1;
    }
    std::set<long> present;
    const char* at = answer.c_str() + body;
    while (*at != '\0') {
        if (*at < '0' || *at > '9') {
            ++at;
            continue;
        }
        char* end = nullptr;
        present.insert(std::strtol(at, &end, 10));
        at = end;
    }
    const auto lost = std::count_if(acknowledged.begin(), acknowledged.end(), [&](long each) {
        return !present.contains(each);
    });
    std::printf("promised=%zu lost=%td\n", acknowledged.size(), lost);
    return lost == 0 ? 0 : 3;
}

[[noreturn]] void usage() {
    std::fprintf(stderr,
                 "usage: notes-client write --servers HOST:PORT,... --log FILE [--rate N]\n"
                 "       notes-client check --server HOST:PORT --log FILE [--from ID]\n");
    std::exit(2);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) usage();
    const std::string verb = argv[1];
    std::vector<Server> servers;
    std::string log;
    int rate = 100;
    long from = 0;
    for (int i = 2; i + 1 < argc; i += 2) {
        const std::string flag = argv[i];
        const std::string value = argv[i + 1];
        if (flag == "--servers" || flag == "--server") {
            for (std::size_t start = 0; start <= value.size();) {
                const auto comma = std::min(value.find(',', start), value.size());
                servers.push_back(parse_server(value.substr(start, comma - start)));
                start = comma + 1;
            }
        } else if (flag == "--log") {
            log = value;
        } else if (flag == "--rate") {
            rate = std::clamp(std::atoi(value.c_str()), 1, 10'000);
        } else if (flag == "--from") {
            from = std::atol(value.c_str());
        } else {
            usage();
        }
    }
    if (servers.empty() || log.empty()) usage();
    struct sigaction action {};
    action.sa_handler = [](int) { stopping = true; };
    ::sigaction(SIGTERM, &action, nullptr);
    ::sigaction(SIGINT, &action, nullptr);
    if (verb == "write") return write_notes(servers, log, rate);
    if (verb == "check") return check_notes(servers.front(), log, from);
    usage();
}
