// What ends with the lease and is not a child of the warden: cgroups of units and containers,
// addresses.
#pragma once

#include <string>
#include <vector>

#include "model/result.h"
#include "model/warden_list.h"

namespace warden {

/// Sends SIGKILL to all processes of the cgroups on the list. Returns what is still alive, or may
/// be, and why; "": nothing.
[[nodiscard]] std::string end_cgroups(const std::vector<model::WardenTarget>& list);

[[nodiscard]] bool has_addresses(const std::vector<model::WardenTarget>& list);
/// Removes the addresses on the list, but none with an unlimited lifetime: no node process binds
/// one, so that it is the host's own. Blocks on the kernel's rtnl lock, which other processes may
/// hold for long: only in a helper. Returns what is still there and why; "": nothing.
[[nodiscard]] std::string remove_addresses(const std::vector<model::WardenTarget>& list);

/// Watches for targets that come to life.
class Targets {
public:
    Targets() = default;
    ~Targets();
    Targets(const Targets&) = delete;
    Targets& operator=(const Targets&) = delete;

    [[nodiscard]] model::Result<void> open();
    /// Becomes readable when something happened to a target.
    [[nodiscard]] int fd() const { return epoll_; }

    /// Watches these targets from now on: processes that start in a cgroup, also one that does not
    /// exist yet, and new addresses. invalid: some of them cannot be watched, and are not; a later
    /// call tries again.
    [[nodiscard]] model::Result<void> follow(const std::vector<model::WardenTarget>& list);
    /// Whether something happened since the last call.
    [[nodiscard]] bool changed();

private:
    void watch_cgroups();
    [[nodiscard]] model::Result<void> watch_addresses();

    bool complete_ = true;  // all of the list is watched
    std::vector<model::WardenTarget> list_;
    int epoll_ = -1;
    int cgroups_ = -1;    // inotify
    int addresses_ = -1;  // netlink, events
};

}  // namespace warden
