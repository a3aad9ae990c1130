// The machine's clocks and random numbers.
#pragma once

#include <cstdint>

#include "model/time.h"
#include "reconcilers/ports/clock.h"

namespace adapters::linux_host {

/// CLOCK_BOOTTIME and CLOCK_REALTIME. Safe from any thread; never blocks.
class Clock final : public reconcilers::ports::Clock {
public:
    [[nodiscard]] model::Instant now() const override;
    [[nodiscard]] model::WallTime wall() const override;
};

/// Of the kernel's timers: 1 / HZ, 1 to 10 ms.
[[nodiscard]] model::Duration kernel_tick();

/// The kernel's random generator. Safe from any thread.
class Random final : public reconcilers::ports::Random {
public:
    [[nodiscard]] std::uint64_t below(std::uint64_t below) override;
};

}  // namespace adapters::linux_host
