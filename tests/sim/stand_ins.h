// Simple implementations of ports for tests that need no more of them.
#pragma once

#include <algorithm>
#include <chrono>
#include <string_view>

#include "reconcilers/ports/clock.h"
#include "reconcilers/ports/events.h"

namespace sim {

/// A clock that moves only when the test advances it.
class HandClock final : public reconcilers::ports::Clock {
public:
    [[nodiscard]] model::Instant now() const override { return now_; }
    [[nodiscard]] model::WallTime wall() const override { return {}; }
    void pass(model::Duration time) { now_ += time; }
    void until(model::Instant when) { now_ = std::max(now_, when); }

private:
    model::Instant now_{std::chrono::hours{1}};
};

class NoEvents final : public reconcilers::ports::Events {
public:
    void emit(reconcilers::ports::Level,
              std::string_view,
              const reconcilers::ports::Fields&) override {}
};

}  // namespace sim
