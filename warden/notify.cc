#include "warden/notify.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include "model/ids.h"

namespace warden {

Notify::Notify() {
    if (const char* const path = std::getenv("NOTIFY_SOCKET")) path_ = path;
    const char* const usec = std::getenv("WATCHDOG_USEC");
    const char* const pid = std::getenv("WATCHDOG_PID");
    const bool mine = pid == nullptr || std::to_string(::getpid()) == pid;
    if (usec != nullptr && mine) {
        const auto number = model::parse_number(usec);
        if (number && *number >= 2000 && *number < 86'400'000'000)
            period_ = std::chrono::microseconds{static_cast<std::int64_t>(*number / 2)};
    }
    ::unsetenv("NOTIFY_SOCKET");
    ::unsetenv("WATCHDOG_USEC");
    ::unsetenv("WATCHDOG_PID");
    if (path_.empty() || path_.size() >= sizeof(sockaddr_un::sun_path)) {
        path_.clear();
        period_.reset();
        return;
    }
    fd_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

Notify::~Notify() {
    if (fd_ >= 0) ::close(fd_);
}

void Notify::send(std::string_view state) const {
    if (fd_ < 0) return;
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    std::memcpy(to.sun_path, path_.data(), path_.size());
    if (to.sun_path[0] == '@') to.sun_path[0] = '\0';  // the abstract namespace
    const auto size = offsetof(sockaddr_un, sun_path) + path_.size();
    ::sendto(fd_,
             state.data(),
             state.size(),
             MSG_NOSIGNAL | MSG_DONTWAIT,
             reinterpret_cast<const sockaddr*>(&to),
             static_cast<socklen_t>(size));
}

// A pipe or a terminal is opened anew: O_NONBLOCK on the inherited description would be felt by
// everybody else who has it.
Lines::Lines(model::LineFormat format) : format_{format} {
    struct stat what {};
    if (::fstat(STDERR_FILENO, &what) != 0) return;
    socket_ = S_ISSOCK(what.st_mode);
    if (!S_ISFIFO(what.st_mode) && !S_ISCHR(what.st_mode)) return;
    const int own = ::open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (own >= 0) fd_ = own;
}

Lines::~Lines() {
    if (fd_ != STDERR_FILENO) ::close(fd_);
}

void Lines::write(const Say& say) const {
    timespec at{};
    ::clock_gettime(CLOCK_REALTIME, &at);
    const model::WallTime wall{.ms = at.tv_sec * 1000 + at.tv_nsec / 1'000'000};
    const auto line = model::event_line(format_, wall, say.level, say.name, say.fields);
    [[maybe_unused]] const auto written =
        socket_ ? ::send(fd_, line.data(), line.size(), MSG_NOSIGNAL | MSG_DONTWAIT)
                : ::write(fd_, line.data(), line.size());
}

}  // namespace warden
