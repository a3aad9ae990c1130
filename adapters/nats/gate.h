// Calls that can be ended: after close() none runs and none begins.
#pragma once

#include <condition_variable>
#include <mutex>

namespace adapters::nats {

/// Lets calls in until it is closed; close() waits for those inside. Not to be closed from inside.
class Gate {
public:
    /// Runs `call` unless closed. The lock is not held meanwhile.
    template <typename Call>
    void pass(const Call& call) {
        {
            const std::lock_guard lock{mutex_};
            if (closed_) return;
            ++inside_;
        }
        call();
        // Told under the lock: whoever waits in close() may destroy the gate once it has it.
        const std::lock_guard lock{mutex_};
        if (--inside_ == 0) empty_.notify_all();
    }

    void close() {
        std::unique_lock lock{mutex_};
        closed_ = true;
        empty_.wait(lock, [this] { return inside_ == 0; });
    }

private:
    std::mutex mutex_;
    std::condition_variable empty_;
    int inside_ = 0;
    bool closed_ = false;
};

}  // namespace adapters::nats
