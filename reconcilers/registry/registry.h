// The registry reconciler: keeps this node's services in the bucket as they are, and shows
// everybody's. It writes nothing at a heartbeat, only where something changed. Nothing safe depends
// on it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "model/service.h"
#include "model/time.h"
#include "reconcilers/board.h"
#include "reconcilers/outage.h"
#include "reconcilers/ports/clock.h"
#include "reconcilers/ports/events.h"
#include "reconcilers/ports/service_checks.h"
#include "reconcilers/ports/service_store.h"
#include "reconcilers/registry/plan.h"

namespace reconcilers::registry {

struct Settings {
    std::string node_id;
    model::Duration heartbeat{};
    std::vector<Service> services;
};

struct Ports {
    ports::ServiceStore& store;
    ports::ServiceChecks& checks;
    ports::Clock& clock;
    ports::Events& events;
};

class RegistryReconciler {
public:
    RegistryReconciler(Settings settings, Ports ports);

    struct Pass {
        RegistryView view;
        model::Instant wake_at;
    };
    [[nodiscard]] Pass step(const Board& board);

private:
    void read();
    void take(ports::ServiceChanges changes);
    void check(const NodeState& node, model::Instant now, model::Instant* wake_at);
    void act(const std::vector<Action>& actions, model::Instant now, model::Instant* wake_at);
    [[nodiscard]] model::Result<void> apply(const Write& write);
    [[nodiscard]] model::Result<void> apply(const Erase& erase);
    void show(Silent silent);

    struct Check {
        bool pending = false;
        model::Instant next{};
    };

    Settings settings_;
    Ports ports_;
    Presence presence_;
    Stored stored_;
    Unreadable unreadable_;
    Verdicts verdicts_;
    std::map<std::string, Check> checks_;
    RegistryView view_;
    Silent silent_;        // as shown
    bool changed_ = true;  // what is shown is not what is stored
    bool read_ = false;    // the bucket, to its end, on the present connection
    model::Instant next_try_{};
    Outage writes_;
};

}  // namespace reconcilers::registry
