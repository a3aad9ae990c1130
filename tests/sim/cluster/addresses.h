// The virtual address of a simulated machine: its kernel's table, which outlives every process but
// not the machine, and the network on which others may have it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "model/ip_address.h"
#include "reconcilers/ports/addresses.h"
#include "reconcilers/vip/plan.h"
#include "tests/sim/cluster/mutation.h"
#include "tests/sim/cluster/random.h"
#include "tests/sim/cluster/schedule.h"

namespace sim {

/// The one that all machines have in their configuration.
[[nodiscard]] model::VirtualAddress sim_address();
[[nodiscard]] reconcilers::vip::Settings sim_vip_settings(model::Duration ttl);

class SimAddresses {
public:
    /// What happens to the address is reported: `appeared` after each binding, `changed` after
    /// everything.
    struct Hooks {
        std::function<void()> appeared;
        std::function<void()> changed;
        std::function<bool()> elsewhere;  // another machine has it
    };
    SimAddresses(Schedule& schedule, const MachineClock& clock, SimRandom& random, Hooks hooks);

    /// The kernel is late, and never early.
    void bind(std::chrono::seconds lifetime);
    void remove();
    void power_off();
    void set_carrier(bool carrier);
    [[nodiscard]] bool bound() const { return bound_; }

    /// For one process, whose network calls a mutation may change.
    [[nodiscard]] std::unique_ptr<reconcilers::ports::Addresses> connect(Mutation mutation);

private:
    class Port;

    Schedule& schedule_;
    const MachineClock& clock_;
    SimRandom& random_;
    Hooks hooks_;
    bool bound_ = false;
    bool carrier_ = true;
    std::uint64_t bindings_ = 0;  // a timer of an earlier one is void
    std::optional<reconcilers::ports::OtherOwner> other_;
};

}  // namespace sim
