// What the backend reconciler decides, pure: the backend runs on the node whose data was promoted
// under a valid lease, and nowhere else.
#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "model/time.h"
#include "reconcilers/board.h"
#include "reconcilers/ports/backend.h"
#include "reconcilers/ports/health_probe.h"

namespace reconcilers::backend {

struct Settings {
    std::string health_url;  // "": health is not looked at; running is ready
    model::Duration health_interval{};
    model::Duration health_timeout{};
    model::Duration start_timeout{};
    model::Duration stop_timeout{};
};

/// What the reconciler knows between two passes.
struct Memory {
    std::uint64_t starts_seen = 0;
    bool start_sent = false;      // it was asked to start, and was not seen since
    model::Instant started_at{};  // of the present run; {}: it does not run
    model::Instant stop_asked{};  // {}: not asked
    model::Instant kill_asked{};
    model::Instant start_after{};  // back-off
    int failures = 0;              // in a row, without health in between
    bool ready = false;
    /// Healthy at any time, here or on another node: its health endpoint is no mistake.
    bool ever_ready = false;
    bool found_unhealthy = false;  // the present stop is for its health
    model::Instant ready_since{};
    model::Instant next_probe{};
    int failed_probes = 0;  // in a row
    std::string last_failure;
};

struct Start {
    friend bool operator==(const Start&, const Start&) = default;
};
struct Stop {
    bool unhealthy = false;  // for its health, not because it is not wanted
    friend bool operator==(const Stop&, const Stop&) = default;
};
struct Kill {
    friend bool operator==(const Kill&, const Kill&) = default;
};
struct Probe {
    friend bool operator==(const Probe&, const Probe&) = default;
};
using Action = std::variant<std::monostate, Start, Stop, Kill, Probe>;

struct Plan {
    Action action;
    model::Instant wake_at{};
    std::string reason;  // for people
};

/// Whether it shall run now: a valid lease before its fence time, its data promoted or its database
/// to be made, and nobody who asks for its end.
[[nodiscard]] bool wanted(const Board& board, model::Instant now, std::string* why_not);

[[nodiscard]] Plan plan_backend(const Memory& memory,
                                const Settings& settings,
                                const Board& board,
                                const ports::BackendObserved& observed,
                                model::Instant now);

/// What a look at it, and at its health, means. Returns whether something changed for the others.
void learn(Memory& memory,
           const Settings& settings,
           const ports::BackendObserved& observed,
           const ports::Health& health,
           model::Instant now);

/// Whether another node reports a healthy backend.
[[nodiscard]] bool healthy_elsewhere(const Board& board);

/// How long the next start waits after `failures` in a row: 250 ms, doubled up to 30 s.
[[nodiscard]] model::Duration back_off(int failures);

/// Health failures in a row that make a running backend unhealthy.
inline constexpr int probes_to_fail = 3;
/// Starts in a row that failed, after which the node gives the service up to a better one.
inline constexpr int starts_to_give_up = 3;
/// After the kill: what still lives then is stuck (D8).
inline constexpr std::chrono::seconds stuck_after{10};

}  // namespace reconcilers::backend
