#include "adapters/http/http_probe.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "adapters/http/dial.h"
#include "adapters/http/messages.h"
#include "adapters/http/now.h"

namespace adapters::http {

using reconcilers::ports::Health;

class HttpProbe::Attempt {
public:
    Attempt(Url url, model::Duration timeout)
        : url_{std::move(url)},
          started_{now()},
          deadline_{started_ + timeout},
          dial_{url_.host, url_.port} {}
    Attempt(const Attempt&) = delete;
    Attempt& operator=(const Attempt&) = delete;

    Health poll() {
        if (health_.state == Health::State::pending) step();
        if (health_.state == Health::State::pending && now() >= deadline_) {
            const auto activity = sent_ ? "answers" : dial_.activity();
            end(Health::State::failed, "no answer in time while it " + std::string{activity});
        }
        return health_;
    }

private:
    // Advances as far as possible without waiting.
    void step() {
        if (!sent_ && !send()) return;
        receive();
    }

    bool send() {
        const auto state = dial_.poll();
        if (state == Dial::State::failed) end(Health::State::failed, dial_.failure());
        if (state != Dial::State::connected) return false;
        const auto request = get_request(url_.path, url_.authority);
        const auto written = ::send(dial_.fd(), request.data(), request.size(), MSG_NOSIGNAL);
        // The send buffer of a new socket always has room for a few hundred bytes.
        if (written != static_cast<ssize_t>(request.size())) {
            end(Health::State::failed,
                std::string{"send: "} + (written < 0 ? std::strerror(errno) : "cut short"));
            return false;
        }
        sent_ = true;
        return true;
    }

    void receive() {
        std::array<char, longest_status_line> buffer{};
        const auto got = ::recv(dial_.fd(), buffer.data(), buffer.size(), 0);
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
        if (got < 0) {
            end(Health::State::failed, std::string{"receive: "} + std::strerror(errno));
            return;
        }
        answer_.append(buffer.data(), static_cast<std::size_t>(got));
        if (auto verdict = judge(answer_, got == 0)) {
            end(verdict->healthy ? Health::State::healthy : Health::State::failed,
                std::move(verdict->reason));
        }
    }

    void end(Health::State state, std::string reason) {
        health_ = {.state = state, .reason = std::move(reason), .took = now() - started_};
        dial_.close();
    }

    const Url url_;
    const model::Instant started_;
    const model::Instant deadline_;
    Health health_{.state = Health::State::pending};
    Dial dial_;
    bool sent_ = false;
    std::string answer_;
};

HttpProbe::HttpProbe() = default;
HttpProbe::~HttpProbe() = default;

model::Result<void> HttpProbe::start(std::string_view url, model::Duration timeout) {
    attempt_.reset();
    auto parsed = parse_url(url);
    if (!parsed) return std::move(parsed).error();
    attempt_ = std::make_unique<Attempt>(std::move(*parsed), timeout);
    return {};
}

Health HttpProbe::poll() { return attempt_ ? attempt_->poll() : Health{}; }

}  // namespace adapters::http
