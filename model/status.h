// What a node publishes about itself, what operators wish, and what the CLI waits for. These
// structs are the JSON records of the buckets `convex-<cid>-state` and `convex-<cid>-spec`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/ids.h"
#include "model/lease.h"
#include "model/time.h"

namespace model {

/// The verdicts a node gives, by fixed names.
enum class ConditionType : std::uint8_t {
    lease_held,     // LeaseHeld: this node is the leader and its lease is valid
    sealed,         // Sealed: the log is fenced for this epoch and read to its end
    data_promoted,  // DataPromoted: the database at dataPath is this tenure's
    replicating,    // Replicating: primary: every captured commit is acknowledged or on its way;
                    // passive: the replica follows the log
    backend_ready,  // BackendReady: the backend runs and its health endpoint answers
    protected_,     // Protected: another node could take over without losing an acknowledged commit
};

/// "LeaseHeld" and so on: JSON, API and CLI show these names.
[[nodiscard]] std::string_view to_text(ConditionType type);
[[nodiscard]] std::optional<ConditionType> parse_condition_type(std::string_view text);

struct Condition {
    ConditionType type = ConditionType::lease_held;
    bool status = false;
    std::string reason;   // one word in CamelCase, for programs
    std::string message;  // for people; may be empty
    WallTime since;       // of the last change of `status`
    Epoch epoch;
    friend bool operator==(const Condition&, const Condition&) = default;
};

enum class Role : std::uint8_t { passive, primary };
[[nodiscard]] std::string_view to_text(Role role);  // "PASSIVE", "PRIMARY"

/// How far the copy of a passive node, or the shipping of a primary, is behind. Absent: not known.
struct Lag {
    std::uint64_t transactions = 0;
    std::uint64_t bytes = 0;
    std::int64_t ms = 0;
    friend bool operator==(const Lag&, const Lag&) = default;
};

/// How a switchover that an operator wished for ended, as the node that dealt with it tells.
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

    std::string leader;  // as this node sees it; "" none
    Epoch epoch;         // of the record as this node sees it
    Position position;   // of its data
    std::optional<Lag> lag;
    bool has_database = false;   // at dataPath or replicaPath, of any tenure (D10)
    bool copy_complete = false;  // its data is a whole database at `position` (C39)
    std::int64_t uptime_ms = 0;
    std::int64_t heartbeat_ms = 0;
    std::vector<Condition> conditions;
    std::vector<std::string> addresses;
    std::string api_url;
    std::string incarnation;
    Host host;
    int priority = 100;
    bool nofailover = false;
    std::vector<std::string> set_aside;  // files with data of ours that is in no log
    std::string alarm;                   // "" or why this node needs an operator
    std::optional<SwitchoverOutcome> switchover;
    int schema = 1;
    std::string unknown_fields;  // JSON object of fields we do not know, or ""
    friend bool operator==(const NodeStatus&, const NodeStatus&) = default;
};

/// The value of `spec`: what operators want.
struct Spec {
    /// A wish to move the lease. `to` empty: to any other node than `from`. `from` empty: whoever
    /// leads. Fulfilled when `to` leads, or `from` does not; the leader then removes it.
    struct Switchover {
        std::string id;  // unique
        std::string to;
        std::string from;
        bool force = false;  // waives rank, lag and nofailover, never the wait
        friend bool operator==(const Switchover&, const Switchover&) = default;
    };
    bool paused = false;
    std::optional<Switchover> switchover;
    std::vector<std::string> leave;  // nodes that shall hand over, delete their key and idle
    int schema = 1;
    std::string unknown_fields;
    friend bool operator==(const Spec&, const Spec&) = default;
};

}  // namespace model
