#include "warden/lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <utility>

namespace warden {
namespace {

using model::Errc;

// Does not block on a FIFO or device in its place.
constexpr int careful = O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;

model::Error failed(const std::string& path) {
    const int reason = errno;
    return model::error(reason == ENOENT ? Errc::not_found : Errc::unavailable,
                        path + ": " + std::strerror(reason));
}

}  // namespace

Lock::~Lock() {
    if (fd_ >= 0) ::close(fd_);
}

Lock::Lock(Lock&& other) noexcept : fd_{std::exchange(other.fd_, -1)} {}

Lock& Lock::operator=(Lock&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
}

model::Result<Lock> Lock::take(const std::string& path, Create create) {
    Lock lock;
    const int how = careful | (create == Create::yes ? O_CREAT : 0);
    lock.fd_ = ::open(path.c_str(), O_RDWR | how, 0644);
    // A daemon that ran as another user may have created it; read access is enough to lock it.
    if (lock.fd_ < 0 && errno == EACCES) lock.fd_ = ::open(path.c_str(), O_RDONLY | careful);
    if (lock.fd_ < 0) return failed(path);
    struct stat what {};
    if (::fstat(lock.fd_, &what) != 0) return failed(path);
    if (!S_ISREG(what.st_mode))
        return model::error(Errc::unavailable, path + ": not a regular file");
    if (::flock(lock.fd_, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) return failed(path);
        auto text = read_lock(path);
        return model::error(Errc::conflict,
                            text.holder.empty() ? "unknown" : std::move(text.holder));
    }
    return lock;
}

model::Result<void> Lock::write(pid_t holder, const std::string& state_file) const {
    const auto text = model::to_text({.holder = std::to_string(holder), .state_file = state_file});
    if (::ftruncate(fd_, 0) != 0 ||
        ::pwrite(fd_, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size()))
        return failed("write");
    return {};
}

LockFile read_lock(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | careful);
    if (fd < 0) return {};
    struct stat what {};
    std::array<char, PATH_MAX + 128> buffer{};
    const bool known = ::fstat(fd, &what) == 0;
    const auto got = ::read(fd, buffer.data(), buffer.size());
    ::close(fd);
    if (!known || got < 0) return {};
    const bool own = what.st_uid == ::geteuid() || ::geteuid() == 0;
    if (!S_ISREG(what.st_mode) || !own || (what.st_mode & 022) != 0 || what.st_nlink != 1)
        return {};
    return {model::parse_lock_text({buffer.data(), static_cast<std::size_t>(got)}),
            what.st_uid,
            what.st_gid};
}

}  // namespace warden
