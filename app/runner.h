// One reconciler on one thread: it steps when it is woken, and at the latest when it asked to be.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>

#include "model/time.h"
#include "reconcilers/ports/clock.h"

namespace app {

/// A thread's wait for others.
class WakeUp {
public:
    void wake() {
        {
            const std::lock_guard lock{mutex_};
            woken_ = true;
        }
        changed_.notify_one();
    }
    /// Returns when woken since the last wait, at the latest after `limit`.
    void wait(model::Duration limit) {
        std::unique_lock lock{mutex_};
        changed_.wait_for(lock, limit, [this] { return woken_; });
        woken_ = false;
    }

private:
    std::mutex mutex_;
    std::condition_variable_any changed_;
    bool woken_ = false;
};

class Runner {
public:
    /// One pass; `hinted`: something it depends on changed. Returns when to come again.
    using Step = std::function<model::Instant(bool hinted)>;

    explicit Runner(reconcilers::ports::Clock& clock) : clock_{clock} {}
    ~Runner() { stop(); }
    Runner(const Runner&) = delete;
    Runner& operator=(const Runner&) = delete;

    void start(Step step);
    /// Ends after the pass that is under way.
    void stop();

    /// From any thread, never blocks for longer than a lock. A board change wakes; a hint of the
    /// reconciler's own store wakes and says so.
    void wake();
    void hint();

private:
    void run(const std::stop_token& stop, const Step& step);

    reconcilers::ports::Clock& clock_;
    std::mutex mutex_;
    std::condition_variable_any changed_;
    bool woken_ = false;
    bool hinted_ = false;
    std::jthread thread_;
};

}  // namespace app
