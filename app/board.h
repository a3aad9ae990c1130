// The board in the daemon: one lock around the snapshots that the reconcilers write and read.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "model/status.h"
#include "reconcilers/board.h"

namespace app {

class SharedBoard {
public:
    [[nodiscard]] reconcilers::Board read() const {
        const std::lock_guard lock{mutex_};
        return board_;
    }
    [[nodiscard]] model::NodeStatus status() const {
        const std::lock_guard lock{mutex_};
        return status_;
    }

    void write(const reconcilers::RoleView& view);
    void write(const reconcilers::ReplicaView& view);
    void write(const reconcilers::BackendView& view);
    void write(const reconcilers::MembershipView& view, const model::NodeStatus& status);
    void shut_down();

    /// A reconciler's loop has turned: what liveness is judged by.
    void turned(const std::string& loop, model::Instant at);
    [[nodiscard]] std::map<std::string, model::Instant> turns() const {
        const std::lock_guard lock{mutex_};
        return turns_;
    }

    /// Before the threads start: called, without the lock, when something changed that others act
    /// on.
    void subscribe(std::function<void()> wake) { wakers_.push_back(std::move(wake)); }

private:
    void wake() const;

    mutable std::mutex mutex_;
    reconcilers::Board board_;
    model::NodeStatus status_;
    std::map<std::string, model::Instant> turns_;
    std::vector<std::function<void()>> wakers_;
};

}  // namespace app
