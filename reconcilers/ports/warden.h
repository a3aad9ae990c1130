// The warden, as the node process sees it: the holder of the deadline and the parent of a `process`
// backend. Rules W0 to W6 of docs/protocol.md.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "model/result.h"
#include "model/time.h"
#include "model/warden_message.h"

namespace reconcilers::ports {

/// Everything a child starts with; nothing is inherited.
struct SpawnSpec {
    std::vector<std::string> command;  // [0] is an absolute path or looked up in PATH of `env`
    std::string dir;                   // "": /
    std::map<std::string, std::string> env;
    std::string user;                             // "": the daemon's
    std::string group;                            // "": the user's own
    std::map<std::string, std::uint64_t> limits;  // "nofile", "core", "as", "nproc": soft = hard
    friend bool operator==(const SpawnSpec&, const SpawnSpec&) = default;
};

/// What the warden last said.
struct WardenView {
    model::Instant valid_until{};  // of the deadline it holds; 0: none
    bool backend_running = false;
    std::int32_t backend_pid = 0;
    std::uint64_t backend_starts = 0;            // counts starts, so that a death is not missed
    std::optional<std::int32_t> backend_status;  // wait status of the last death
    std::string incarnation;  // of the node process that claimed the node id last
    bool lost = false;        // the socket is closed: nothing may be started any more
    friend bool operator==(const WardenView&, const WardenView&) = default;
};

/// Each call is answered within 100 ms or is unavailable; a closed socket is fenced.
class Warden {
public:
    virtual ~Warden() = default;

    /// Hands over a new end of the lease (BOOTTIME; {}: no lease). The warden clamps it to its own
    /// now + ttl. Returns when the warden holds it.
    [[nodiscard]] virtual model::Result<void> hold_until(model::Instant valid_until) = 0;

    /// Starts the backend under the deadline that is held. fenced: no strike time is ahead.
    /// conflict: it runs already. invalid: the command cannot be run; the message says why.
    [[nodiscard]] virtual model::Result<void> start_backend(const SpawnSpec& spec) = 0;

    /// Signals the whole of the backend: its first process (stop), or every process of it (kill).
    [[nodiscard]] virtual model::Result<void> stop_backend() = 0;
    [[nodiscard]] virtual model::Result<void> kill_backend() = 0;

    /// Says that this process has fenced itself and will not act again under this deadline: the
    /// strike then spares it.
    [[nodiscard]] virtual model::Result<void> disarm() = 0;

    /// Names this process's incarnation in the warden's file (L11).
    [[nodiscard]] virtual model::Result<void> claim(const std::string& incarnation) = 0;

    /// Puts something that the warden does not run on the list of what ends with the lease, before
    /// it is started or bound (W0); it stays there until forget(). While no strike time is ahead,
    /// whatever of the list lives or appears is killed or removed. Repeating either is success.
    /// invalid: no such kind of thing, or the list is full (32).
    [[nodiscard]] virtual model::Result<void> watch(const model::WardenTarget& target) {
        return model::error(model::Errc::invalid, "this warden cannot watch " + target.name);
    }
    [[nodiscard]] virtual model::Result<void> forget(const model::WardenTarget& target) {
        return model::error(model::Errc::invalid, "this warden does not watch " + target.name);
    }

    [[nodiscard]] virtual WardenView view() = 0;
    /// Calls `wake` from any thread when the view changed.
    virtual void on_change(std::function<void()> wake) = 0;
};

}  // namespace reconcilers::ports
