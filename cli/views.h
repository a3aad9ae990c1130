// The output for people and scripts: pure functions of what was read.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "config/config.h"
#include "model/lease.h"
#include "model/status.h"
#include "model/time.h"

namespace cli {

struct NodeRow {
    model::NodeStatus status;
    bool readable = true;
    bool answers = false;  // its daemon, right now
    /// How long ago the status was published, by the uptime of its daemon. Empty: not known.
    std::optional<model::Duration> age;

    /// Replaces what was published by what the daemon answers now.
    void hear(const model::NodeStatus& now);
};

struct ClusterView {
    std::optional<model::LeaseRecord> record;  // empty: there never was a leader
    std::vector<NodeRow> nodes;                // sorted by id
    model::Spec spec;

    /// The holder named in the record; "" none.
    [[nodiscard]] std::string leader() const;
    /// The same, unless the node itself says that its lease is over.
    [[nodiscard]] std::string leader_now() const;
    /// Why nobody leads, as `own` says or else any node that answers; "" nobody says.
    [[nodiscard]] std::string why_no_leader(const std::string& own) const;
    [[nodiscard]] const NodeRow* node(const std::string& id) const;
    [[nodiscard]] NodeRow* node(const std::string& id);
    /// Whether the record names it, and it says of this epoch that it is primary and that its
    /// backend answers.
    [[nodiscard]] bool serves(const std::string& id) const;
    /// Whether the node was asked to leave and has left.
    [[nodiscard]] bool left(const std::string& id) const;
};

/// The Go manager's text, then the table. A node that does not answer has role UNKNOWN, and its
/// last published state is not shown as current.
[[nodiscard]] std::string status_text(const config::Config& config, const ClusterView& view);
/// The text while NATS does not answer. own: the status from this node's daemon; empty: it does not
/// answer either.
[[nodiscard]] std::string status_text_without_store(const config::Config& config,
                                                    const std::optional<model::NodeStatus>& own);
[[nodiscard]] std::string list_table(const ClusterView& view);

[[nodiscard]] std::string status_json(const config::Config& config, const ClusterView& view);
[[nodiscard]] std::string status_json_without_store(const config::Config& config,
                                                    const model::NodeStatus& own);
[[nodiscard]] std::string list_json(const ClusterView& view);

}  // namespace cli
