// The micro service of a node: shown by `nats micro ls|info|stats|ping`; its endpoint returns the
// node's status. Implemented here because nats.c has none before 3.7. Source: NATS ADR-32, "Service
// API".
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "adapters/nats/connection.h"
#include "model/time.h"

namespace adapters::nats {

struct MicroEndpoint {
    std::string name;
    std::string subject;
    /// Returns the JSON of the answer. Called on a thread of the connection; must not block.
    std::function<std::string()> answer{};
    /// Used instead where it is set: calls its argument with the answer once there is one, on any
    /// thread. Must not block either.
    std::function<void(std::function<void(std::string)>)> answer_later{};
};

struct MicroOptions {
    std::string cluster_id;
    std::string node_id;
    model::WallTime started;
    std::vector<MicroEndpoint> endpoints;
    std::string name{};  // "": micro_name()
};

/// The name of a node's service: `convex-<cluster>-<node>`, with dots in the node id replaced by
/// `_`.
[[nodiscard]] std::string micro_name(const std::string& cluster_id, const std::string& node_id);

/// The status endpoint, which every node has.
[[nodiscard]] MicroEndpoint status_endpoint(const std::string& cluster_id,
                                            const std::string& node_id,
                                            std::function<std::string()> answer);

/// Answers requests from construction to destruction, across reconnects.
class MicroService {
public:
    MicroService(std::shared_ptr<Connection> connection, MicroOptions options);
    ~MicroService();
    MicroService(const MicroService&) = delete;
    MicroService& operator=(const MicroService&) = delete;

private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace adapters::nats
