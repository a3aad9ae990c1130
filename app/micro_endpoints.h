// The micro services of a node: its own, and go-cluster's names for the same.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "adapters/nats/micro.h"
#include "app/board.h"
#include "app/stepdown.h"
#include "config/config.h"

namespace app {

/// `convex-<cid>-<node>`: status, ping, stepdown. And what go-cluster's health checker asks,
/// `cluster.<cid>.health.<node>`, as an endpoint of it. What is given outlives the service.
[[nodiscard]] adapters::nats::MicroOptions micro_options(const config::Config& config,
                                                         model::WallTime started,
                                                         const SharedBoard& board,
                                                         Stepdown& stepdown);
/// `cluster_<cid>`: `.status.<node>`, `.ping.<node>`, `.control.<node>.stepdown`.
[[nodiscard]] adapters::nats::MicroOptions go_cluster_options(const config::Config& config,
                                                              model::WallTime started,
                                                              const SharedBoard& board,
                                                              Stepdown& stepdown);

/// go-cluster's status: nodeId, role, leader, epoch, uptimeMs, connected.
[[nodiscard]] std::string go_cluster_status(const model::NodeStatus& status);
/// {"ok":true,"timestamp":<ms>}
[[nodiscard]] std::string ping_answer();

}  // namespace app
