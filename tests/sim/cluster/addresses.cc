#include "tests/sim/cluster/addresses.h"

#include <utility>

namespace sim {
namespace {

using model::Result;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;
namespace ports = reconcilers::ports;

// The latest that was measured, by lifetime, with other addresses that end a moment before; W4
// reckons with a little more.
constexpr milliseconds fine_lateness{1032};
constexpr milliseconds coarse_lateness{2298};
constexpr seconds coarse_above{16};

}  // namespace

model::VirtualAddress sim_address() {
    return {.at = *model::parse_ip_prefix("192.0.2.7"), .interface = "eth0"};
}

reconcilers::vip::Settings sim_vip_settings(model::Duration ttl) {
    return {.addresses = {{.what = sim_address(), .entry = {1}}},
            .probe = milliseconds{150},
            .link_down = seconds{3},
            .ttl = ttl};
}

class SimAddresses::Port final : public ports::Addresses {
public:
    Port(SimAddresses& kernel, Mutation mutation) : kernel_{kernel}, mutation_{mutation} {}

    Result<ports::AddressesObserved> observe() override {
        const bool shown = kernel_.bound_ && !hidden_;
        return ports::AddressesObserved{.each = {{.interface_exists = true,
                                                  .carrier = kernel_.carrier_,
                                                  .bound = shown,
                                                  .other = kernel_.other_}},
                                        .missing = {}};
    }
    Result<void> bind(std::size_t, seconds lifetime) override {
        hidden_ = false;
        kernel_.bind(mutation_ == Mutation::long_life ? lifetime + seconds{3} : lifetime);
        return {};
    }
    Result<void> unbind(std::size_t) override {
        if (mutation_ == Mutation::no_unbind) {
            hidden_ = true;
            return {};
        }
        kernel_.remove();
        return {};
    }
    Result<void> probe(std::size_t) override {
        if (!kernel_.hooks_.elsewhere()) return {};
        kernel_.schedule_.after(
            kernel_.random_.between(microseconds{50}, milliseconds{2}), [&kernel = kernel_] {
                if (!kernel.hooks_.elsewhere()) return;
                kernel.other_ = ports::OtherOwner{.mac = {2}, .at = kernel.clock_.now()};
                kernel.hooks_.changed();
            });
        return {};
    }
    Result<void> announce(std::size_t) override { return {}; }
    Result<void> reset_connections(std::size_t) override { return {}; }
    void on_change(std::function<void()>) override {}  // the machine wakes whatever process it has

private:
    SimAddresses& kernel_;
    Mutation mutation_;
    bool hidden_ = false;
};

SimAddresses::SimAddresses(Schedule& schedule,
                           const MachineClock& clock,
                           SimRandom& random,
                           Hooks hooks)
    : schedule_{schedule}, clock_{clock}, random_{random}, hooks_{std::move(hooks)} {}

void SimAddresses::bind(seconds lifetime) {
    bound_ = true;
    const auto late =
        random_.between(milliseconds{0}, lifetime > coarse_above ? coarse_lateness : fine_lateness);
    schedule_.at(clock_.world(clock_.now() + lifetime) + late, [this, binding = ++bindings_] {
        if (binding == bindings_) remove();
    });
    hooks_.appeared();
    hooks_.changed();
}

void SimAddresses::remove() {
    ++bindings_;
    if (std::exchange(bound_, false)) hooks_.changed();
}

void SimAddresses::power_off() {
    ++bindings_;
    bound_ = false;
    other_.reset();
}

void SimAddresses::set_carrier(bool carrier) {
    if (std::exchange(carrier_, carrier) != carrier) hooks_.changed();
}

std::unique_ptr<ports::Addresses> SimAddresses::connect(Mutation mutation) {
    return std::make_unique<Port>(*this, mutation);
}

}  // namespace sim
