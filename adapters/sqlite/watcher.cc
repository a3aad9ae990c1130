#include "adapters/sqlite/watcher.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>

namespace adapters::sqlite {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

/// After a write event the wal-index is polled for the commit: first after `first_poll`, then at
/// intervals of an eighth of the time waited, since a sync may be slow. Gives up after
/// `poll_limit`: a transaction that was rolled back never shows. The reconciler's own interval
/// covers the rest.
constexpr microseconds first_poll{20};
constexpr int part_of_the_wait = 8;
constexpr milliseconds poll_limit{2000};
/// Pause after a hint: events during it are merged, so that a fast writer is not slowed by
/// wake-ups.
constexpr milliseconds between_hints{5};
/// Interval of checks for a directory that does not exist yet.
constexpr milliseconds directory_poll{200};

/// Compares the headers only: the read marks behind them change without a commit.
bool same_commit(const IndexView::Copy& a, const IndexView::Copy& b) {
    return std::equal(a.begin(), a.begin() + model::wal::index_header_size, b.begin());
}

}  // namespace

Watcher::Watcher(const std::string& database, const IndexView& index, std::function<void()> wake)
    : index_{index}, wake_{std::move(wake)} {
    std::error_code ignored;
    auto path = std::filesystem::weakly_canonical(database, ignored);
    if (ignored) path = database;
    directory_ = path.has_parent_path() ? path.parent_path().string() : ".";
    wal_name_ = path.filename().string() + "-wal";
    inotify_ = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    stop_event_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (inotify_ < 0 || stop_event_ < 0) return;  // no hints: the reconciler polls
    thread_ = std::jthread{[this](const std::stop_token& stop) { run(stop); }};
}

Watcher::~Watcher() {
    if (thread_.joinable()) {
        thread_.request_stop();
        const std::uint64_t one = 1;
        (void)!::write(stop_event_, &one, sizeof one);
        thread_.join();
    }
    if (inotify_ >= 0) ::close(inotify_);
    if (stop_event_ >= 0) ::close(stop_event_);
}

void Watcher::run(const std::stop_token& stop) {
    pollfd stopped{.fd = stop_event_, .events = POLLIN, .revents = 0};
    while (::inotify_add_watch(inotify_, directory_.c_str(), IN_MODIFY | IN_CREATE | IN_MOVED_TO) <
           0) {
        ::poll(&stopped, 1, static_cast<int>(directory_poll.count()));
        if (stop.stop_requested()) return;
    }
    while (!stop.stop_requested()) {
        if (!wait_for_write(std::nullopt)) continue;
        wait_for_commit(stop);
        if (!stop.stop_requested()) wake_();
        ::poll(&stopped, 1, static_cast<int>(between_hints.count()));
    }
}

bool Watcher::wait_for_write(std::optional<microseconds> timeout) {
    const timespec time{
        .tv_sec = 0,
        .tv_nsec = std::chrono::nanoseconds{timeout.value_or(microseconds{0})}.count()};
    pollfd events[] = {{.fd = inotify_, .events = POLLIN, .revents = 0},
                       {.fd = stop_event_, .events = POLLIN, .revents = 0}};
    if (::ppoll(events, 2, timeout ? &time : nullptr, nullptr) <= 0) return false;
    alignas(inotify_event) char buffer[4096];
    bool written = false;
    for (;;) {
        const ssize_t size = ::read(inotify_, buffer, sizeof buffer);
        if (size <= 0) return written;
        for (ssize_t at = 0; at < size;) {
            const auto* event = reinterpret_cast<const inotify_event*>(buffer + at);
            written = written || (event->mask & IN_Q_OVERFLOW) != 0 ||
                      (event->len > 0 && wal_name_ == event->name);
            at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
        }
    }
}

void Watcher::wait_for_commit(const std::stop_token& stop) {
    auto begun = std::chrono::steady_clock::now();
    while (!stop.stop_requested()) {
        const auto now = index_.copy();
        if (!now || !last_ || !same_commit(*now, *last_)) {
            last_ = now;
            return;
        }
        const auto waited =
            std::chrono::duration_cast<microseconds>(std::chrono::steady_clock::now() - begun);
        if (waited >= poll_limit) return;
        // The event may belong to a commit already seen: after a new event the wait starts again.
        if (wait_for_write(std::max(first_poll, waited / part_of_the_wait))) {
            begun = std::chrono::steady_clock::now();
        }
    }
}

}  // namespace adapters::sqlite
