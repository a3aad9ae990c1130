// The cgroup of a unit, as the kernel shows it: whether a process of the unit lives does not depend
// on systemd.
#pragma once

#include <cstdint>
#include <string>

namespace adapters::dbus {

/// The mount of the cgroup2 hierarchy: /sys/fs/cgroup, or .../unified on a machine that has both.
/// "": none is mounted.
[[nodiscard]] std::string cgroup2_mount();

enum class CgroupLife : std::uint8_t {
    empty,  // no process is in it or below; also where it is absent below a cgroup2
    populated,
    unknown,
};

/// path  absolute, below a cgroup2 mount
[[nodiscard]] CgroupLife cgroup_life(const std::string& path);

/// SIGKILL to all processes in it and below. Nothing happens where there is no right to do so.
void kill_cgroup(const std::string& path);

/// Sends this signal to each process in it and below, once. Returns how many got it.
int signal_cgroup(const std::string& path, int signal);

}  // namespace adapters::dbus
