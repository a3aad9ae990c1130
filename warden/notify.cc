#include "warden/notify.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>

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

}  // namespace warden
