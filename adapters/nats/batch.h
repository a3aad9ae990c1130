// Requests sent together, and their answers.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include "adapters/nats/connection.h"
#include "adapters/sync/mutex.h"
#include "model/result.h"

namespace adapters::nats {

/// Collects the answers of a batch of requests.
class Batch {
public:
    explicit Batch(std::size_t size) : size_{size}, answers_(size), open_{size} {}

    /// Only the first answer to each request is kept.
    void answer(std::size_t index, model::Result<Incoming> answer) {
        const sync::Lock lock{mutex_};
        if (index >= size_ || answers_[index]) return;
        answers_[index] = std::move(answer);
        if (--open_ == 0) complete_.notify_all();
    }

    void answer_rest(const model::Error& failure) {
        for (std::size_t i = 0; i < size_; ++i)
            answer(i, failure);
    }

    void wait_until(std::chrono::steady_clock::time_point deadline) {
        const sync::Lock lock{mutex_};
        complete_.wait_until(mutex_, deadline, [this]() REQUIRES(mutex_) { return open_ == 0; });
    }

    /// The answers; call it once all have arrived.
    std::vector<model::Result<Incoming>> take() {
        const sync::Lock lock{mutex_};
        std::vector<model::Result<Incoming>> answers;
        answers.reserve(size_);
        for (auto& answer : answers_)
            answers.push_back(std::move(*answer));
        return answers;
    }

private:
    const std::size_t size_;
    sync::Mutex mutex_;
    sync::Condition complete_;
    std::vector<std::optional<model::Result<Incoming>>> answers_ GUARDED_BY(mutex_);
    std::size_t open_ GUARDED_BY(mutex_);
};

}  // namespace adapters::nats
