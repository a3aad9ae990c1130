#include "adapters/linux/replace_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstring>

namespace adapters::linux_host {
namespace {

using model::Errc;

model::Error failed(const std::string& path) {
    return model::error(Errc::unavailable, path + ": " + std::strerror(errno));
}

bool holds(const std::string& path, std::string_view text) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    std::array<char, 16 * 1024> buffer{};
    bool same = true;
    while (same) {
        const auto got = ::read(fd, buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) continue;
        const auto size = static_cast<std::size_t>(got > 0 ? got : 0);
        if (got <= 0) {
            same = got == 0 && text.empty();
            break;
        }
        same = text.substr(0, size) == std::string_view{buffer.data(), size};
        text.remove_prefix(std::min(size, text.size()));
    }
    ::close(fd);
    return same;
}

/// Written, on the disk, and closed.
bool fill(int fd, std::string_view text) {
    while (!text.empty()) {
        const auto written = ::write(fd, text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return false;
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    return ::fsync(fd) == 0;
}

}  // namespace

model::Result<bool> replace_file(const std::string& path, std::string_view text) {
    if (holds(path, text)) return false;
    struct stat present {};
    const mode_t mode = ::stat(path.c_str(), &present) == 0 ? present.st_mode & 07777U : 0644U;
    // In the same directory, under a name that nobody's pattern for targets matches.
    const auto fresh = path + ".new-" + std::to_string(::getpid());
    const int fd =
        ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return failed(fresh);
    const bool filled = fill(fd, text) && ::fchmod(fd, mode) == 0;
    const int why = errno;
    ::close(fd);
    if (filled && ::rename(fresh.c_str(), path.c_str()) == 0) return true;
    if (!filled) errno = why;
    auto failure = failed(path);
    ::unlink(fresh.c_str());
    return failure;
}

}  // namespace adapters::linux_host
