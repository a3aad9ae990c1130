// Cgroups of version 2: all processes in one can be killed at once, and an event shows when it is
// empty.
#pragma once

#include <string>
#include <string_view>

#include "model/result.h"
#include "warden/life.h"

namespace warden {

/// The name of the cgroup for backends under this lock file. The same for each warden with that
/// lock, so that what an earlier one left is found even without its state file.
[[nodiscard]] std::string cgroup_name(std::string_view lock_file);

/// Creates the cgroup `name` below the warden's own and returns its absolute path. unavailable:
/// there is no cgroup2, or no permission; the message says which.
[[nodiscard]] model::Result<std::string> create_cgroup(const std::string& name);

/// Removes it and its subgroups. False: a process is in it, or there is no permission.
bool remove_cgroup(const std::string& path);

/// Sends SIGKILL to all processes in it and below it.
void kill_cgroup(const std::string& path);

/// The same, process by process, for kernels before 5.14, which cannot kill a cgroup. Processes
/// forked meanwhile are found by the next kill.
void kill_each_in(const std::string& path);

/// dead: it is empty, or was removed, which is possible only when empty.
[[nodiscard]] Life cgroup_life(const std::string& path);

/// The warden's own cgroup for backends: its files are kept open, so that neither kill nor check
/// needs a new descriptor when none is available.
class Cgroup {
public:
    Cgroup() = default;
    ~Cgroup();
    Cgroup(const Cgroup&) = delete;
    Cgroup& operator=(const Cgroup&) = delete;

    /// invalid: its files cannot be opened. "": no cgroup; life() is then dead.
    [[nodiscard]] model::Result<void> open(std::string path);
    [[nodiscard]] const std::string& path() const { return path_; }
    /// Becomes ready for EPOLLPRI when life() may have changed, until life() is called. -1: no
    /// cgroup.
    [[nodiscard]] int events() const { return events_; }

    void kill() const;
    [[nodiscard]] Life life() const;

private:
    std::string path_;
    int events_ = -1;
    int kill_ = -1;
};

}  // namespace warden
