// What the verbs need. They are clients of the cluster: they read its records and write requests,
// and never take part in the election.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "model/result.h"
#include "model/status.h"
#include "model/time.h"
#include "reconcilers/ports/clock.h"
#include "reconcilers/ports/cluster_store.h"
#include "reconcilers/ports/lease_store.h"

namespace cli {

struct World {
    reconcilers::ports::ClusterStore& cluster;
    reconcilers::ports::LeaseStore& lease;
    const reconcilers::ports::Clock& clock;

    /// Returns when something may have changed, or after that time.
    std::function<void(model::Duration)> wait;

    /// Whether the user interrupted (Ctrl-C) while a verb waits.
    std::function<bool()> interrupted = [] { return false; };

    /// What the daemon of this node says now (its micro service), within two seconds; empty: it
    /// does not answer. The record alone cannot tell: its times are another machine's, and a store
    /// that takes no writes keeps what was true before. Role, backend, lag and uptime, and of the
    /// conditions LeaseHeld alone, where the daemon tells it.
    std::function<std::optional<model::NodeStatus>(const std::string& node)> answers;

    /// This node's status directly from its daemon, without NATS. Empty: not available in this
    /// build.
    std::function<model::Result<model::NodeStatus>()> own_status;

    /// Asks the person at the terminal, and returns the line that was typed, "" for none. Empty:
    /// nobody can be asked. Blocks until a line is there or the user gives up.
    std::function<std::optional<std::string>(const std::string& question)> ask;

    /// A text that no other request has.
    std::function<std::string()> new_id;

    /// Fetches the newest snapshot to this node's replica while its daemon does not run: true, or
    /// false where the store has none. Empty: not available in this build.
    std::function<model::Result<bool>()> bootstrap;
};

/// `out` takes results, `err` progress and reasons; whole lines, with newline.
struct Lines {
    std::function<void(std::string_view)> out;
    std::function<void(std::string_view)> err;
};

}  // namespace cli
