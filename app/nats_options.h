// Connection options from the configuration.
#pragma once

#include <string>

#include "adapters/nats/connection.h"
#include "config/config.h"
#include "model/result.h"

namespace app {

/// purpose  shown by the server: "role", "control", "log"
/// invalid: a file with a secret cannot be read
[[nodiscard]] model::Result<adapters::nats::ConnectionOptions> nats_options(
    const config::Config& config, const std::string& purpose);

/// This machine's address on the route to the first server, for `advertise`; "" where none can be
/// reached. Sends nothing.
[[nodiscard]] std::string address_towards(const std::vector<std::string>& servers);

}  // namespace app
