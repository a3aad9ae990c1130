// Random faults, drawn from the world's seed.
#pragma once

#include <memory>
#include <string>

#include "tests/sim/cluster/world.h"

namespace sim {

/// Relative frequency of each kind. Zero: never.
struct Faults {
    unsigned kill_node = 0;
    unsigned kill_in_step = 0;
    unsigned kill_warden = 0;
    unsigned restart_daemon = 0;
    unsigned power_cut = 0;
    unsigned stop_node = 0;
    unsigned partition = 0;
    unsigned bad_requests = 0;  // lost requests, lost answers, late requests
    unsigned store_restart = 0;
    unsigned outage = 0;  // the store is down for all nodes
    unsigned lose_log = 0;
    unsigned lose_lease = 0;
    unsigned switchover = 0;
    unsigned kill_backend = 0;
    unsigned unhealthy = 0;
    unsigned delete_address = 0;
    unsigned lose_carrier = 0;
};

[[nodiscard]] Faults process_faults();
[[nodiscard]] Faults power_faults();
[[nodiscard]] Faults network_faults();
[[nodiscard]] Faults all_faults();

class Chaos {
public:
    /// `world` must outlive this.
    Chaos(World& world, Faults faults) : world_{world}, faults_{faults} {}
    ~Chaos() { *alive_ = false; }
    Chaos(const Chaos&) = delete;
    Chaos& operator=(const Chaos&) = delete;

    void begin();
    /// Ends all faults and starts no more.
    void heal();

private:
    void next();
    void strike();
    void later(model::Duration from, model::Duration to, std::function<void()> what);
    void bad_requests(Machine& machine);

    World& world_;
    Faults faults_;
    bool on_ = false;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

/// Boots a cluster, draws faults for `length`, heals, and requires convergence (I7) unless an alarm
/// was raised. Returns what went wrong; "" nothing.
[[nodiscard]] std::string run_chaos(const WorldSettings& settings,
                                    const Faults& faults,
                                    model::Duration length);

}  // namespace sim
