// The verbs that ask the cluster something, or for something. Each returns an exit status; texts on
// `out` are promised to scripts.
#pragma once

#include "cli/command_line.h"
#include "cli/world.h"
#include "model/config.h"

namespace cli {

/// 3 where this node's daemon does not answer.
[[nodiscard]] int run_status(const Command& command,
                             const model::Config& config,
                             World& world,
                             const Lines& lines);
[[nodiscard]] int run_list(const Command& command,
                           const model::Config& config,
                           World& world,
                           const Lines& lines);

/// Writes the wish, then watches the record and the nodes' status until the wish is fulfilled (0),
/// refused, or command.patience is over; in the last case the wish is taken back (3).
[[nodiscard]] int run_promote(const Command& command,
                              const model::Config& config,
                              World& world,
                              const Lines& lines);
[[nodiscard]] int run_demote(const Command& command,
                             const model::Config& config,
                             World& world,
                             const Lines& lines);

/// With a daemon: it hands over and deletes its key. Without: the key is deleted here.
[[nodiscard]] int run_leave(const Command& command,
                            const model::Config& config,
                            World& world,
                            const Lines& lines);

/// With a daemon: waits until its copy is whole. Without: fetches the newest snapshot.
[[nodiscard]] int run_join(const Command& command,
                           const model::Config& config,
                           World& world,
                           const Lines& lines);

}  // namespace cli
