// The virtual addresses of this node, in the kernel and on the network. Rule W4 of
// docs/protocol.md.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "model/ip_address.h"
#include "model/result.h"
#include "model/time.h"

namespace reconcilers::ports {

/// A frame in which another host said that it has an address.
struct OtherOwner {
    model::MacAddress mac{};
    model::Instant at{};
    friend bool operator==(const OtherOwner&, const OtherOwner&) = default;
};

/// One virtual address as this host has it.
struct AddressObserved {
    bool interface_exists = false;
    bool carrier = false;  // the interface is up and has a carrier
    /// Exactly this address, with this prefix, on this interface, with a limited lifetime: ours.
    bool bound = false;
    /// Bound, and not usable: the kernel checks whether it is a duplicate, or found that it is.
    bool unusable = false;
    /// Where this host has this address without being bound by us: with an unlimited lifetime, on
    /// another interface or with another prefix, as `ip addr` takes it: "192.0.2.7/24 dev eth0".
    std::string foreign;
    std::optional<OtherOwner> other;  // the newest one
    friend bool operator==(const AddressObserved&, const AddressObserved&) = default;
};

struct AddressesObserved {
    std::vector<AddressObserved> each;  // as configured, in that order
    /// The capabilities that this process lacks, and for what; "": none.
    std::string missing;
    friend bool operator==(const AddressesObserved&, const AddressesObserved&) = default;
};

/// Addresses are named by their place in the configuration, from 0. Each call returns within 500
/// ms, unless the kernel holds its lock on network settings for longer.
///
/// unavailable      it did not happen: try again
/// unknown_outcome  it may have happened: observe
/// invalid          a capability is missing: trying again cannot help
class Addresses {
public:
    virtual ~Addresses() = default;

    [[nodiscard]] virtual model::Result<AddressesObserved> observe() = 0;

    /// Adds the address, or extends or shortens the lifetime of one that is bound: the kernel
    /// removes it by itself after `lifetime`, at least one second. Changes only one that the last
    /// observe() showed as bound. conflict: it is there and was not; observe.
    [[nodiscard]] virtual model::Result<void> bind(std::size_t address,
                                                   std::chrono::seconds lifetime) = 0;
    /// Success where it is absent.
    [[nodiscard]] virtual model::Result<void> unbind(std::size_t address) = 0;

    /// Asks on the network once who has the address; an answer shows in AddressObserved::other.
    [[nodiscard]] virtual model::Result<void> probe(std::size_t address) = 0;
    /// Tells the network once that this host has it.
    [[nodiscard]] virtual model::Result<void> announce(std::size_t address) = 0;
    /// Resets this host's connections over the address, so that no client waits for an answer. Call
    /// while it is still bound.
    [[nodiscard]] virtual model::Result<void> reset_connections(std::size_t address) = 0;

    /// Calls `wake` from any thread when observe() may show something else; {} removes it.
    virtual void on_change(std::function<void()> wake) = 0;
};

}  // namespace reconcilers::ports
