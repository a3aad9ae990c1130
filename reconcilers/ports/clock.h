// Time and chance.
#pragma once

#include <cstdint>

#include "model/time.h"

namespace reconcilers::ports {

class Clock {
public:
    virtual ~Clock() = default;
    [[nodiscard]] virtual model::Instant now() const = 0;
    [[nodiscard]] virtual model::WallTime wall() const = 0;
};

class Random {
public:
    virtual ~Random() = default;
    /// Uniform in [0, below); below > 0.
    [[nodiscard]] virtual std::uint64_t below(std::uint64_t below) = 0;
};

}  // namespace reconcilers::ports
