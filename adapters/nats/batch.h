// Requests that wait for their answers.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "adapters/nats/connection.h"
#include "model/result.h"

namespace adapters::nats {

/// Requests sent together and their answers.
class Batch {
public:
    explicit Batch(std::size_t size) : answers_(size), open_{size} {}

    /// The first answer to a request counts.
    void answer(std::size_t index, model::Result<Incoming> answer) {
        const std::lock_guard lock{mutex_};
        if (index >= answers_.size() || answers_[index]) return;
        answers_[index] = std::move(answer);
        if (--open_ == 0) complete_.notify_all();
    }

    void answer_rest(const model::Error& failure) {
        for (std::size_t i = 0; i < answers_.size(); ++i)
            answer(i, failure);
    }

    void wait_until(std::chrono::steady_clock::time_point deadline) {
        std::unique_lock lock{mutex_};
        complete_.wait_until(lock, deadline, [this] { return open_ == 0; });
    }

    /// Once all are answered.
    std::vector<model::Result<Incoming>> take() {
        const std::lock_guard lock{mutex_};
        std::vector<model::Result<Incoming>> answers;
        answers.reserve(answers_.size());
        for (auto& answer : answers_)
            answers.push_back(std::move(*answer));
        return answers;
    }

private:
    std::mutex mutex_;
    std::condition_variable complete_;
    std::vector<std::optional<model::Result<Incoming>>> answers_;
    std::size_t open_;
};

}  // namespace adapters::nats
