// Waiting for what another thread or process does.
#pragma once

#include <chrono>
#include <thread>

namespace test_support {

/// Asks again and again until it is true or the time is over.
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
