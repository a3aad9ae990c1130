// What people and scripts read: pure functions of what was found.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/config.h"
#include "model/lease.h"
#include "model/status.h"

namespace cli {

struct NodeRow {
    model::NodeStatus status;
    bool readable = true;
    bool answers = false;  // its daemon, just now
};

struct ClusterView {
    std::optional<model::LeaseRecord> record;  // empty: there never was a leader
    std::vector<NodeRow> nodes;                // sorted by id
    model::Spec spec;

    /// The node that holds the lease as far as the record tells; "" = none.
    [[nodiscard]] std::string leader() const;
    [[nodiscard]] const NodeRow* node(const std::string& id) const;
};

/// The Go manager's text, then the table. Of a node that does not answer nothing is shown as if it
/// still held: its role is UNKNOWN.
[[nodiscard]] std::string status_text(const model::Config& config, const ClusterView& view);
/// Where NATS does not answer: what can be said.
[[nodiscard]] std::string status_text_without_store(const model::Config& config);
[[nodiscard]] std::string list_table(const ClusterView& view);

[[nodiscard]] std::string status_json(const model::Config& config, const ClusterView& view);
[[nodiscard]] std::string list_json(const ClusterView& view);

}  // namespace cli
