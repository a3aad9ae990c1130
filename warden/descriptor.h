// A file descriptor that is closed once.
#pragma once

#include <unistd.h>

namespace warden {

/// Closes it where it is open; -1 afterwards.
inline void close_fd(int& fd) {
    if (fd >= 0) ::close(fd);
    fd = -1;
}

}  // namespace warden
