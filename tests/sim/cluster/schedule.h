// Simulated time and scheduled events, in one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <utility>

#include "model/time.h"
#include "reconcilers/ports/clock.h"

namespace sim {

class Schedule {
public:
    [[nodiscard]] model::Duration now() const { return now_; }

    void at(model::Duration when, std::function<void()> what) {
        events_[{std::max(when, now_), ++count_}] = std::move(what);
    }
    void after(model::Duration delay, std::function<void()> what) {
        at(now_ + delay, std::move(what));
    }
    /// Runs the next event, unless it is after `limit`; then sets the time to `limit`. False: it
    /// was.
    bool step(model::Duration limit) {
        if (events_.empty() || events_.begin()->first.first > limit) {
            now_ = std::max(now_, limit);
            return false;
        }
        auto event = events_.extract(events_.begin());
        now_ = event.key().first;
        event.mapped()();
        return true;
    }

private:
    model::Duration now_{};
    std::uint64_t count_ = 0;
    std::map<std::pair<model::Duration, std::uint64_t>, std::function<void()>> events_;
};

/// One machine's CLOCK_BOOTTIME, with its own start and a small drift.
class MachineClock final : public reconcilers::ports::Clock {
public:
    MachineClock(const Schedule& schedule, std::int64_t drift_ppm)
        : schedule_{schedule}, drift_ppm_{drift_ppm} {}

    void boot(model::Duration uptime) {
        booted_ = schedule_.now();
        uptime_ = uptime;
    }
    [[nodiscard]] model::Instant now() const override { return at(schedule_.now()); }
    [[nodiscard]] model::WallTime wall() const override {
        return {1'700'000'000'000 + model::to_ms(schedule_.now())};
    }
    [[nodiscard]] model::Instant at(model::Duration world) const {
        const auto since = world - booted_;
        return model::Instant{uptime_ + since + since / 1'000'000 * drift_ppm_};
    }
    /// The world's time at which this clock shows `then`, or slightly later.
    [[nodiscard]] model::Duration world(model::Instant then) const {
        const auto since = then.time_since_epoch() - uptime_;
        return booted_ + since - since / (1'000'000 + drift_ppm_) * drift_ppm_ +
               std::chrono::microseconds{2};
    }

private:
    const Schedule& schedule_;
    std::int64_t drift_ppm_;
    model::Duration booted_{};
    model::Duration uptime_{};
};

}  // namespace sim
