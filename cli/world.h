// What the verbs need from the world. They are clients of the cluster: they read its records and
// write wishes, and never take part in the election.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "model/result.h"
#include "model/time.h"
#include "reconcilers/ports/clock.h"
#include "reconcilers/ports/cluster_store.h"
#include "reconcilers/ports/lease_store.h"

namespace cli {

struct World {
    reconcilers::ports::ClusterStore& cluster;
    reconcilers::ports::LeaseStore& lease;
    const reconcilers::ports::Clock& clock;

    /// Returns when something may have changed, or after that long.
    std::function<void(model::Duration)> wait;

    /// Whether the user asked to end (Ctrl-C) while a verb waits.
    std::function<bool()> interrupted = [] { return false; };

    /// Whether the daemon of this node answers now (its micro service), within two seconds. The
    /// record alone cannot tell: its times are another machine's.
    std::function<bool(const std::string& node)> answers;

    /// A text that no other wish has.
    std::function<std::string()> new_id;

    /// Fetches the newest snapshot to this node's replica while its daemon does not run: true, or
    /// false where the store has none. Empty: this build cannot.
    std::function<model::Result<bool>()> bootstrap;
};

/// Results on `out`, progress and reasons on `err`; whole lines, each with its newline.
struct Lines {
    std::function<void(std::string_view)> out;
    std::function<void(std::string_view)> err;
};

}  // namespace cli
