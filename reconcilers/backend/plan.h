// The decisions of the backend reconciler; pure. The backend runs on the node whose data was
// promoted under a valid lease, and nowhere else.
#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "model/result.h"
#include "model/time.h"
#include "reconcilers/board.h"
#include "reconcilers/ports/backend.h"
#include "reconcilers/ports/health_probe.h"

namespace reconcilers::backend {

struct Settings {
    std::string health_url;  // "": no health checks; a running backend is ready
    model::Duration health_interval{};
    model::Duration health_timeout{};
    model::Duration start_timeout{};
    model::Duration stop_timeout{};
};

/// What the reconciler remembers between two passes.
struct Memory {
    std::uint64_t starts_seen = 0;
    bool start_sent = false;            // a start was requested, and it was not seen running since
    model::Instant unanswered_since{};  // starts are requested in vain since then; {}: they are not
    model::Instant started_at{};        // of the present run; {}: not running
    model::Instant stop_asked{};        // {}: no stop requested
    model::Instant kill_asked{};
    model::Instant start_after{};  // earliest next start, by the back-off
    int failures = 0;              // consecutive, without health in between
    bool ready = false;
    /// It has been healthy at some time, on any node: so its health endpoint is configured
    /// correctly.
    bool ever_ready = false;
    bool found_unhealthy = false;  // the present stop is because of its health
    model::Instant ready_since{};
    model::Instant next_probe{};
    int failed_probes = 0;  // consecutive
    std::string last_failure;
};

struct Start {
    friend bool operator==(const Start&, const Start&) = default;
};
struct Stop {
    bool unhealthy = false;  // stop because of its health, not because it is not wanted
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

/// Whether it should run now: the lease is valid and before its fence time, the data is promoted or
/// the database is to be created, and nothing requires a stop.
[[nodiscard]] bool wanted(const Board& board, model::Instant now, std::string* why_not);

[[nodiscard]] Plan plan_backend(const Memory& memory,
                                const Settings& settings,
                                const Board& board,
                                const ports::BackendObserved& observed,
                                model::Instant now);

/// Updates the memory from an observation and a health check. Returns whether something changed
/// that other reconcilers act on.
void learn(Memory& memory,
           const Settings& settings,
           const ports::BackendObserved& observed,
           const ports::Health& health,
           model::Instant now);

/// Updates the memory from what a request to start came to. One that did not reach its supervisor,
/// or whose answer did not come in time, is no failure of the backend: what it led to is observed.
/// Where no request is answered for `start_timeout`, that counts as one.
void learn_start(Memory& memory,
                 const Settings& settings,
                 const model::Result<void>& outcome,
                 model::Instant now);

/// Whether another node reports a healthy backend.
[[nodiscard]] bool healthy_elsewhere(const Board& board);

/// Delay of the next start after `failures` consecutive ones: 250 ms, doubled up to 30 s.
[[nodiscard]] model::Duration back_off(int failures);

/// Consecutive failed health checks that make a running backend unhealthy.
inline constexpr int probes_to_fail = 3;
/// Consecutive failed starts after which the node offers the service to another one.
inline constexpr int starts_to_give_up = 3;
/// Time after the kill until a backend that is still alive counts as stuck (D8).
inline constexpr std::chrono::seconds stuck_after{10};

}  // namespace reconcilers::backend
