// Which machine this is, and which of its boots.
#pragma once

#include <string>

#include "model/lease.h"
#include "model/result.h"

namespace adapters::linux_host {

/// /etc/machine-id (or D-Bus's copy) and the kernel's boot id. not_found: no machine id is set;
/// `systemd-machine-id-setup` makes one. A guess would let two machines pass for one.
[[nodiscard]] model::Result<model::Host> host();

/// As host(), below another root: for tests and containers.
[[nodiscard]] model::Result<model::Host> host_below(const std::string& root);

}  // namespace adapters::linux_host
