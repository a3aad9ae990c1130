// The answer of the kept micro endpoint `convex.<cid>.svc.<node>.status`.
#pragma once

#include <string>

#include "model/status.h"

namespace app {

[[nodiscard]] std::string micro_status(const model::NodeStatus& status);

}  // namespace app
