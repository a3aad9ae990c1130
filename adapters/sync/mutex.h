// The only mutex type of the program, annotated for clang: each member names the mutex that guards
// it, each function the mutex that it needs. A mutex is never held across a call to a callback, a
// port or a library function that may block.
#pragma once

#include <chrono>
#include <concepts>
#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <utility>

#include "adapters/sync/annotations.h"

namespace adapters::sync {

/// Locked through a Lock only.
class CAPABILITY("mutex") Mutex {
public:
    Mutex() = default;
    Mutex(const Mutex&) = delete;
    Mutex& operator=(const Mutex&) = delete;

private:
    friend class Lock;
    friend class Condition;
    std::mutex mutex_;
};

/// Holds a mutex until the end of its scope.
class SCOPED_CAPABILITY Lock {
public:
    explicit Lock(Mutex& mutex) ACQUIRE(mutex) : mutex_{mutex.mutex_} { mutex_.lock(); }
    ~Lock() RELEASE() { mutex_.unlock(); }
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;

private:
    std::mutex& mutex_;
};

/// A condition variable for a predicate over data that a mutex guards:
///
///     const Lock lock{mutex_};
///     changed_.wait(mutex_, [this]() REQUIRES(mutex_) { return woken_; });
///
/// The caller holds `mutex`; it is released while waiting and held again on return; `holds` is
/// called with it held. Code that changes what `holds` reads does so with the mutex held, and
/// notifies before it releases it. Timeouts count on the steady clock, which stops during a
/// suspend.
class Condition {
public:
    void notify_one() { changed_.notify_one(); }
    void notify_all() { changed_.notify_all(); }

    template <std::predicate Holds>
    void wait(Mutex& mutex, Holds holds) REQUIRES(mutex) NO_THREAD_SAFETY_ANALYSIS {
        changed_.wait(mutex.mutex_, std::move(holds));
    }

    /// False: timed out, and the predicate does not hold.
    template <std::predicate Holds>
    bool wait_until(Mutex& mutex, std::chrono::steady_clock::time_point time, Holds holds)
        REQUIRES(mutex) NO_THREAD_SAFETY_ANALYSIS {
        return changed_.wait_until(mutex.mutex_, time, std::move(holds));
    }
    template <std::predicate Holds>
    bool wait_for(Mutex& mutex, std::chrono::nanoseconds limit, Holds holds)
        REQUIRES(mutex) NO_THREAD_SAFETY_ANALYSIS {
        return changed_.wait_for(mutex.mutex_, limit, std::move(holds));
    }

    /// Returns when `stop` is requested, too. False: the predicate does not hold.
    template <std::predicate Holds>
    bool wait_for(Mutex& mutex,
                  const std::stop_token& stop,
                  std::chrono::nanoseconds limit,
                  Holds holds) REQUIRES(mutex) NO_THREAD_SAFETY_ANALYSIS {
        return changed_.wait_for(mutex.mutex_, stop, limit, std::move(holds));
    }

private:
    std::condition_variable_any changed_;
};

/// Returns after `time`, or at once when `stop` is requested.
inline void sleep_for(std::chrono::nanoseconds time, const std::stop_token& stop) {
    Mutex mutex;
    Condition never;
    const Lock lock{mutex};
    never.wait_for(mutex, stop, time, [] { return false; });
}

}  // namespace adapters::sync
