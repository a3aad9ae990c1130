// What a node process shows over HTTP.
#pragma once

#include <memory>

#include "app/board.h"
#include "model/config.h"
#include "reconcilers/ports/events.h"

namespace app {

/// Starts the API and the metrics; a port that is taken is reported and tried again. They end with
/// the last reference.
[[nodiscard]] std::shared_ptr<void> start_faces(const model::Config& config,
                                                const SharedBoard& board,
                                                reconcilers::ports::Events& events);

}  // namespace app
