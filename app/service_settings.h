// The services of a node, from its configuration.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "reconcilers/registry/plan.h"

namespace app {

/// Whether only this machine can reach it.
[[nodiscard]] bool is_loopback(std::string_view host);

/// The daemon's own `health`, then the configured ones; one of that name counts instead. `address`
/// is the node's; a loopback one counts only where the configuration gives it. Services without an
/// address are left out.
[[nodiscard]] std::vector<reconcilers::registry::Service> service_settings(
    const config::Config& config, const std::string& address);

/// The address of this machine under which others reach it: `advertise`, else the one on the route
/// to NATS, else, where NATS runs on this machine, the one on the default route; "" there is none.
[[nodiscard]] std::string outside_address(const config::Config& config);

}  // namespace app
