// The processes of a backend, killed by somebody who is not their parent.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "adapters/linux/descriptor.h"

namespace adapters::linux_host {

/// As the warden names a backend that it started.
struct BackendIdentity {
    std::int32_t pid = 0;  // 0: there is none
    std::uint64_t start_ticks = 0;
    std::string cgroup;  // its own, absolute; "": none
    friend bool operator==(const BackendIdentity&, const BackendIdentity&) = default;
};

/// Takes hold of a backend while the warden says that it lives, so that nothing has to be opened,
/// and no pid believed, when it is to be killed. For one thread. It reads only what the kernel
/// gives without waiting for a process: no environment, no memory map.
class BackendHold {
public:
    /// warden  this process's parent, of whose descendants the backend is; 0: not known
    explicit BackendHold(pid_t warden);

    /// Lets go of the last one. A first process that is not the one meant any more is not held.
    void take(BackendIdentity identity);
    [[nodiscard]] const BackendIdentity& identity() const { return identity_; }

    struct Kill {
        int signalled = 0;  // processes and groups that a SIGKILL was sent to
        bool dead = true;   // proven: nothing of it lives
        std::string left;   // what may live, for people
    };
    /// SIGKILL to its first process and that one's group, to its cgroup, and to all that descends
    /// from it, wherever that moved; also to one that the warden started and did not tell of. By
    /// signals first, which wait for nothing.
    [[nodiscard]] Kill kill();

private:
    [[nodiscard]] bool first_process_is_there() const;
    void kill_first(Kill& kill) const;
    void kill_cgroup(Kill& kill) const;
    void kill_descendants(Kill& kill) const;

    pid_t warden_;
    std::uint64_t own_start_ticks_;
    BackendIdentity identity_;
    Descriptor first_;          // a pidfd
    Descriptor cgroup_kill_;    // cgroup.kill
    Descriptor cgroup_events_;  // cgroup.events
};

}  // namespace adapters::linux_host
