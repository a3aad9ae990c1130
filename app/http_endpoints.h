// The HTTP endpoints of a node process.
#pragma once

#include <memory>

#include "app/board.h"
#include "config/config.h"
#include "reconcilers/ports/events.h"

namespace app {

/// Starts the API and the metrics; a port that is in use is reported and retried. They stop when
/// the last reference is gone.
[[nodiscard]] std::shared_ptr<void> start_http_endpoints(const config::Config& config,
                                                         const SharedBoard& board,
                                                         reconcilers::ports::Events& events);

}  // namespace app
