// The membership reconciler: claims the node id, publishes this node's status, reads those of the
// others, and passes operators' requests to the role. Rules L11, D10 of docs/protocol.md. Safety
// does not depend on it.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "model/status.h"
#include "model/time.h"
#include "reconcilers/board.h"
#include "reconcilers/outage.h"
#include "reconcilers/ports/clock.h"
#include "reconcilers/ports/cluster_store.h"
#include "reconcilers/ports/events.h"
#include "reconcilers/ports/warden.h"

namespace reconcilers::membership {

struct Settings {
    std::string node_id;
    std::string cluster_id;
    model::Host host;
    std::string incarnation;
    std::string version;
    std::vector<std::string> addresses;
    std::string api_url;
    model::Duration heartbeat{};
    int priority = 100;
    bool nofailover = false;
};

struct Ports {
    ports::ClusterStore& store;
    ports::Warden& warden;
    ports::Clock& clock;
    ports::Events& events;
};

/// This node's status from the board; pure. `before` provides since when conditions hold.
[[nodiscard]] model::NodeStatus build_status(const Settings& settings,
                                             const Board& board,
                                             const model::NodeStatus& before,
                                             model::Instant now,
                                             model::WallTime wall);

class MembershipReconciler {
public:
    MembershipReconciler(Settings settings, Ports ports);

    struct Pass {
        MembershipView view;
        model::NodeStatus status;  // last published, or about to be; shown by the API
        model::Instant wake_at;
    };
    [[nodiscard]] Pass step(const Board& board);

private:
    struct Seen {
        model::Revision revision;
        model::Instant changed_at{};
        int changes = 0;  // since it was first seen
    };

    void read_nodes(const std::vector<ports::StatusEntry>& nodes, model::Instant now);
    void claim(const std::vector<ports::StatusEntry>& nodes, model::Instant now);
    void publish(const Board& board, model::Instant now, model::Instant* wake_at);
    void read_spec(const Board& board, const model::Result<ports::SpecEntry>& entry);
    void resolve_switchover(const Board& board, const ports::SpecEntry& entry);
    void leave(const Board& board);
    /// How a write of our own status ended: what keeps it from working is reported once, and its
    /// end.
    void wrote(const model::Result<model::Revision>& written);
    void add_reason(const Board& board, model::Condition& lease) const;
    void report_store(const Board& board);
    [[nodiscard]] bool fresh(const Seen& seen,
                             const model::NodeStatus& status,
                             model::Instant now) const;

    Settings settings_;
    Ports ports_;
    MembershipView view_;
    model::NodeStatus status_;
    model::NodeStatus published_;  // as stored in the bucket
    std::map<std::string, Seen> seen_;
    model::Revision own_revision_;
    model::Instant started_at_{};
    model::Instant published_at_{};
    model::Instant read_at_{};
    std::optional<model::SwitchoverOutcome> outcome_;
    bool left_ = false;
    Outage reads_;   // of the nodes' status
    Outage writes_;  // of our own status
    Outage spec_reads_;
    std::string reported_store_;  // which stores differ; "" none
};

}  // namespace reconcilers::membership
