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

/// Looking for a commit begins with `first_look`; then each look comes an eighth later than the one
/// before, for a disk may take long to sync. It ends after `look_for`: a rolled back transaction
/// never shows. The reconciler's poll covers the rest.
constexpr microseconds first_look{20};
constexpr int part_of_the_wait = 8;
constexpr milliseconds look_for{2000};
/// The pause after a hint: events meanwhile become one, which costs the writer no wake-up of ours.
constexpr milliseconds between_hints{5};
/// The folder is not there yet: look again.
constexpr milliseconds folder_poll{200};

/// Behind the header stand the marks of readers, which a writer sets too before it writes.
bool same_commit(const IndexView::Copy& a, const IndexView::Copy& b) {
    return std::equal(a.begin(), a.begin() + model::wal::index_header_size, b.begin());
}

}  // namespace

Watcher::Watcher(const std::string& database, const IndexView& index, std::function<void()> wake)
    : index_{index}, wake_{std::move(wake)} {
    std::error_code ignored;
    auto path = std::filesystem::weakly_canonical(database, ignored);
    if (ignored) path = database;
    folder_ = path.has_parent_path() ? path.parent_path().string() : ".";
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
    while (::inotify_add_watch(inotify_, folder_.c_str(), IN_MODIFY | IN_CREATE | IN_MOVED_TO) <
           0) {
        ::poll(&stopped, 1, static_cast<int>(folder_poll.count()));
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
        if (waited >= look_for) return;
        // The event may have been of a commit that showed already: another one begins anew.
        if (wait_for_write(std::max(first_look, waited / part_of_the_wait))) {
            begun = std::chrono::steady_clock::now();
        }
    }
}

}  // namespace adapters::sqlite
