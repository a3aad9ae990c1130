// The service that the cluster keeps available, in any form: a child of the warden, a systemd unit,
// a container, or commands of the operator.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/result.h"
#include "model/time.h"

namespace reconcilers::ports {

/// Something of the backend's own configuration on this machine that an operator should change.
struct BackendConcern {
    std::string reason;   // one word in CamelCase, for programs
    std::string message;  // what it means, and what to do
    friend bool operator==(const BackendConcern&, const BackendConcern&) = default;
};

struct BackendObserved {
    enum class State : std::uint8_t {
        absent,   // no process of it is alive
        running,  // some process of it is alive, also while it starts, stops or dies
        unknown,  // cannot be determined now: never treated as absent
    };
    State state = State::unknown;
    /// All its descendants end with it, even if the warden dies; where it is absent: they would.
    /// Empty: not known.
    std::optional<bool> contained;
    /// It runs where nobody would end it with the lease (W0).
    bool unguarded = false;
    std::int32_t pid = 0;  // of its main process; 0: none, or not known
    // grows with each start, so that a death between two observations is detected
    std::uint64_t starts = 0;
    std::string last_exit;  // "exit 1", "signal 9 (KILL)"; "": no death seen by this observer
    /// Since when it runs, where its supervisor says so.
    std::optional<model::Instant> since;
    std::vector<BackendConcern> concerns;
    friend bool operator==(const BackendObserved&, const BackendObserved&) = default;
};

/// Each call returns within 500 ms: it makes a request, whose result a later observe() shows. Any
/// call may be repeated.
///
/// unavailable      it did not happen: try again
/// unknown_outcome  it may have happened: no answer came in time; observe, and decide then
/// invalid          the configuration is wrong: trying again cannot help
class Backend {
public:
    virtual ~Backend() = default;

    /// Success where it runs already. fenced: no deadline is set, or its strike time passed.
    [[nodiscard]] virtual model::Result<void> start() = 0;
    /// Asks it to terminate; success where it is absent.
    [[nodiscard]] virtual model::Result<void> stop() = 0;
    /// Kills all of its processes; success where it is absent.
    [[nodiscard]] virtual model::Result<void> kill() = 0;

    [[nodiscard]] virtual model::Result<BackendObserved> observe() = 0;

    /// Checks without starting it whether it could be started here: program, user and directory
    /// exist.
    /// invalid: it could not; the message says what is missing.
    [[nodiscard]] virtual model::Result<void> check() { return {}; }
};

}  // namespace reconcilers::ports
