// Entry control for calls from other threads: after close() no call runs, and none begins.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "adapters/sync/mutex.h"

namespace adapters::sync {

/// Lets calls in until it is closed; close() waits for calls that are inside. Must not be closed
/// from inside a call.
class Gate {
public:
    /// Runs `call` unless closed. The lock is not held while it runs.
    template <typename Call>
    void pass(const Call& call) EXCLUDES(mutex_) {
        {
            const Lock lock{mutex_};
            if (closed_) return;
            ++inside_;
        }
        call();
        // Notified with the lock held: a thread that waits in close() may destroy the gate as soon
        // as it gets the lock.
        const Lock lock{mutex_};
        if (--inside_ == 0) empty_.notify_all();
    }

    void close() EXCLUDES(mutex_) {
        const Lock lock{mutex_};
        closed_ = true;
        empty_.wait(mutex_, [this]() REQUIRES(mutex_) { return inside_ == 0; });
    }

private:
    Mutex mutex_;
    Condition empty_;
    int inside_ GUARDED_BY(mutex_) = 0;
    bool closed_ GUARDED_BY(mutex_) = false;
};

/// A function that one thread calls and another may replace.
class Callback {
public:
    /// An empty function: no more calls. When it returns, no call of the previous function is
    /// running or will begin. Must not be called from inside a call.
    void set(std::function<void()> call) EXCLUDES(mutex_) {
        auto entry = call ? std::make_shared<Entry>(std::move(call)) : nullptr;
        {
            const Lock lock{mutex_};
            std::swap(entry_, entry);
        }
        if (entry) entry->gate.close();
    }

    /// The lock is not held during the call.
    void operator()() EXCLUDES(mutex_) {
        std::shared_ptr<Entry> entry;
        {
            const Lock lock{mutex_};
            entry = entry_;
        }
        if (entry) entry->gate.pass(entry->call);
    }

private:
    struct Entry {
        explicit Entry(std::function<void()> function) : call{std::move(function)} {}
        const std::function<void()> call;
        Gate gate;
    };

    Mutex mutex_;
    std::shared_ptr<Entry> entry_ GUARDED_BY(mutex_);
};

}  // namespace adapters::sync
