#include "warden/lines.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "warden/descriptor.h"
#include "warden/relay.h"

namespace warden {
namespace {

using model::Instant;

constexpr auto pause_between_starts = std::chrono::seconds{1};
constexpr int last_lines_ms = 250;

std::string identity(int fd) {
    struct stat what {};
    if (::fstat(fd, &what) != 0) return {};
    return std::to_string(what.st_dev) + ":" + std::to_string(what.st_ino);
}

}  // namespace

Lines::Lines(model::LineFormat format, Origin origin)
    : format_{format}, origin_{std::move(origin)} {}

Lines::~Lines() { end(); }

bool Lines::create(Pipe& pipe) {
    int ends[2] = {-1, -1};
    if (::pipe2(ends, O_CLOEXEC) != 0) return false;
    pipe = {.read = ends[0], .write = ends[1]};
    return true;
}

void Lines::close(Pipe& pipe) {
    close_fd(pipe.read);
    close_fd(pipe.write);
}

model::Result<void> Lines::open(Instant now) {
    for (auto* const pipe : {&own_, &node_, &backend_}) {
        if (!create(*pipe))
            return model::error(model::Errc::invalid, std::string{"pipe: "} + std::strerror(errno));
        ::fcntl(pipe->read, F_SETFL, O_NONBLOCK);
    }
    ::fcntl(own_.write, F_SETFL, O_NONBLOCK);
    const char* const journal = std::getenv("JOURNAL_STREAM");
    if (journal != nullptr && identity(STDERR_FILENO) == journal)
        journal_stream_ = identity(node_.write);
    start(now);
    return {};
}

void Lines::start(Instant now) {
    start_at_ = now + pause_between_starts;  // changed by a successful start
    started_ = now;
    Pipe between;
    Pipe ended;
    if (!create(between)) return;
    if (!create(ended)) {
        close(between);
        return;
    }
    ::fcntl(between.write, F_SETFL, O_NONBLOCK);
    const auto printer = start_helper(
        "convex-log-out", {STDERR_FILENO, between.read, ended.write}, false, origin_, [&] {
            print_lines(between.read, STDERR_FILENO, format_);
        });
    const auto collector = start_helper(
        "convex-log-in",
        {own_.read, node_.read, backend_.read, between.write, ended.write},
        false,
        origin_,
        [&] {
            collect_lines({own_.read, node_.read, backend_.read}, between.write, format_);
        });
    close(between);  // without the other helper, this one sees end of file
    close_fd(ended.write);
    close_fd(ended_);
    ended_ = ended.read;
    printer_ = printer ? *printer : 0;
    collector_ = collector ? *collector : 0;
    for (const auto pid : {printer_, collector_})
        if (pid > 0) helpers_.insert(pid);
    if (printer && collector)
        start_at_.reset();
    else if (collector_ > 0)
        ::kill(collector_, SIGKILL);
}

bool Lines::reaped(pid_t pid, Instant now) {
    if (helpers_.erase(pid) == 0) return false;
    if (pid == printer_) {
        printer_ = 0;
        // lines that it takes would go nowhere
        if (collector_ > 0) ::kill(collector_, SIGKILL);
    }
    if (pid == collector_) {
        collector_ = 0;
        start_at_ = std::max(now, *started_ + pause_between_starts);
        check_time(now);
    }
    return true;
}

void Lines::check_time(Instant now) {
    if (start_at_ && *start_at_ <= now) start(now);
}

bool Lines::put(const std::string& line) const {
    return ::write(own_.write, line.data(), line.size()) == static_cast<ssize_t>(line.size());
}

void Lines::write(const LogEvent& event) {
    const auto at = wall_now();
    auto line = model::event_line(format_, at, event.level, event.name, event.fields);
    // A pipe takes at most this much atomically.
    if (line.size() > PIPE_BUF) line.replace(PIPE_BUF - 1, std::string::npos, "\n");
    if (dropped_ > 0) {
        if (!put(dropped_line(format_, dropped_))) {
            ++dropped_;
            return;
        }
        dropped_ = 0;
    }
    if (!put(line)) ++dropped_;
}

void Lines::end() {
    close_fd(own_.write);
    if (ended_ >= 0 && collector_ > 0) {
        pollfd wait{.fd = ended_, .events = 0, .revents = 0};
        while (::poll(&wait, 1, last_lines_ms) < 0 && errno == EINTR) {
        }
    }
    close_fd(ended_);
    for (auto* const pipe : {&own_, &node_, &backend_})
        close(*pipe);
}

}  // namespace warden
