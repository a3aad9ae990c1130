// Identifies this machine and its boot.
#pragma once

#include <string>

#include "model/lease.h"
#include "model/result.h"

namespace adapters::linux_host {

/// /etc/machine-id (or D-Bus's copy) and the kernel's boot id. not_found: no machine id is set;
/// `systemd-machine-id-setup` creates one. A guess could make two machines look like one.
[[nodiscard]] model::Result<model::Host> host();

/// As host(), below another root directory: for tests and containers.
[[nodiscard]] model::Result<model::Host> host_below(const std::string& root);

}  // namespace adapters::linux_host
