#include "adapters/linux/state_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <utility>

#include "model/ids.h"

namespace adapters::linux_host {

using model::Errc;

model::Result<StateLock> StateLock::take(const std::string& directory) {
    const auto path = directory + "/lock";
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0) return model::error(Errc::invalid, path + ": " + std::strerror(errno));
    StateLock lock{fd};
    if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return lock;
    if (errno != EWOULDBLOCK)
        return model::error(Errc::invalid, path + ": " + std::strerror(errno));
    std::ifstream file{path};
    std::string pid;
    std::getline(file, pid);
    return model::error(
        Errc::conflict,
        path + " is held by " + (model::parse_number(pid) ? "process " + pid : "another process"));
}

StateLock::StateLock(StateLock&& other) noexcept : fd_{std::exchange(other.fd_, -1)} {}

StateLock& StateLock::operator=(StateLock&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
}

StateLock::~StateLock() {
    if (fd_ >= 0) ::close(fd_);
}

}  // namespace adapters::linux_host
