#include "adapters/linux/warden_client.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "adapters/linux/spawn_names.h"
#include "model/warden_message.h"

namespace adapters::linux_host {
namespace {

using model::Errc;
using model::Result;
using model::WardenRequest;
using reconcilers::ports::WardenView;

constexpr auto answer_within = std::chrono::milliseconds{100};

WardenView to_view(const model::WardenStatus& status) {
    return {.valid_until = status.valid_until,
            .backend_running = status.backend_running,
            .backend_pid = status.backend_pid,
            .backend_starts = status.backend_starts,
            .backend_status = status.backend_exit,
            .incarnation = status.incarnation};
}

}  // namespace

// Owns the socket, the thread that reads it, and what was read.
class WardenClient::Reader {
public:
    explicit Reader(int fd) : fd_{fd}, thread_{[this] { read(); }} {}

    ~Reader() {
        // Ends the read; the warden sees the end of the file.
        ::shutdown(fd_, SHUT_RDWR);
        thread_.join();
        ::close(fd_);
    }
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;

    Result<void> ask(WardenRequest request) {
        // Requests of several threads go one after another: an answer late by one would otherwise
        // look like two.
        const std::lock_guard turn{asking_};
        std::unique_lock lock{mutex_};
        if (view_.lost) return lost();
        request.id = ++last_id_;
        const auto packet = model::encode(request);
        if (!packet) return packet.error();
        answer_.reset();
        lock.unlock();
        const auto sent = ::send(fd_, packet->data(), packet->size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && (errno == EPIPE || errno == ECONNRESET)) return lost();
        if (sent < 0)
            return model::error(Errc::unavailable,
                                std::string{"send to the warden: "} + std::strerror(errno));
        lock.lock();
        const bool answered = changed_.wait_for(lock, answer_within, [&] {
            return view_.lost || (answer_ && answer_->id == request.id);
        });
        if (answer_ && answer_->id == request.id) {
            if (answer_->failure) return *answer_->failure;
            return {};
        }
        if (answered) return lost();
        return model::error(Errc::unavailable, "the warden does not answer");
    }

    WardenView view() {
        std::unique_lock lock{mutex_};
        changed_.wait_for(lock, answer_within, [this] { return heard_ || view_.lost; });
        return view_;
    }

    void on_change(std::function<void()> wake) {
        const std::lock_guard calls{waking_};
        wake_ = std::move(wake);
    }

private:
    static model::Error lost() {
        return model::error(Errc::fenced, "the warden is gone: nothing may be started any more");
    }

    void read() {
        model::Bytes packet(model::warden_message_limit);
        while (true) {
            const auto got = ::recv(fd_, packet.data(), packet.size(), 0);
            if (got < 0 && errno == EINTR) continue;
            if (got <= 0) break;
            auto answer =
                model::decode_warden_answer({packet.data(), static_cast<std::size_t>(got)});
            if (!answer) break;  // not our warden: as good as none
            take(std::move(*answer));
        }
        {
            const std::lock_guard lock{mutex_};
            view_.lost = true;
        }
        tell();
    }

    void take(model::WardenAnswer answer) {
        bool news = false;
        {
            const std::lock_guard lock{mutex_};
            auto view = to_view(answer.status);
            news = !heard_ || view != view_;
            heard_ = true;
            view_ = std::move(view);
            if (answer.id != 0) answer_ = std::move(answer);
        }
        changed_.notify_all();
        if (news) tell();
    }

    void tell() {
        changed_.notify_all();
        const std::lock_guard calls{waking_};
        if (wake_) wake_();
    }

    const int fd_;
    std::mutex asking_;
    std::uint64_t last_id_ = 0;  // under asking_

    std::mutex mutex_;
    std::condition_variable changed_;
    WardenView view_;
    bool heard_ = false;
    std::optional<model::WardenAnswer> answer_;

    std::mutex waking_;
    std::function<void()> wake_;

    std::thread thread_;  // the last one: it uses all of the others
};

Result<std::unique_ptr<WardenClient>> WardenClient::attach(int fd) {
    int type = 0;
    socklen_t size = sizeof type;
    if (::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0 || type != SOCK_SEQPACKET)
        return model::error(Errc::invalid,
                            "descriptor " + std::to_string(fd) +
                                " is not a socket of the warden; start the daemon "
                                "with convex-cluster-manager daemon");
    ::fcntl(fd, F_SETFD, FD_CLOEXEC);
    return std::unique_ptr<WardenClient>{new WardenClient{std::make_unique<Reader>(fd)}};
}

WardenClient::WardenClient(std::unique_ptr<Reader> reader) : reader_{std::move(reader)} {}
WardenClient::~WardenClient() = default;

Result<void> WardenClient::hold_until(model::Instant valid_until) {
    return reader_->ask({.kind = WardenRequest::Kind::hold_until, .valid_until = valid_until});
}

Result<void> WardenClient::start_backend(const reconcilers::ports::SpawnSpec& spec) {
    auto spawn = look_up(spec);
    if (!spawn) return std::move(spawn).error();
    return reader_->ask({.kind = WardenRequest::Kind::start_backend, .spawn = std::move(*spawn)});
}

Result<void> WardenClient::stop_backend() {
    return reader_->ask({.kind = WardenRequest::Kind::stop_backend});
}

Result<void> WardenClient::kill_backend() {
    return reader_->ask({.kind = WardenRequest::Kind::kill_backend});
}

Result<void> WardenClient::disarm() { return reader_->ask({.kind = WardenRequest::Kind::disarm}); }

Result<void> WardenClient::claim(const std::string& incarnation) {
    return reader_->ask({.kind = WardenRequest::Kind::claim, .text = incarnation});
}

Result<void> WardenClient::watch(const model::WardenTarget& target) {
    return reader_->ask({.kind = WardenRequest::Kind::watch, .target = target});
}

Result<void> WardenClient::forget(const model::WardenTarget& target) {
    return reader_->ask({.kind = WardenRequest::Kind::forget, .target = target});
}

WardenView WardenClient::view() { return reader_->view(); }

void WardenClient::on_change(std::function<void()> wake) { reader_->on_change(std::move(wake)); }

}  // namespace adapters::linux_host
