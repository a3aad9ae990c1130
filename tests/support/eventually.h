// Waits for the effects of other threads or processes.
#pragma once

#include <chrono>
#include <thread>

namespace test_support {

/// Polls until the predicate is true or the time is over.
template <typename Predicate>
[[nodiscard]] bool eventually(const Predicate& predicate,
                              std::chrono::milliseconds within = std::chrono::seconds{10}) {
    const auto deadline = std::chrono::steady_clock::now() + within;
    while (!predicate()) {
        if (std::chrono::steady_clock::now() >= deadline) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds{2});
    }
    return true;
}

}  // namespace test_support
