// The settings of a node, from the configuration and this machine.
#pragma once

#include <string>
#include <vector>

#include "config/config.h"
#include "model/ip_address.h"
#include "model/lease.h"
#include "reconcilers/node.h"
#include "reconcilers/ports/clock.h"
#include "reconcilers/ports/warden.h"

namespace app {

/// `incarnation`: see new_incarnation. May read the routing table.
[[nodiscard]] reconcilers::NodeSettings node_settings(const config::Config& config,
                                                      const model::Host& host,
                                                      std::string incarnation);

/// The virtual addresses, in the order of the configuration.
[[nodiscard]] std::vector<model::VirtualAddress> virtual_addresses(const config::Config& config);

/// Twelve random characters that identify a process.
[[nodiscard]] std::string new_incarnation(reconcilers::ports::Random& random);

/// The backend of kind process, for the warden.
[[nodiscard]] reconcilers::ports::SpawnSpec spawn_spec(const config::Process& process);

}  // namespace app
