// What ends with the lease and is not the warden's child: cgroups of units and containers,
// addresses.
#pragma once

#include <string>
#include <vector>

#include "model/result.h"
#include "model/warden_message.h"

namespace warden {

class Targets {
public:
    Targets() = default;
    ~Targets();
    Targets(const Targets&) = delete;
    Targets& operator=(const Targets&) = delete;

    [[nodiscard]] model::Result<void> open();
    /// Readable when something happened to what is followed.
    [[nodiscard]] int fd() const { return epoll_; }

    /// Watches these from now on: starts of processes in a cgroup, also one that is not there yet,
    /// and new addresses.
    void follow(const std::vector<model::WardenTarget>& list);
    /// Whether something happened since it was last asked.
    [[nodiscard]] bool changed();

    /// SIGKILL to all of the cgroups, then the addresses off: a lock of the kernel's network part
    /// must not hold up a kill. Returns what is still there and why; "" when nothing is.
    [[nodiscard]] std::string end(const std::vector<model::WardenTarget>& list);

private:
    void watch_cgroups();

    std::vector<model::WardenTarget> list_;
    int epoll_ = -1;
    int cgroups_ = -1;    // inotify
    int addresses_ = -1;  // netlink, events
    int requests_ = -1;   // netlink, commands
};

}  // namespace warden
