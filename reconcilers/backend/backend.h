// The backend reconciler: starts the service where the data was promoted, checks its health, and
// stops it everywhere else.
#pragma once

#include <string>
#include <vector>

#include "model/time.h"
#include "reconcilers/backend/plan.h"
#include "reconcilers/board.h"
#include "reconcilers/ports/backend.h"
#include "reconcilers/ports/clock.h"
#include "reconcilers/ports/events.h"
#include "reconcilers/ports/health_probe.h"

namespace reconcilers::backend {

struct Ports {
    ports::Backend& backend;
    ports::HealthProbe& probe;
    ports::Clock& clock;
    ports::Events& events;
};

class BackendReconciler {
public:
    BackendReconciler(Settings settings, Ports ports);

    struct Pass {
        BackendView view;
        model::Instant wake_at;
    };
    [[nodiscard]] Pass step(const Board& board);

private:
    [[nodiscard]] bool act(const Action& action, const std::string& reason);
    [[nodiscard]] ports::Health take_health();
    void report(const std::vector<ports::BackendConcern>& concerns);

    Settings settings_;
    Ports ports_;
    Memory memory_;
    bool probing_ = false;
    bool was_ready_ = false;
    bool was_alive_ = false;
    std::string reason_;
    std::string unfit_because_;
    std::vector<ports::BackendConcern> concerns_;  // as reported last
    model::Instant next_check_{};                  // of the backend's requirements on this machine
};

}  // namespace reconcilers::backend
