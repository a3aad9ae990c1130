// How processes end.
#pragma once

#include <cstdint>
#include <string>

namespace model {

/// Exit status of a node process, and of the daemon, that must not be started again: its
/// configuration is invalid, or the node id belongs to another process. EX_CONFIG of sysexits.h.
inline constexpr int exit_for_good = 78;

/// Exit status of the daemon where a stop that was asked for did not complete in order, and the
/// rest was killed. The fence unit does not start it again then.
inline constexpr int exit_stopped_by_force = 79;

/// "exit 1", "signal 9 (KILL)", "signal 40" where the signal has no name. `wait_status` as
/// waitpid() returns it on Linux; for a process that has not ended: "status N".
[[nodiscard]] std::string exit_text(std::int32_t wait_status);

}  // namespace model
