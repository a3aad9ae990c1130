// The scheduling of the warden's one thread.
#pragma once

namespace warden {

/// Real-time priority: what enforces the deadline waits behind no other process. Children do not
/// inherit it. False: it is not permitted; errno says why.
bool take_real_time_priority();

/// Normal priority while it lives, if the thread has real-time priority. For calls in which the
/// kernel waits in a loop for readers of /proc or of a cgroup's directory to go away
/// (shrink_dcache_parent, when a process is reaped, one that is gone is looked up, or a directory
/// is removed): a reader of lower priority on the same processor would not go away before the
/// kernel throttles real-time processes, after 0.95 s, and where it does not throttle them, never.
/// Signals are sent before, with real-time priority.
class NormalPriority {
public:
    NormalPriority();
    ~NormalPriority();
    NormalPriority(const NormalPriority&) = delete;
    NormalPriority& operator=(const NormalPriority&) = delete;

private:
    bool lowered_ = false;
};

}  // namespace warden
