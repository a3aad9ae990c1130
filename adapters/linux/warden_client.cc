#include "adapters/linux/warden_client.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>
#include <thread>
#include <utility>

#include "adapters/linux/clock.h"
#include "adapters/sync/gate.h"
#include "adapters/sync/mutex.h"
#include "model/warden_message.h"

namespace adapters::linux_host {
namespace {

using model::Errc;
using model::Result;
using model::WardenRequest;
using reconcilers::ports::WardenView;

constexpr auto answer_within = std::chrono::milliseconds{100};

}  // namespace

// Owns the socket, its reading thread, and the messages received.
class WardenClient::Reader {
public:
    explicit Reader(int fd) : fd_{fd}, thread_{[this] { read(); }} {}

    ~Reader() {
        // Ends the thread's read; the warden sees end of file.
        ::shutdown(fd_, SHUT_RDWR);
        thread_.join();
        ::close(fd_);
    }
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;

    Result<void> ask(WardenRequest request) {
        {
            const sync::Lock lock{mutex_};
            // Requests of several threads are sent one at a time; otherwise a late answer could be
            // taken for that of another request.
            changed_.wait(mutex_, [this]() REQUIRES(mutex_) { return !asking_ || view_.lost; });
            if (view_.lost) return lost();
            asking_ = true;
            request.id = ++last_id_;
            answer_.reset();
            if (is_drop(request)) {
                drop_id_ = request.id;
                if (!dropped_at_) dropped_at_ = clock_.now();
            }
        }
        if (is_drop(request)) heard_of_();
        auto outcome = send(request);
        bool news = false;
        {
            const sync::Lock lock{mutex_};
            if (outcome) outcome = wait_for_answer(request.id);
            asking_ = false;
            if (!outcome && outcome.error().code == Errc::unavailable)
                news = !std::exchange(view_.silent, true);
        }
        changed_.notify_all();
        if (news) wake_();
        return outcome;
    }

    Heard heard() {
        const sync::Lock lock{mutex_};
        return {.watch = {.valid_until = view_.valid_until, .dropped_at = dropped_at_},
                .view = view_};
    }

    void on_heard(std::function<void()> wake) { heard_of_.set(std::move(wake)); }

    void note_struck(std::string what) {
        {
            const sync::Lock lock{mutex_};
            view_.struck = std::move(what);
        }
        wake_();
    }

    WardenView view() {
        const sync::Lock lock{mutex_};
        changed_.wait_for(
            mutex_, answer_within, [this]() REQUIRES(mutex_) { return view_.heard || view_.lost; });
        return view_;
    }

    void on_change(std::function<void()> wake) { wake_.set(std::move(wake)); }

private:
    /// It says that there is no lease any more.
    static bool is_drop(const WardenRequest& request) {
        return request.kind == WardenRequest::Kind::set_deadline &&
               request.valid_until == model::Instant{};
    }

    static model::Error lost() {
        return model::error(Errc::fenced, "the warden is gone: nothing may be started any more");
    }

    Result<void> send(const WardenRequest& request) EXCLUDES(mutex_) {
        const auto packet = model::encode(request);
        if (!packet) return packet.error();
        const auto sent = ::send(fd_, packet->data(), packet->size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && (errno == EPIPE || errno == ECONNRESET)) return lost();
        if (sent < 0)
            return model::error(Errc::unavailable,
                                std::string{"send to the warden: "} + std::strerror(errno));
        return {};
    }

    Result<void> wait_for_answer(std::uint64_t id) REQUIRES(mutex_) {
        const auto mine = [this, id]() REQUIRES(mutex_) { return answer_ && answer_->id == id; };
        const bool ended = changed_.wait_for(
            mutex_, answer_within, [&, this]() REQUIRES(mutex_) { return view_.lost || mine(); });
        if (mine()) {
            if (answer_->failure) return *answer_->failure;
            return {};
        }
        if (ended) return lost();
        return model::error(Errc::unavailable, "the warden does not answer");
    }

    void read() {
        model::Bytes packet(model::warden_message_limit);
        while (true) {
            const auto got = ::recv(fd_, packet.data(), packet.size(), 0);
            if (got < 0 && errno == EINTR) continue;
            if (got <= 0) break;
            auto answer =
                model::decode_warden_answer({packet.data(), static_cast<std::size_t>(got)});
            if (!answer) break;  // not a valid message: treated as a lost connection
            take(std::move(*answer));
        }
        {
            const sync::Lock lock{mutex_};
            view_.lost = true;
        }
        changed_.notify_all();
        wake_();
    }

    void take(model::WardenAnswer answer) {
        bool news = false;
        {
            const sync::Lock lock{mutex_};
            auto view = reconcilers::ports::to_view(answer.status);
            news = view != view_;
            view_ = std::move(view);
            // It reads one request after another: what came before this one is done too.
            if (answer.id != 0 && answer.id >= drop_id_) dropped_at_.reset();
            if (answer.id != 0) answer_ = std::move(answer);
        }
        changed_.notify_all();
        heard_of_();
        if (news) wake_();
    }

    const int fd_;
    sync::Mutex mutex_;
    sync::Condition changed_;
    bool asking_ GUARDED_BY(mutex_) = false;  // a request is under way
    std::uint64_t last_id_ GUARDED_BY(mutex_) = 0;
    std::optional<model::WardenAnswer> answer_ GUARDED_BY(mutex_);
    WardenView view_ GUARDED_BY(mutex_);
    std::uint64_t drop_id_ GUARDED_BY(mutex_) = 0;  // of the newest request of that kind
    std::optional<model::Instant> dropped_at_ GUARDED_BY(mutex_);  // of the first, not answered

    const Clock clock_;
    sync::Callback wake_;
    sync::Callback heard_of_;

    std::thread thread_;  // declared last: it uses all other members
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
    // Of whoever made the pair of sockets.
    ucred who{};
    size = sizeof who;
    const bool known = ::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) == 0;
    const pid_t warden = known && who.pid == ::getppid() ? who.pid : 0;
    return std::unique_ptr<WardenClient>{new WardenClient{std::make_unique<Reader>(fd), warden}};
}

WardenClient::WardenClient(std::unique_ptr<Reader> reader, pid_t warden_pid)
    : reader_{std::move(reader)}, warden_pid_{warden_pid} {}
WardenClient::~WardenClient() = default;

Result<void> WardenClient::set_deadline(model::Instant valid_until) {
    return reader_->ask({.kind = WardenRequest::Kind::set_deadline, .valid_until = valid_until});
}

Result<void> WardenClient::start_backend(model::WardenEntry entry) {
    return reader_->ask({.kind = WardenRequest::Kind::start_backend, .entry = entry});
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

Result<void> WardenClient::register_target(model::WardenEntry entry) {
    return reader_->ask({.kind = WardenRequest::Kind::register_target, .entry = entry});
}

Result<void> WardenClient::unregister_target(model::WardenEntry entry) {
    return reader_->ask({.kind = WardenRequest::Kind::unregister_target, .entry = entry});
}

WardenView WardenClient::view() { return reader_->view(); }

void WardenClient::on_change(std::function<void()> wake) { reader_->on_change(std::move(wake)); }

WardenClient::Heard WardenClient::heard() { return reader_->heard(); }

void WardenClient::on_heard(std::function<void()> wake) { reader_->on_heard(std::move(wake)); }

void WardenClient::note_struck(std::string what) { reader_->note_struck(std::move(what)); }

}  // namespace adapters::linux_host
