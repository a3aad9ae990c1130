// The warden as the node process sees it: it holds the deadline and is the parent of a `process`
// backend. Rules W0 to W6 of docs/protocol.md.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "model/result.h"
#include "model/time.h"
#include "model/warden_list.h"
#include "model/warden_message.h"

namespace reconcilers::ports {

/// Everything a child is started with, as configured; it inherits nothing. The daemon looks up the
/// names and puts the result into the warden's list.
struct SpawnSpec {
    std::vector<std::string> command;  // [0] is an absolute path or looked up in PATH of `env`
    std::string dir;                   // "": /
    std::map<std::string, std::string> env;
    std::string user;                             // "": the daemon's user
    std::string group;                            // "": the user's primary group
    std::map<std::string, std::uint64_t> limits;  // "nofile", "core", "as", "nproc": soft = hard
    friend bool operator==(const SpawnSpec&, const SpawnSpec&) = default;
};

/// The warden's state in its last message, and what is known of the warden itself.
struct WardenView : model::WardenStatus {
    bool heard = false;   // it has sent something: before that, its state is not known
    bool silent = false;  // it did not answer the last request
    std::string struck;   // what was killed in its place since its last message; "": nothing
    bool lost = false;    // the socket is closed: nothing may be started any more
    friend bool operator==(const WardenView&, const WardenView&) = default;
};

/// What a message of the warden says.
[[nodiscard]] inline WardenView to_view(model::WardenStatus status) {
    return {std::move(status), true};
}

/// Each call returns within 100 ms, else it is unavailable. fenced: the socket is closed.
class Warden {
public:
    virtual ~Warden() = default;

    /// Sets a new end of the lease (BOOTTIME; {}: no lease). The warden limits it to its own now +
    /// ttl. Returns when the warden has stored it.
    [[nodiscard]] virtual model::Result<void> set_deadline(model::Instant valid_until) = 0;

    /// Starts the backend of this entry under the present deadline. fenced: no strike time is
    /// ahead. conflict: one is running already, or not known to be dead. invalid: the list has no
    /// such backend, or its command cannot be executed; the message has the reason.
    [[nodiscard]] virtual model::Result<void> start_backend(model::WardenEntry entry) = 0;

    /// Sends SIGTERM to its main process (stop), or SIGKILL to all of its processes (kill).
    [[nodiscard]] virtual model::Result<void> stop_backend() = 0;
    [[nodiscard]] virtual model::Result<void> kill_backend() = 0;

    /// Reports that this process has fenced itself and will not act again under this deadline: the
    /// strike then spares it.
    [[nodiscard]] virtual model::Result<void> disarm() = 0;

    /// Records this process's incarnation in the warden's state file (L11).
    [[nodiscard]] virtual model::Result<void> claim(const std::string& incarnation) = 0;

    /// Puts an entry that the warden does not run itself under the deadline, before it is started
    /// or bound (W0): until unregister_target() it ends with the lease. While no strike time is
    /// ahead, whatever of it lives or appears is killed or removed. Either may be repeated.
    /// invalid: the list has no such entry.
    [[nodiscard]] virtual model::Result<void> register_target(model::WardenEntry entry) {
        return model::error(model::Errc::invalid,
                            "no target " + std::to_string(entry.number) + " in the warden's list");
    }
    [[nodiscard]] virtual model::Result<void> unregister_target(model::WardenEntry entry) {
        return register_target(entry);
    }

    [[nodiscard]] virtual WardenView view() = 0;
    /// Calls `wake` from any thread when the view changed.
    virtual void on_change(std::function<void()> wake) = 0;
};

}  // namespace reconcilers::ports
