// Faults drawn from the world's seed, one after the other, and their healing.
#pragma once

#include <memory>
#include <string>

#include "tests/sim/cluster/world.h"

namespace sim {

/// How often each kind comes, as shares of one another. Zero: never.
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
    unsigned outage = 0;  // of the store, for everybody
    unsigned lose_log = 0;
    unsigned lose_lease = 0;
    unsigned switchover = 0;
    unsigned kill_backend = 0;
    unsigned unhealthy = 0;
};

[[nodiscard]] Faults process_faults();
[[nodiscard]] Faults power_faults();
[[nodiscard]] Faults network_faults();
[[nodiscard]] Faults all_faults();

class Chaos {
public:
    /// `world` outlives it.
    Chaos(World& world, Faults faults) : world_{world}, faults_{faults} {}
    ~Chaos() { *alive_ = false; }
    Chaos(const Chaos&) = delete;
    Chaos& operator=(const Chaos&) = delete;

    void begin();
    /// No more faults, and the end of all that last.
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

/// Boots a cluster, lets faults rain for `length`, heals, and asks for convergence (I7) unless an
/// alarm was raised. Returns what went wrong; "" nothing.
[[nodiscard]] std::string run_chaos(const WorldSettings& settings,
                                    const Faults& faults,
                                    model::Duration length);

}  // namespace sim
