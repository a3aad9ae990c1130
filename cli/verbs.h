// The verbs that query the cluster or request something. Each returns an exit status; texts on
// `out` are promised to scripts.
#pragma once

#include <functional>

#include "cli/command_line.h"
#include "cli/world.h"
#include "config/config.h"
#include "model/result.h"
#include "model/status.h"

namespace cli {

/// Returns 3 where this node's daemon does not answer, and where the node has left the cluster.
[[nodiscard]] int run_status(const Command& command,
                             const config::Config& config,
                             World& world,
                             const Lines& lines);
/// `status` while NATS does not answer, for the reason `failure`: shows this node's status from its
/// daemon. As JSON that, or nothing. Returns 1.
[[nodiscard]] int run_status_without_store(
    const Command& command,
    const config::Config& config,
    const model::Error& failure,
    const std::function<model::Result<model::NodeStatus>()>& own_status,
    const Lines& lines);
[[nodiscard]] int run_list(const Command& command,
                           const config::Config& config,
                           World& world,
                           const Lines& lines);

/// Waits for the end of a switchover whose lease has moved, writes the request, then watches the
/// record and the nodes' status until the new leader's backend answers (0), the request is refused
/// (3), or command.patience is over, when the request is withdrawn and what was waited for is
/// printed (3).
[[nodiscard]] int run_promote(const Command& command,
                              const config::Config& config,
                              World& world,
                              const Lines& lines);
[[nodiscard]] int run_demote(const Command& command,
                             const config::Config& config,
                             World& world,
                             const Lines& lines);

/// With a daemon: it hands over and deletes its key. Without: the key is deleted here. Returns 1
/// where there is no such node.
[[nodiscard]] int run_leave(const Command& command,
                            const config::Config& config,
                            World& world,
                            const Lines& lines);

/// Removes command.subject, a node that died: its status is deleted, and its daemon stays idle if
/// it comes back. 3: its daemon answers, or the record names it as the leader. 1: there is no such
/// node.
[[nodiscard]] int run_remove(const Command& command,
                             const config::Config& config,
                             World& world,
                             const Lines& lines);

[[nodiscard]] int run_pause(const Command& command,
                            const config::Config& config,
                            World& world,
                            const Lines& lines);
[[nodiscard]] int run_resume(const Command& command,
                             const config::Config& config,
                             World& world,
                             const Lines& lines);

/// With a daemon: waits until its copy is complete. Without: fetches the newest snapshot.
[[nodiscard]] int run_join(const Command& command,
                           const config::Config& config,
                           World& world,
                           const Lines& lines);

}  // namespace cli
