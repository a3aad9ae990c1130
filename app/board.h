// The node's view in the daemon, behind one lock: written by the reconcilers, read by all threads.
#pragma once

#include <functional>
#include <map>

#include "adapters/sync/mutex.h"
#include "model/status.h"
#include "model/time.h"
#include "reconcilers/node.h"

namespace app {

class SharedBoard final : public reconcilers::NodeViewStore {
public:
    [[nodiscard]] reconcilers::Board board() const override {
        const adapters::sync::Lock lock{mutex_};
        return view_.board;
    }
    void update(const std::function<void(reconcilers::NodeView&)>& change) override {
        const adapters::sync::Lock lock{mutex_};
        change(view_);
    }
    [[nodiscard]] model::NodeStatus status() const {
        const adapters::sync::Lock lock{mutex_};
        return view_.status;
    }

    /// Records that a part's loop has run, for the liveness check.
    void turned(reconcilers::Part part, model::Instant at) {
        const adapters::sync::Lock lock{mutex_};
        turns_[part] = at;
    }
    [[nodiscard]] std::map<reconcilers::Part, model::Instant> turns() const {
        const adapters::sync::Lock lock{mutex_};
        return turns_;
    }

private:
    mutable adapters::sync::Mutex mutex_;
    reconcilers::NodeView view_ GUARDED_BY(mutex_);
    std::map<reconcilers::Part, model::Instant> turns_ GUARDED_BY(mutex_);
};

}  // namespace app
