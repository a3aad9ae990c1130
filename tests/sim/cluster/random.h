// Random numbers from one seed: the same seed gives the same run.
#pragma once

#include <cstdint>

#include "model/time.h"
#include "reconcilers/ports/clock.h"

namespace sim {

class SimRandom final : public reconcilers::ports::Random {
public:
    explicit SimRandom(std::uint64_t seed) : state_{seed} {}

    [[nodiscard]] std::uint64_t below(std::uint64_t below) override { return next() % below; }
    [[nodiscard]] bool percent(std::uint64_t chance) { return below(100) < chance; }
    /// Uniform in [from, to).
    [[nodiscard]] model::Duration between(model::Duration from, model::Duration to) {
        return from + model::Duration{static_cast<std::int64_t>(
                          below(static_cast<std::uint64_t>((to - from).count())))};
    }

private:
    /// splitmix64
    std::uint64_t next() {
        std::uint64_t z = (state_ += 0x9e3779b97f4a7c15U);
        z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
        z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
        return z ^ (z >> 31U);
    }

    std::uint64_t state_;
};

}  // namespace sim
