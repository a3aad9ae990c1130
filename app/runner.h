// Runs one reconciler on one thread: it steps when woken, and at the latest at the time that its
// last pass named.
#pragma once

#include <functional>
#include <stop_token>
#include <thread>

#include "adapters/sync/mutex.h"
#include "model/time.h"
#include "reconcilers/ports/clock.h"

namespace app {

/// Lets a thread wait for others.
class WakeUp {
public:
    void wake() {
        {
            const adapters::sync::Lock lock{mutex_};
            woken_ = true;
        }
        changed_.notify_one();
    }
    /// Returns when woken since the last wait, or after `limit`.
    void wait(model::Duration limit) {
        const adapters::sync::Lock lock{mutex_};
        changed_.wait_for(mutex_, limit, [this]() REQUIRES(mutex_) { return woken_; });
        woken_ = false;
    }

private:
    adapters::sync::Mutex mutex_;
    adapters::sync::Condition changed_;
    bool woken_ GUARDED_BY(mutex_) = false;
};

class Runner {
public:
    /// One pass; `hinted`: something that it depends on has changed. Returns the time of the next
    /// pass at the latest.
    using Step = std::function<model::Instant(bool hinted)>;

    explicit Runner(reconcilers::ports::Clock& clock) : clock_{clock} {}
    ~Runner() { stop(); }
    Runner(const Runner&) = delete;
    Runner& operator=(const Runner&) = delete;

    void start(Step step);
    /// Ends after the pass under way.
    void stop();

    /// From any thread; blocks only for a lock. wake(): the board changed. hint(): a hint of the
    /// reconciler's own store.
    void wake();
    void hint();

private:
    void run(const std::stop_token& stop, const Step& step);

    reconcilers::ports::Clock& clock_;
    adapters::sync::Mutex mutex_;
    adapters::sync::Condition changed_;
    bool woken_ GUARDED_BY(mutex_) = false;
    bool hinted_ GUARDED_BY(mutex_) = false;
    std::jthread thread_;
};

}  // namespace app
