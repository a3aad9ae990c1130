#include "adapters/http/http_probe.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "model/ids.h"

namespace adapters::http {
namespace {

using model::Errc;
using reconcilers::ports::Health;

// A status line is short; whoever sends more without one does not speak HTTP.
constexpr std::size_t longest_status_line = 1024;

struct Url {
    std::string host;  // without brackets
    std::uint16_t port = 80;
    std::string authority;  // as in the header Host
    std::string path;
};

struct Address {
    sockaddr_storage storage{};
    socklen_t size = 0;
};

model::Instant now() {
    timespec at{};
    ::clock_gettime(CLOCK_BOOTTIME, &at);
    return model::Instant{std::chrono::seconds{at.tv_sec} + std::chrono::nanoseconds{at.tv_nsec}};
}

model::Error refused(std::string_view url, std::string_view why) {
    return model::error(Errc::invalid,
                        "health endpoint \"" + std::string{url} + "\": " + std::string{why});
}

model::Result<Url> parse(std::string_view text) {
    constexpr std::string_view scheme = "http://";
    if (text.substr(0, scheme.size()) != scheme) return refused(text, "not an http:// URL");
    for (const char c : text)
        if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7f)
            return refused(text, "a space or a control character in it");
    auto rest = text.substr(scheme.size());
    rest = rest.substr(0, rest.find('#'));
    const auto slash = rest.find_first_of("/?");
    Url url{.authority = std::string{rest.substr(0, slash)}};
    if (slash != std::string_view::npos) url.path = rest.substr(slash);
    if (url.path.empty() || url.path.front() != '/') url.path.insert(0, "/");

    std::string_view host{url.authority};
    std::string_view port;
    if (host.find('@') != std::string_view::npos) return refused(text, "a user in it");
    if (!host.empty() && host.front() == '[') {
        const auto end = host.find(']');
        if (end == std::string_view::npos) return refused(text, "a bracket is not closed");
        port = host.substr(end + 1);
        host = host.substr(1, end - 1);
    } else {
        const auto colon = host.find(':');
        if (colon != std::string_view::npos) port = host.substr(colon);
        host = host.substr(0, colon);
    }
    if (host.empty()) return refused(text, "no host");
    url.host = host;
    if (!port.empty()) {
        const auto number = model::parse_number(port.substr(1));
        if (port.front() != ':' || !number || *number == 0 || *number > 65535)
            return refused(text, "no port from 1 to 65535");
        url.port = static_cast<std::uint16_t>(*number);
    }
    return url;
}

std::vector<Address> addresses(const Url& url, int flags) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = flags;
    addrinfo* found = nullptr;
    std::vector<Address> list;
    if (::getaddrinfo(url.host.c_str(), std::to_string(url.port).c_str(), &hints, &found) != 0)
        return list;
    for (const auto* at = found; at != nullptr; at = at->ai_next) {
        Address address{.size = at->ai_addrlen};
        std::memcpy(&address.storage, at->ai_addr, at->ai_addrlen);
        list.push_back(address);
    }
    ::freeaddrinfo(found);
    return list;
}

// What the thread of a name lookup leaves; it may outlive the probe that started it.
struct Lookup {
    std::mutex mutex;
    std::optional<std::vector<Address>> found;
};

}  // namespace

class HttpProbe::Look {
public:
    Look(Url url, model::Duration timeout)
        : url_{std::move(url)}, started_{now()}, deadline_{started_ + timeout} {
        addresses_ = addresses(url_, AI_NUMERICHOST);
        if (!addresses_.empty()) {
            resolved_ = true;
            return;
        }
        lookup_ = std::make_shared<Lookup>();
        try {
            std::thread{[lookup = lookup_, wanted = url_] {
                auto found = addresses(wanted, AI_ADDRCONFIG);
                const std::lock_guard lock{lookup->mutex};
                lookup->found = std::move(found);
            }}.detach();
        } catch (const std::system_error& failure) {
            end(Health::State::failed, std::string{"resolve: "} + failure.what());
        }
    }
    ~Look() { close(); }
    Look(const Look&) = delete;
    Look& operator=(const Look&) = delete;

    Health poll() {
        if (health_.state == Health::State::pending) step();
        if (health_.state == Health::State::pending && now() >= deadline_)
            end(Health::State::failed, std::string{"no answer in time while it "} + doing_);
        return health_;
    }

private:
    // Goes as far as it can without waiting.
    void step() {
        if (!resolved_ && !resolve()) return;
        if (fd_ < 0 && !next_address()) return;
        if (!sent_ && !send()) return;
        if (health_.state == Health::State::pending) receive();
    }

