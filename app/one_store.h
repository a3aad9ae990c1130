// The store that a command uses where nats.servers name several servers: rule L12 of
// docs/protocol.md, for who makes one connection and ends soon.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "adapters/nats/connection.h"
#include "config/config.h"
#include "model/result.h"
#include "model/time.h"

namespace app {

/// How to connect to one store.
struct OneStore {
    std::vector<std::string> servers;
    adapters::nats::Admit admit;  // empty: whatever is reached
};

/// Asks every one of nats.servers, all at once, again and again until one of them answers; a single
/// one is not asked. By the log that this node has read, as its state directory tells, where there
/// is one and it can be read. Blocks until `until` and three seconds at the most.
///
/// unavailable  none answers
/// invalid      they are several stores, and nothing tells which of them is the cluster's
[[nodiscard]] model::Result<OneStore> find_one_store(
    const config::Config& config,
    const adapters::nats::ConnectionOptions& options,
    std::chrono::steady_clock::time_point until);

/// A connection to that store, established within `patience`; its requests wait two seconds.
///
/// name         as the servers show the connection: "client"
/// unavailable  none answers in time
/// invalid      as find_one_store(), or the options cannot be used
[[nodiscard]] model::Result<std::shared_ptr<adapters::nats::Connection>> connect_to_one_store(
    const config::Config& config, const std::string& name, model::Duration patience);

}  // namespace app
