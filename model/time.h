// Instants of this machine's CLOCK_BOOTTIME. The clock type has no now(): pure code is handed the
// time, once per pass.
#pragma once

#include <chrono>
#include <cstdint>

namespace model {

using Duration = std::chrono::nanoseconds;

/// CLOCK_BOOTTIME: cannot be set, continues during suspend, starts at boot. Not comparable between
/// machines.
struct BootClock {
    using duration = Duration;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<BootClock>;
    static constexpr bool is_steady = true;
};

using Instant = BootClock::time_point;

/// Wall clock in milliseconds since 1970-01-01 UTC, for people and for wire formats that carry it;
/// never compared in a decision.
struct WallTime {
    std::int64_t ms = 0;
    friend constexpr auto operator<=>(WallTime, WallTime) = default;
};

[[nodiscard]] constexpr std::int64_t to_ms(Duration d) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(d).count();
}

}  // namespace model
