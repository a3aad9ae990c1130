// Watching the cluster during a request, and the end of a verb.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "cli/command_line.h"
#include "cli/views.h"
#include "cli/world.h"
#include "control/change.h"
#include "model/result.h"

namespace cli {

/// Reads everything that the cluster publishes, without asking which daemons answer.
[[nodiscard]] model::Result<ClusterView> read_view(World& world);

/// Reads until `judge` returns an exit status, or command.patience is over or the user interrupted
/// (both: empty). Prints news on stderr. Waits while the store does not answer.
[[nodiscard]] std::optional<int> watch(
    const Command& command,
    World& world,
    const Lines& lines,
    const std::function<std::optional<int>(const ClusterView&)>& judge);

/// ClusterView::serves(), and the daemon of the node says so too: a store that takes no writes goes
/// on showing what was true before.
[[nodiscard]] bool serves_now(World& world, const ClusterView& view, const std::string& id);

/// Why watch() gave no exit status: "interrupted", "the time is over".
[[nodiscard]] std::string why_over(const World& world);

/// The limits for a request's attempts.
[[nodiscard]] control::Attempts attempts(World& world);

// Each prints the reason on stderr and returns the exit status.
[[nodiscard]] int failed(const Lines& lines, const model::Error& error);
[[nodiscard]] int not_reached(const Lines& lines, const std::string& reason);
/// For a request that was refused: exit_not_reached where the cluster's state does not permit it,
/// else exit_failed.
[[nodiscard]] int refused(const Lines& lines, const model::Error& error);

}  // namespace cli
