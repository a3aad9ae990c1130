// The service that the cluster keeps available, whatever runs it: a child of the warden, a systemd
// unit, a container, the operator's own commands.
#pragma once

#include <cstdint>
#include <string>

#include "model/result.h"

namespace reconcilers::ports {

struct BackendObserved {
    enum class State : std::uint8_t {
        absent,   // nothing of it lives
        running,  // something of it lives, also while it starts, stops or dies
        unknown,  // cannot be told now: never taken for absent
    };
    State state = State::unknown;
    std::int32_t pid = 0;      // of its first process; 0: none, or not known
    std::uint64_t starts = 0;  // grows with each start, so that a death between two looks is seen
    std::string last_exit;     // "exit 1", "signal 9 (KILL)"; "": has not died under this observer
    friend bool operator==(const BackendObserved&, const BackendObserved&) = default;
};

/// Each call returns within 500 ms: it asks, and a later observe() tells what came of it. Every one
/// may be repeated.
///
/// unavailable      it did not happen: try again
/// unknown_outcome  it may have happened: observe
/// invalid          the configuration is wrong: trying again cannot help
class Backend {
public:
    virtual ~Backend() = default;

    /// Also success where it runs already. fenced: no deadline is held, or its strike time passed.
    [[nodiscard]] virtual model::Result<void> start() = 0;
    /// Asks it to end by itself; success where it is absent.
    [[nodiscard]] virtual model::Result<void> stop() = 0;
    /// Ends all of it; success where it is absent.
    [[nodiscard]] virtual model::Result<void> kill() = 0;

    [[nodiscard]] virtual model::Result<BackendObserved> observe() = 0;
};

}  // namespace reconcilers::ports
