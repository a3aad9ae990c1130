// The backend reconciler: starts the service where the data was promoted, watches its health, stops
// it everywhere else.
#pragma once

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

    Settings settings_;
    Ports ports_;
    Memory memory_;
    bool probing_ = false;
    bool was_ready_ = false;
    bool was_alive_ = false;
    std::string reason_;
};

}  // namespace reconcilers::backend
