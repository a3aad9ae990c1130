#include "adapters/http/service_checks.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "adapters/http/check_answer.h"
#include "adapters/http/dial.h"
#include "adapters/http/messages.h"
#include "adapters/http/now.h"
#include "model/host_port.h"
#include "model/time.h"

namespace adapters::http {
namespace {

using model::ServiceCheck;
using reconcilers::ports::CheckOutcome;
using State = CheckOutcome::State;
using Kind = ServiceCheck::Kind;

/// Of an answer with its head; what comes after is not read.
constexpr std::size_t largest_answer = 4 * most_of_a_body;

struct FreeSession {
    void operator()(SSL* session) const { SSL_free(session); }
};

}  // namespace

struct ServiceChecks::Tls {
    struct Free {
        void operator()(SSL_CTX* made) const { SSL_CTX_free(made); }
    };
    std::unique_ptr<SSL_CTX, Free> context{SSL_CTX_new(TLS_client_method())};
};

class ServiceChecks::Attempt {
public:
    Attempt(const ServiceCheck& check, SSL_CTX* tls)
        : check_{check},
          tls_{tls},
          deadline_{now() + check.timeout},
          dial_{check.host, check.port} {}
    Attempt(const Attempt&) = delete;
    Attempt& operator=(const Attempt&) = delete;

    CheckOutcome poll() {
        if (outcome_.state == State::pending) step();
        if (outcome_.state == State::pending && now() >= deadline_) {
            const auto activity = connected_ ? "answers" : dial_.activity();
            end(State::critical, "no answer in time while it " + std::string{activity});
        }
        return outcome_;
    }

private:
    /// How an attempt to read or write went on a socket that does not block.
    enum class Io : std::uint8_t { done, later, failed };

    // Goes as far as it can without waiting.
    void step() {
        if (!connected_ && !connect()) return;
        if (check_.kind == Kind::tcp) {
            end(State::passing, "");
            return;
        }
        if (check_.kind == Kind::https && !handshake()) return;
        if (!sent_ && !send()) return;
        receive();
    }

    bool connect() {
        const auto state = dial_.poll();
        if (state == Dial::State::failed) end(State::critical, dial_.failure());
        connected_ = state == Dial::State::connected;
        return connected_;
    }

    bool handshake() {
        if (secured_) return true;
        if (!session_) {
            session_.reset(tls_ == nullptr ? nullptr : SSL_new(tls_));
            if (!session_ || SSL_set_fd(session_.get(), dial_.fd()) != 1) {
                end(State::critical, "TLS: no session");
                return false;
            }
            // A name is sent, an address is not (RFC 6066, section 3).
            if (!dial_.to_address())
                SSL_ctrl(session_.get(),
                         SSL_CTRL_SET_TLSEXT_HOSTNAME,
                         TLSEXT_NAMETYPE_host_name,
                         const_cast<char*>(check_.host.c_str()));
        }
        // SSL_get_error reads the thread's queue, where another connection's error may stand.
        ERR_clear_error();
        const int result = SSL_connect(session_.get());
        secured_ = result == 1;
        if (!secured_ && tls_io(result) == Io::failed)
            end(State::critical, "TLS: the handshake failed");
        return secured_;
    }

    Io tls_io(int result) const {
        const int why = SSL_get_error(session_.get(), result);
        return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? Io::later : Io::failed;
    }

    bool send() {
        const auto request =
            get_request(check_.path, model::to_text({.host = check_.host, .port = check_.port}));
        // A fresh socket's buffer takes a few hundred bytes whole.
        if (session_) {
            ERR_clear_error();
            const int written =
                SSL_write(session_.get(), request.data(), static_cast<int>(request.size()));
            sent_ = written > 0;
            if (!sent_ && tls_io(written) == Io::failed) end(State::critical, "TLS: send failed");
            return sent_;
        }
        const auto written = ::send(dial_.fd(), request.data(), request.size(), MSG_NOSIGNAL);
        sent_ = written == static_cast<ssize_t>(request.size());
        if (!sent_) {
            end(State::critical,
                std::string{"send: "} + (written < 0 ? std::strerror(errno) : "cut short"));
        }
        return sent_;
    }

    /// What came, into `answer_`.
    Io read(bool* ended) {
        std::array<char, 16 * 1024> buffer{};
        if (session_) {
            ERR_clear_error();
            const int got =
                SSL_read(session_.get(), buffer.data(), static_cast<int>(buffer.size()));
            if (got <= 0) {
                if (tls_io(got) == Io::later) return Io::later;
                *ended = true;  // in order or not: nothing more will come
                return Io::done;
            }
            answer_.append(buffer.data(), static_cast<std::size_t>(got));
            return Io::done;
        }
        const auto got = ::recv(dial_.fd(), buffer.data(), buffer.size(), 0);
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) return Io::later;
        if (got < 0) return Io::failed;
        *ended = got == 0;
        answer_.append(buffer.data(), static_cast<std::size_t>(got));
        return Io::done;
    }

    void receive() {
        constexpr int most_reads = 8;  // of one poll
        for (int i = 0; i < most_reads; ++i) {
            bool ended = false;
            const auto io = read(&ended);
            if (io == Io::later) return;
            if (io == Io::failed) {
                end(State::critical, std::string{"receive: "} + std::strerror(errno));
                return;
            }
            if (answer_.size() >= largest_answer) ended = true;
            if (auto verdict = judge_check(check_, answer_, ended)) {
                end(verdict->state, std::move(verdict->reason));
                return;
            }
        }
    }

    void end(State state, std::string reason) {
        outcome_ = {.state = state, .reason = std::move(reason)};
        session_.reset();
        dial_.close();
    }

    const ServiceCheck check_;
    SSL_CTX* const tls_;
    const model::Instant deadline_;
    CheckOutcome outcome_{.state = State::pending, .reason = {}};
    Dial dial_;
    bool connected_ = false;
    bool secured_ = false;
    bool sent_ = false;
    std::unique_ptr<SSL, FreeSession> session_;
    std::string answer_;
};

ServiceChecks::ServiceChecks() = default;
ServiceChecks::~ServiceChecks() = default;

void ServiceChecks::start(const std::string& service, const ServiceCheck& check) {
    if (check.kind == Kind::https && !tls_) tls_ = std::make_unique<Tls>();
    attempts_[service] = std::make_unique<Attempt>(check, tls_ ? tls_->context.get() : nullptr);
}

CheckOutcome ServiceChecks::poll(const std::string& service) {
    const auto found = attempts_.find(service);
    return found == attempts_.end() ? CheckOutcome{} : found->second->poll();
}

}  // namespace adapters::http
