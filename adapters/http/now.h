// The time that deadlines of this directory are in.
#pragma once

#include <chrono>
#include <ctime>

#include "model/time.h"

namespace adapters::http {

/// Now, on CLOCK_BOOTTIME.
[[nodiscard]] inline model::Instant now() {
    timespec at{};
    ::clock_gettime(CLOCK_BOOTTIME, &at);
    return model::Instant{std::chrono::seconds{at.tv_sec} + std::chrono::nanoseconds{at.tv_nsec}};
}

}  // namespace adapters::http
