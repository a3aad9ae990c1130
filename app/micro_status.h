// The answer of the micro service's endpoint `convex.<cid>.svc.<node>.status`, kept from the Go
// manager.
#pragma once

#include <string>

#include "model/status.h"

namespace app {

[[nodiscard]] std::string micro_status(const model::NodeStatus& status);

}  // namespace app
