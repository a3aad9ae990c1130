// Instants of this machine's CLOCK_BOOTTIME. The clock type has no now(): pure code can only be
// handed the time, once per pass.
#pragma once

#include <chrono>
#include <cstdint>

namespace model {

using Duration = std::chrono::nanoseconds;

/// CLOCK_BOOTTIME: never set, goes on through a suspend, starts at boot. Not comparable between
/// machines.
struct BootClock {
    using duration = Duration;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<BootClock>;
    static constexpr bool is_steady = true;
};

using Instant = BootClock::time_point;

/// Wall clock, for people and for wire formats that carry one; never compared to decide anything.
/// Milliseconds since 1970-01-01 UTC.
struct WallTime {
    std::int64_t ms = 0;
    friend constexpr auto operator<=>(WallTime, WallTime) = default;
};

[[nodiscard]] constexpr std::int64_t to_ms(Duration d) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(d).count();
}

}  // namespace model
