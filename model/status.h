// What a node publishes about itself, what operators request, and what the CLI waits for. JSON
// records of the buckets `convex-<cid>-state` and `convex-<cid>-spec`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/ids.h"
#include "model/lease.h"
#include "model/store_identity.h"
#include "model/time.h"

namespace model {

/// The conditions of a node.
enum class ConditionType : std::uint8_t {
    lease_held,     // LeaseHeld: this node is the leader and its lease is valid
    sealed,         // Sealed: the log is fenced for this epoch and read to its end
    data_promoted,  // DataPromoted: the database at dataPath belongs to this tenure
    replicating,    // Replicating: primary: each captured commit is acknowledged or under way;
                    // passive: the replica follows the log
    backend_ready,  // BackendReady: the backend runs and its health endpoint answers
    has_standby,    // Protected: another node could take over without losing acknowledged commits
    store_agreed,   // StoreAgreed: this node's connections and its peers use one store (L12)
    backend_contained,   // BackendContained: whatever the backend starts ends with it, even if the
                         // warden dies; where none runs: it would
    backend_configured,  // BackendConfigured: nothing in the backend's own configuration on this
                         // machine works against the manager
    warden_answers,      // WardenAnswers: the process that ends the backend in time is at work (W7)
    // The next two only where virtual addresses are configured:
    vip_bound,     // VipBound: this node serves under the lease and has all of them
    vip_conflict,  // VipConflict: another host has one, or this one by other means
};

/// "LeaseHeld" etc., as JSON, API and CLI show them.
[[nodiscard]] std::string_view to_text(ConditionType type);
[[nodiscard]] std::optional<ConditionType> parse_condition_type(std::string_view text);

struct Condition {
    ConditionType type = ConditionType::lease_held;
    bool status = false;
    bool known = true;    // false: it is not known now, and `status` is false
    std::string reason;   // one word in CamelCase, for programs
    std::string message;  // for people; may be empty
    WallTime since;       // when `status` or `known` last changed
    Epoch epoch;
    friend bool operator==(const Condition&, const Condition&) = default;
};

enum class Role : std::uint8_t { passive, primary };
[[nodiscard]] std::string_view to_text(Role role);  // "PASSIVE", "PRIMARY"

/// How far the copy of a passive node, or the upload of a primary, is behind. Absent: not known.
struct Lag {
    std::uint64_t transactions = 0;
    std::uint64_t bytes = 0;
    std::int64_t ms = 0;
    friend bool operator==(const Lag&, const Lag&) = default;
};

/// How an operator's switchover request ended, as reported by the node that resolved it.
struct SwitchoverOutcome {
    std::string id;
    bool done = false;
    std::string reason;  // refused: why
    friend bool operator==(const SwitchoverOutcome&, const SwitchoverOutcome&) = default;
};

/// The value of `nodes.<id>`, refreshed each heartbeat.
struct NodeStatus {
    std::string node_id;
    std::string cluster_id;
    Role role = Role::passive;
    std::string backend_status;  // running, stopped, failed, running-no-wal
    WallTime last_seen;          // for people: readers judge freshness by their own clock
    std::string version;

    std::string leader;           // "" none is known to this node
    bool leader_unknown = false;  // this node cannot read who leads
    Epoch epoch;                  // of the record, as this node read it last
    Position position;            // of its data in the log
    std::optional<Lag> lag;
    bool has_database = false;   // at dataPath or replicaPath, of any tenure (D10)
    bool copy_complete = false;  // its data is a whole database at `position` (C39)
    bool fit = false;            // it could lead: it has the data, and what its backend needs
    std::string unfit_because;   // for people; "" when fit
    /// Why this node released a lease under which it could not become primary; "" if it did not. It
    /// then yields to all other candidates until it has been primary again or its process restarts.
    std::string released_because;
    std::int64_t uptime_ms = 0;
    std::int64_t heartbeat_ms = 0;
    std::vector<Condition> conditions;
    std::vector<std::string> addresses;
    std::string api_url;
    std::string incarnation;
    Host host;
    int priority = 100;
    bool nofailover = false;
    std::vector<std::string> set_aside;  // files with data of this node that is not in the log
    std::string alarm;                   // "" or why this node needs an operator
    std::optional<SwitchoverOutcome> switchover;
    StoreIdentity store;  // the store that it uses, as far as known
    int schema = 1;
    std::string unknown_fields;  // JSON object of fields that this version does not know, or ""

    /// The verdict of this type; null: it gave none. Valid as long as `conditions` is.
    [[nodiscard]] const Condition* condition(ConditionType type) const;
    friend bool operator==(const NodeStatus&, const NodeStatus&) = default;
};

/// The value of the key `spec`: requests of operators.
struct Spec {
    /// A request to move the lease. `to` empty: to any node but `from`. `from` empty: from whoever
    /// leads. Fulfilled when `to` leads, or `from` does not; the leader then removes it.
    struct Switchover {
        std::string id;  // unique
        std::string to;
        std::string from;
        bool force = false;  // waives rank, lag and nofailover, but not the wait
        friend bool operator==(const Switchover&, const Switchover&) = default;
    };
    bool paused = false;
    std::optional<Switchover> switchover;
    std::vector<std::string> leave;  // nodes that hand over, delete their status and stay idle
    int schema = 1;
    std::string unknown_fields;
    friend bool operator==(const Spec&, const Spec&) = default;
};

}  // namespace model
