// A lock file: held while the daemon lives, with a text that names the holder and its state file.
// Commands that take the same lock while no daemon runs, and leave its text: adapters/linux.
#pragma once

#include <sys/types.h>

#include <string>

#include "model/lock_text.h"
#include "model/result.h"

namespace warden {

class Lock {
public:
    enum class Create : bool { no, yes };

    Lock() = default;
    ~Lock();
    Lock(Lock&& other) noexcept;
    Lock& operator=(Lock&& other) noexcept;

    /// Does not block. conflict: another process holds it; the message is its pid, or "unknown".
    /// not_found: it does not exist and must not be created. unavailable: it cannot be opened, or
    /// is not a regular file.
    [[nodiscard]] static model::Result<Lock> take(const std::string& path, Create create);

    [[nodiscard]] bool held() const { return fd_ >= 0; }
    /// Writes who holds it. unavailable: it cannot be written.
    [[nodiscard]] model::Result<void> write(pid_t holder, const std::string& state_file) const;

private:
    int fd_ = -1;
};

/// The text of a lock file is empty where it is not trusted: only a file is that no one but this
/// user, or its owner where this user is root, could write.
struct LockFile : model::LockText {
    uid_t owner = 0;
    gid_t group = 0;
};
[[nodiscard]] LockFile read_lock(const std::string& path);

}  // namespace warden
