#include "app/runner.h"

#include <algorithm>
#include <utility>

namespace app {
namespace {

// CLOCK_BOOTTIME continues during a suspend, but the condition variable's clock does not: check at
// least this often.
constexpr std::chrono::seconds longest_sleep{1};

}  // namespace

void Runner::start(Step step) {
    thread_ = std::jthread{
        [this, step = std::move(step)](const std::stop_token& stop) { run(stop, step); }};
}

void Runner::stop() {
    thread_.request_stop();
    wake();
    if (thread_.joinable()) thread_.join();
}

void Runner::wake() {
    {
        const adapters::sync::Lock lock{mutex_};
        woken_ = true;
    }
    changed_.notify_one();
}

void Runner::hint() {
    {
        const adapters::sync::Lock lock{mutex_};
        woken_ = true;
        hinted_ = true;
    }
    changed_.notify_one();
}

void Runner::run(const std::stop_token& stop, const Step& step) {
    bool hinted = true;
    while (!stop.stop_requested()) {
        const auto wake_at = step(hinted);
        const auto sleep = std::min<model::Duration>(wake_at - clock_.now(), longest_sleep);
        const adapters::sync::Lock lock{mutex_};
        if (sleep > model::Duration{}) {
            changed_.wait_for(mutex_, stop, sleep, [this]() REQUIRES(mutex_) { return woken_; });
        }
        woken_ = false;
        hinted = std::exchange(hinted_, false);
    }
}

}  // namespace app
