// The node process: builds the adapters, passes them to the reconcilers, owns the threads.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include "app/board.h"
#include "config/config.h"
#include "model/result.h"
#include "reconcilers/ports/events.h"
#include "reconcilers/ports/warden.h"

namespace app {

/// Why a node process ended.
enum class NodeEnd : std::uint8_t {
    stopped,     // an orderly step-down
    id_refused,  // another process runs under this node id
    warden_lost,
};

/// Starts what shows the node's state over HTTP; runs on any thread.
using EndpointStarter = std::function<std::shared_ptr<void>(const SharedBoard& board)>;

/// Runs the node until `stop` is requested and it has stepped down, or it cannot continue. Blocks.
/// invalid: a configured file cannot be used; nothing was started.
[[nodiscard]] model::Result<NodeEnd> run_node(const config::Config& config,
                                              reconcilers::ports::Warden& warden,
                                              reconcilers::ports::Events& events,
                                              const EndpointStarter& endpoints,
                                              const std::stop_token& stop);

}  // namespace app
