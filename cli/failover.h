// `failover`: what an operator decides when no leader answers, and what it may cost.
#pragma once

#include <string>

#include "cli/command_line.h"
#include "cli/views.h"
#include "cli/world.h"
#include "config/config.h"

namespace cli {

/// Every node's last position, and what no later primary has if `to` leads: pure. Asks for nothing
/// but what is in the view.
[[nodiscard]] std::string failover_report(const ClusterView& view, const std::string& to);

/// Shows the report, has it confirmed at the terminal (the node's or the cluster's name is typed)
/// unless command.yes, requests a forced failover to this node and waits until it serves. 2: nobody
/// can be asked. 3: not confirmed, refused, or not reached in time.
[[nodiscard]] int run_failover(const Command& command,
                               const config::Config& config,
                               World& world,
                               const Lines& lines);

}  // namespace cli