    bool resolve() {
        const std::lock_guard lock{lookup_->mutex};
        if (!lookup_->found) return false;
        addresses_ = std::move(*lookup_->found);
        resolved_ = true;
        if (addresses_.empty()) end(Health::State::failed, "resolve: no address for " + url_.host);
        return !addresses_.empty();
    }

    bool next_address() {
        while (next_ < addresses_.size()) {
            const auto& address = addresses_[next_++];
            doing_ = "connects";
            fd_ =
                ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
            if (fd_ >= 0 &&
                (::connect(
                     fd_, reinterpret_cast<const sockaddr*>(&address.storage), address.size) == 0 ||
                 errno == EINPROGRESS))
                return true;
            reason_ = std::string{"connect: "} + std::strerror(errno);
            close();
        }
        end(Health::State::failed, reason_);
        return false;
    }

    bool ready(short events) const {
        pollfd wait{.fd = fd_, .events = events, .revents = 0};
        return ::poll(&wait, 1, 0) > 0;
    }

    bool send() {
        if (!ready(POLLOUT)) return false;
        int failure = 0;
        socklen_t size = sizeof failure;
        ::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &failure, &size);
        if (failure != 0) {
            reason_ = std::string{"connect: "} + std::strerror(failure);
            close();
            if (next_address()) return send();
            return false;
        }
        const auto request = "GET " + url_.path + " HTTP/1.1\r\nHost: " + url_.authority +
                             "\r\nUser-Agent: convex-cluster-manager\r\nAccept: */*\r\n"
                             "Connection: close\r\n\r\n";
        const auto written = ::send(fd_, request.data(), request.size(), MSG_NOSIGNAL);
        // A fresh socket's buffer takes a few hundred bytes whole.
        if (written != static_cast<ssize_t>(request.size())) {
            end(Health::State::failed,
                std::string{"send: "} + (written < 0 ? std::strerror(errno) : "cut short"));
            return false;
        }
        doing_ = "answers";
        sent_ = true;
        return true;
    }

    void receive() {
        std::array<char, longest_status_line> buffer{};
        const auto got = ::recv(fd_, buffer.data(), buffer.size(), 0);
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
        if (got < 0) {
            end(Health::State::failed, std::string{"receive: "} + std::strerror(errno));
            return;
        }
        answer_.append(buffer.data(), static_cast<std::size_t>(got));
        const auto line_end = answer_.find('\n');
        if (line_end != std::string::npos) {
            judge(std::string_view{answer_}.substr(0, line_end));
        } else if (got == 0) {
            end(Health::State::failed, "closed without an answer");
        } else if (answer_.size() >= longest_status_line) {
            end(Health::State::failed, "the answer is not HTTP");
        }
    }

    // "HTTP/1.1 204 No Content"
    void judge(std::string_view line) {
        if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
        const bool shaped = line.size() >= 12 && line.substr(0, 7) == "HTTP/1." && line[8] == ' ' &&
                            (line.size() == 12 || line[12] == ' ');
        const auto code = shaped ? model::parse_number(line.substr(9, 3))
                                 : model::error(Errc::invalid, "no status line");
        if (!code) {
            end(Health::State::failed, "the answer is not HTTP");
        } else if (*code >= 200 && *code <= 299) {
            end(Health::State::healthy, "");
        } else {
            end(Health::State::failed, std::string{line.substr(9)});
        }
    }

    void end(Health::State state, std::string reason) {
        health_ = {.state = state, .reason = std::move(reason), .took = now() - started_};
        close();
    }

    void close() {
        if (fd_ >= 0) ::close(fd_);
        fd_ = -1;
    }

    const Url url_;
    const model::Instant started_;
    const model::Instant deadline_;
    Health health_{.state = Health::State::pending};
    std::shared_ptr<Lookup> lookup_;
    std::vector<Address> addresses_;
    std::size_t next_ = 0;
    bool resolved_ = false;
    int fd_ = -1;
    bool sent_ = false;
    std::string answer_;
    std::string reason_ = "connect: no address";
    const char* doing_ = "resolves its name";
};

HttpProbe::HttpProbe() = default;
HttpProbe::~HttpProbe() = default;

model::Result<void> HttpProbe::start(std::string_view url, model::Duration timeout) {
    look_.reset();
    auto parsed = parse(url);
    if (!parsed) return std::move(parsed).error();
    look_ = std::make_unique<Look>(std::move(*parsed), timeout);
    return {};
}

Health HttpProbe::poll() { return look_ ? look_->poll() : Health{}; }

}  // namespace adapters::http
