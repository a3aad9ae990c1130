// What systemd says about a service unit, and what follows from it for a backend. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "reconcilers/ports/backend.h"

namespace adapters::dbus {

/// Properties of the interfaces Unit and Service, by the names that systemd gives them. Times in
/// µs of CLOCK_MONOTONIC; 0: never.
struct UnitState {
    std::string id;          // Id: its main name, which is that of its cgroup
    std::string load;        // LoadState: loaded, not-found, masked, bad-setting, error
    std::string load_error;  // the text of LoadError
    std::string active;      // ActiveState: active, activating, deactivating, inactive, failed …
    std::string sub;         // SubState: running, auto-restart, dead …
    std::string file;        // UnitFileState: enabled, disabled, static …
    std::vector<std::string> triggered_by;
    bool job_waits = false;  // a job of it is queued or running
    std::string invocation;  // InvocationID in hex; "": not started since it was loaded
    std::uint64_t active_since = 0;

    std::string slice;
    std::string cgroup;  // ControlGroup; "": it has none now
    std::string restart;
    std::string kill_mode;
    std::string result;  // success, exit-code, signal, timeout, start-limit-hit …
    std::int32_t main_pid = 0;
    std::int32_t exit_code = 0;    // of the last main process: CLD_EXITED …; 0: none ended
    std::int32_t exit_status = 0;  // its exit status or signal
    friend bool operator==(const UnitState&, const UnitState&) = default;
};

/// "convex-backend" is "convex-backend.service", as systemctl takes names.
[[nodiscard]] std::string unit_name(const std::string& service_name);

/// The path of a unit's cgroup below the root of the hierarchy, for a slice as in its property:
/// "/a.slice/a-b.slice/x.service". "": no slice.
[[nodiscard]] std::string cgroup_in(std::string_view slice, std::string_view unit);

/// Neither systemd nor a job of it will have a process of the unit: inactive or failed, and nothing
/// is queued. Whether one is left is for the cgroup to say.
[[nodiscard]] bool at_rest(const UnitState& state);

/// How its last main process ended, "exit 1", "signal 9 (KILL)", and the unit's own verdict where
/// that says more; "": none ended.
[[nodiscard]] std::string last_exit(const UnitState& state);

/// Why systemd's job did not start it, by the job's result and the unit's.
/// tried  it got as far as a process, or the attempt of one
[[nodiscard]] std::string start_failure(std::string_view job_result,
                                        bool tried,
                                        const UnitState& state);

/// What of the unit's configuration keeps the backend from being started here; the first concern
/// that does. Empty reason: nothing.
[[nodiscard]] reconcilers::ports::BackendConcern why_not_startable(const std::string& unit,
                                                                   const UnitState& state);

/// What an operator should change, although it works.
[[nodiscard]] std::vector<reconcilers::ports::BackendConcern> concerns_of(const std::string& unit,
                                                                          const UnitState& state);

}  // namespace adapters::dbus
