// The micro service of a node: `nats micro ls|info|stats|ping` show it, its endpoint tells the
// node's status. By hand: nats.c has none before 3.7. Source: NATS ADR-32, "Service API".
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
    /// Makes the JSON of the answer, on a thread of the connection's. It must not block.
    std::function<std::string()> answer;
};

struct MicroOptions {
    std::string cluster_id;
    std::string node_id;
    model::WallTime started;
    std::vector<MicroEndpoint> endpoints;
};

/// The name under which the service of a node is found: `convex-<cluster>-<node>`, dots of the node
/// id turned into `_`.
[[nodiscard]] std::string micro_name(const std::string& cluster_id, const std::string& node_id);

/// The endpoint that every node has.
[[nodiscard]] MicroEndpoint status_endpoint(const std::string& cluster_id,
                                            const std::string& node_id,
                                            std::function<std::string()> answer);

/// Answers from construction to destruction, over reconnects.
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
