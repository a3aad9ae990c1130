// The node process: builds the adapters, hands them to the reconcilers, owns the threads.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include "app/board.h"
#include "model/config.h"
#include "model/result.h"
#include "reconcilers/ports/events.h"
#include "reconcilers/ports/warden.h"

namespace app {

/// How a node process ended.
enum class NodeEnd : std::uint8_t {
    stopped,     // stepped down in order
    id_refused,  // another process runs under this node id
    warden_lost,
};

/// What the faces of a node process show, safe from any thread.
using FacesStarter = std::function<std::shared_ptr<void>(const SharedBoard& board)>;

/// Runs the node until `stop` is requested and it has stepped down, or cannot go on. Blocks.
/// invalid: a configured file can not be used; nothing was started.
[[nodiscard]] model::Result<NodeEnd> run_node(const model::Config& config,
                                              reconcilers::ports::Warden& warden,
                                              reconcilers::ports::Events& events,
                                              const FacesStarter& faces,
                                              const std::stop_token& stop);

}  // namespace app
