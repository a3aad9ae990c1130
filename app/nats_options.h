// From the configuration to the options of one connection.
#pragma once

#include <string>

#include "adapters/nats/connection.h"
#include "model/config.h"
#include "model/result.h"

namespace app {

/// purpose  shown by the server: "role", "control", "log"
/// invalid: a secret's file can not be read
[[nodiscard]] model::Result<adapters::nats::ConnectionOptions> nats_options(
    const model::Config& config, const std::string& purpose);

/// The address of this machine on the route to the first server, for `advertise`; "" where none is
/// reachable. Sends nothing.
[[nodiscard]] std::string address_towards(const std::vector<std::string>& servers);

}  // namespace app
