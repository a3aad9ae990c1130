// Which entries this node's services should have in the registry, and which writes lead there:
// pure.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "model/service.h"
#include "model/time.h"
#include "reconcilers/board.h"
#include "reconcilers/ports/service_checks.h"
#include "reconcilers/ports/service_store.h"

namespace reconcilers::registry {

/// A service of this node, as its configuration has it.
struct Service {
    std::string name;
    std::string address;
    std::uint16_t port = 0;
    std::string protocol;
    std::string path;
    std::map<std::string, std::string> metadata;
    std::vector<std::string> tags;
    bool bound_to_primary = false;
    bool internal = false;
    std::optional<model::ServiceCheck> check;
};

/// What the last check of a service found; empty: none has ended yet.
using Verdicts = std::map<std::string, ports::CheckOutcome>;

/// This node's part in the cluster, as far as services follow it.
struct NodeState {
    bool primary = false;  // the lease is valid and the data promoted
    bool backend_ready = false;
    bool leads = false;    // the lease is valid: it tidies up after silent nodes
    bool present = false;  // the node's id is ours, and it neither leaves nor stops
    friend bool operator==(const NodeState&, const NodeState&) = default;
};
[[nodiscard]] NodeState node_state(const Board& board,
                                   const std::string& node_id,
                                   model::Instant now);

/// Whether a service is to be checked now: one that is on standby is not.
[[nodiscard]] bool wants_check(const Service& service, const NodeState& node);

/// The entry as it should be in the bucket. Empty: nothing is known of it yet.
[[nodiscard]] std::optional<model::ServiceEntry> desired_entry(const std::string& node_id,
                                                               const Service& service,
                                                               const NodeState& node,
                                                               const Verdicts& verdicts);

/// The entries of the bucket by their keys.
using Stored = std::map<std::string, ports::StoredService>;

/// Records that are skipped, by their keys.
using Unreadable = std::map<std::string, model::UnreadableService>;

/// Applies changes in any order: of each key the largest revision counts. Returns whether an entry
/// may have changed.
bool apply_changes(ports::ServiceChanges changes, Stored& stored, Unreadable& unreadable);

struct Write {
    model::ServiceEntry entry;
    friend bool operator==(const Write&, const Write&) = default;
};
struct Erase {
    std::string key;
    model::Revision revision;
    friend bool operator==(const Erase&, const Erase&) = default;
};
using Action = std::variant<Write, Erase>;

struct Desired {
    std::string node_id;
    NodeState node;
    std::vector<Service> services;
    Verdicts verdicts;
};

/// Nodes that have not published for four heartbeats, each with the reason for people. Their
/// entries count as critical.
using Silent = std::map<std::string, std::string>;

/// Own entries first; then, on the leader, the removal of silent nodes' entries. `wall`: the time
/// that new entries carry.
[[nodiscard]] std::vector<Action> plan_registry(const Desired& desired,
                                                const Stored& stored,
                                                const Silent& silent,
                                                model::WallTime wall);

/// The entries as readers see them, sorted by service and node: those of silent nodes critical.
[[nodiscard]] std::vector<model::ServiceEntry> visible(const Stored& stored, const Silent& silent);

/// Judges by this node's own clock which of the others are silent.
class Presence {
public:
    /// heartbeat  this node's; a longer one that another node publishes counts for that node
    explicit Presence(model::Duration heartbeat) : heartbeat_{heartbeat} {}

    /// `members`, `peers` as of a pass of which `current` says that it could read the store: where
    /// it could not, nobody is said to be silent.
    void observe(const std::vector<std::string>& members,
                 const std::vector<Peer>& peers,
                 bool current,
                 model::Instant now);

    /// Whose entries are not believed: silent for four heartbeats, or no member. Own entries are
    /// never judged.
    [[nodiscard]] Silent silent(const Stored& stored,
                                const std::string& own_id,
                                model::Instant now) const;
    /// When the next node becomes silent if nothing is heard of it; empty: none is about to.
    [[nodiscard]] std::optional<model::Instant> next(model::Instant now) const;

private:
    model::Duration heartbeat_;
    bool known_ = false;
    std::set<std::string> members_;
    std::map<std::string, model::Instant> silent_at_;  // of those that are not fresh
};

}  // namespace reconcilers::registry
