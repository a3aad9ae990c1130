// The virtual addresses over the kernel's netlink sockets; no external command.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "model/ip_address.h"
#include "reconcilers/ports/addresses.h"
#include "reconcilers/ports/clock.h"

namespace adapters::netlink {

/// Used by one thread; a thread of its own waits for notifications and frames. Watching needs no
/// capability; what else is missing is said by observe(). It is looked at in the network namespace
/// of the thread that constructs it.
class Addresses final : public reconcilers::ports::Addresses {
public:
    /// Opens all sockets. `clock` must outlive it.
    Addresses(std::vector<model::VirtualAddress> addresses, reconcilers::ports::Clock& clock);
    ~Addresses() override;
    Addresses(const Addresses&) = delete;
    Addresses& operator=(const Addresses&) = delete;

    [[nodiscard]] model::Result<reconcilers::ports::AddressesObserved> observe() override;
    [[nodiscard]] model::Result<void> bind(std::size_t address,
                                           std::chrono::seconds lifetime) override;
    [[nodiscard]] model::Result<void> unbind(std::size_t address) override;
    [[nodiscard]] model::Result<void> probe(std::size_t address) override;
    [[nodiscard]] model::Result<void> announce(std::size_t address) override;
    [[nodiscard]] model::Result<void> reset_connections(std::size_t address) override;
    void on_change(std::function<void()> wake) override;

private:
    class Parts;
    std::unique_ptr<Parts> parts_;
};

}  // namespace adapters::netlink
