#include "adapters/linux/clock.h"

#include <sys/random.h>

#include <ctime>

#include "model/result.h"

namespace adapters::linux_host {

model::Instant Clock::now() const {
    timespec at{};
    ::clock_gettime(CLOCK_BOOTTIME, &at);
    return model::Instant{std::chrono::seconds{at.tv_sec} + std::chrono::nanoseconds{at.tv_nsec}};
}

model::WallTime Clock::wall() const {
    timespec at{};
    ::clock_gettime(CLOCK_REALTIME, &at);
    return {.ms = at.tv_sec * 1000 + at.tv_nsec / 1'000'000};
}

model::Duration kernel_tick() {
    timespec each{};
    // The coarse clocks advance with each tick.
    ::clock_getres(CLOCK_MONOTONIC_COARSE, &each);
    return std::chrono::seconds{each.tv_sec} + std::chrono::nanoseconds{each.tv_nsec};
}

// Rejects values at or above the largest multiple of `below`, so that every number is equally
// likely.
std::uint64_t Random::below(std::uint64_t below) {
    model::check(below > 0, "Random::below(0)");
    // check() does not return. NOLINTNEXTLINE(clang-analyzer-core.DivideZero)
    const std::uint64_t excess = (UINT64_MAX % below + 1) % below;
    std::uint64_t value = 0;
    do {
        // Up to 256 bytes are returned completely, and without blocking once the kernel is seeded.
        const auto got = ::getrandom(&value, sizeof value, 0);
        model::check(got == static_cast<ssize_t>(sizeof value), "getrandom");
    } while (value > UINT64_MAX - excess);
    return value % below;
}

}  // namespace adapters::linux_host
