// What the reconcilers know of each other: immutable snapshots, each written by one of them. A
// reader copies the whole board at the start of a pass, and assumes no order of updates.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/ids.h"
#include "model/ip_address.h"
#include "model/lease.h"
#include "model/service.h"
#include "model/status.h"
#include "model/time.h"
#include "reconcilers/ports/backend.h"
#include "reconcilers/ports/store_check.h"
#include "reconcilers/ports/warden.h"

namespace reconcilers {

/// Identifies a planned step-down. Statements of other reconcilers about one carry this identity,
/// because a view may be older than the step-down.
struct StepDown {
    model::Epoch epoch;
    // counts step-downs in this process, so that one that was undone differs from the next
    std::uint64_t number = 0;
    friend bool operator==(const StepDown&, const StepDown&) = default;
};

/// Written by the role reconciler.
struct RoleView {
    enum class Phase : std::uint8_t {
        starting,  // the record is not read yet
        follower,  // no lease; perhaps a candidate
        holder,    // the lease is valid; becoming or being primary
        draining,  // the lease is valid; stepping down as planned
        fencing,   // the lease is lost or ends: everything off at once
    };
    Phase phase = Phase::starting;
    std::optional<model::Lease> lease;  // in holder and draining only
    std::uint64_t step_downs = 0;       // number of step-downs begun
    bool adopted = false;               // the lease was adopted: the backend may keep running (D2)
    model::Instant promote_after{};     // L6: no promotion before that
    std::uint64_t confirmed = 0;        // the newest `confirm_wanted` answered by a renewal
    std::string leader;                 // named in the record; "" none, or released
    bool leader_known = false;          // the last read of the record worked
    model::Epoch record_epoch;          // of the record, as read last
    std::uint64_t lost_leases = 0;      // number of leases lost
    std::string waiting_for;  // for people: why this node does not take over, or not renew
    std::optional<model::SwitchoverOutcome> switchover;  // a refused request
    // D11: why this node released the lease and now ranks last; "" it did not
    std::string released_because;
    bool finished = false;  // a requested shutdown is complete
    /// The lease was taken over from a holder that had released it, with all of its outputs off.
    bool after_release = false;

    [[nodiscard]] bool holds() const { return phase == Phase::holder || phase == Phase::draining; }
    /// The present step-down; empty: there is none.
    [[nodiscard]] std::optional<StepDown> step_down() const {
        if (phase != Phase::draining || !lease) return std::nullopt;
        return StepDown{.epoch = lease->epoch, .number = step_downs};
    }
    friend bool operator==(const RoleView&, const RoleView&) = default;
};

/// Written by the replica reconciler.
struct ReplicaView {
    // --- for the role
    bool fit = false;  // may be a candidate: its copy is complete, no alarm, no unfinished rename
    std::string unfit_because;
    // unfit only because the log is not read to its end, which a seal does anyway
    bool catching_up = false;
    model::Position position;           // of the data on this node
    model::Epoch newest_epoch;          // largest epoch seen in the log or stored on this disk
    std::string log_created;            // creation time of the log that this node has read; "" none
    bool log_read = false;              // the log was read to its end on the present connection
    std::uint64_t confirm_wanted = 0;   // incremented to request a renewal that is sent after that
    std::optional<model::Epoch> raise;  // L6: the log has a marker of this epoch by another node
    StepDown flushed;  // in this step-down, everything that the dead backend left is acknowledged
    bool cannot_promote = false;  // S8: the log cannot be read to its end; release the lease
    /// Counts progress: new phases, TXIDs and bytes. Where it stays the same for long, the replica
    /// is stuck.
    std::uint64_t progress = 0;
    /// D11: the phase or action in which the last attempt failed, a constant text, and the error;
    /// "" it did not fail.
    std::string failing_in;
    std::string failure;
    bool may_have_unshipped = true;  // the data here may have commits that are not in the log

    // --- for the backend
    model::Epoch promoted;           // the database at dataPath may be served under this epoch
    bool backend_must_stop = false;  // D2: the running backend's data is not of this tenure
    bool create_wanted = false;      // D10: the backend may create the database
    /// Incremented each time the replica needs the backend stopped before it continues. Only an
    /// observation made after that counts: see BackendView::stopped_for.
    std::uint64_t stop_wanted = 0;
    bool conversion_wanted = false;  // the backend must stop: the database is not in WAL mode

    // --- for status
    bool sealed = false;
    bool replicating = false;
    bool has_standby = false;
    std::string state;  // one word: following, sealing, promoting, shipping, alarm ...
    std::string message;
    std::optional<model::Lag> lag;
    bool has_database = false;
    bool copy_complete = false;
    std::uint64_t wal_bytes_total = 0;
    std::vector<std::string> set_aside;
    std::string alarm;
    friend bool operator==(const ReplicaView&, const ReplicaView&) = default;
};

/// Something of this node that may exist only while it holds the lease: the backend, an address.
struct Output {
    bool off = false;    // observed: nothing of it exists; false where that is not known
    bool stuck = false;  // it did not go off within its time limit
    friend bool operator==(const Output&, const Output&) = default;
};

/// Written by the backend reconciler.
struct BackendView {
    enum class State : std::uint8_t { unknown, stopped, starting, running, failed, stopping };
    State state = State::unknown;
    Output output;  // off: dead; stuck: not dead 10 s after its kill
    /// Off, and not about to be started: observed by a pass that knew this
    /// ReplicaView::stop_wanted, and the step-down of this epoch. `output.off` alone may be older
    /// than a start that is under way.
    std::uint64_t stopped_for = 0;
    StepDown drained;
    bool ready = false;  // its last health check succeeded
    // it was healthy on some node, but could not be made so here within its restart budget
    bool give_up = false;
    std::uint64_t starts = 0;
    std::int32_t pid = 0;   // of its main process; 0: none, or not known
    std::string last_exit;  // how it ended last; "": no death seen
    /// What of its configuration on this machine an operator should change.
    std::vector<ports::BackendConcern> concerns;
    std::optional<bool> contained;  // BackendObserved::contained; empty: not known
    std::string message;
    /// Why the backend could not be started here; "" it could.
    std::string unfit_because = "what the backend needs was not checked yet";
    model::Instant started_at{};  // of the present run, as its supervisor says or as observed here;
                                  // {}: not running
    model::Instant stop_asked{};  // when the present stop began; {}: none
    friend bool operator==(const BackendView&, const BackendView&) = default;
};

/// Written by the vip reconciler: the virtual addresses of this node.
struct VipView {
    struct Each {
        model::VirtualAddress what;
        bool bound = false;     // as the kernel shows it
        model::WallTime since;  // of that; {}: it is not
        std::uint64_t announcements = 0;
        std::string conflict;  // who else has it; "" nobody that is known
        friend bool operator==(const Each&, const Each&) = default;
    };
    bool configured = false;
    Output output;  // off: none of them is bound
    /// Off, observed by a pass that knew this step-down, and this host has none of them by other
    /// means either. `output.off` alone may be older than a call that binds one.
    StepDown drained;
    model::Epoch bound;         // all of them are bound and announced under this epoch
    std::string unfit_because;  // why they could not be served here; "" they could
    /// They should be bound, and cannot be: another node may be able to. "" otherwise.
    std::string give_up;
    std::string reason;    // one word in CamelCase, for programs
    std::string message;   // for people: why they are not bound though they should be
    std::string conflict;  // of the first one that has one
    std::vector<Each> each;
    friend bool operator==(const VipView&, const VipView&) = default;
};

/// Another node by its published status; `fresh` by this node's own clock.
struct Peer {
    model::NodeStatus status;
    bool fresh = false;
    friend bool operator==(const Peer&, const Peer&) = default;
};

/// Written by the membership reconciler.
struct MembershipView {
    bool claimed = false;  // the node id is claimed by this process (L11)
    std::string refused;   // why the claim is refused: another process uses this node id
    bool read = false;     // peers and spec were read at least once
    model::Instant
        published_since{};  // this node's status has been in the bucket since then; {}: not yet
    std::vector<std::string> members;  // all nodes with a key, sorted
    std::vector<Peer> peers;           // the others, sorted by id
    model::Spec spec;
    bool current = false;  // the last pass could read the nodes' status
    friend bool operator==(const MembershipView&, const MembershipView&) = default;
};

/// Written by the registry reconciler, for the HTTP endpoints and the metrics: no other reconciler
/// acts on it.
struct RegistryView {
    bool read = false;  // the bucket, to its end, on the present connection
    /// Sorted by service and node; those of silent nodes are critical. Null: none was read yet.
    std::shared_ptr<const std::vector<model::ServiceEntry>> services;
    /// Records that are skipped, by their keys.
    std::shared_ptr<const std::vector<model::UnreadableService>> unreadable;
    std::size_t own = 0;  // entries of this node in the bucket
};

struct Board {
    RoleView role;
    ReplicaView replica;
    BackendView backend;
    VipView vip;
    MembershipView membership;
    RegistryView registry;
    // As of the start of the pass; written by the node, not by a reconciler.
    ports::StoreView store;
    ports::WardenView warden;  // for the membership reconciler alone
    bool shutdown = false;     // the daemon is shutting down
};

/// L12: whether this node may become leader in the store that it uses.
struct StoreVerdict {
    std::string reason;  // one word in CamelCase, for programs
    std::string barred;  // why it may not; "" it may
};
[[nodiscard]] StoreVerdict judge_store(const Board& board);

/// Every output of this node, with its name for people. A passive node, a drain, a release and a
/// takeover check all of them; a new output is added to outputs() only.
struct NamedOutput {
    std::string_view name;
    Output output;
};
[[nodiscard]] std::array<NamedOutput, 2> outputs(const Board& board);
[[nodiscard]] bool all_off(const Board& board);
[[nodiscard]] bool any_stuck(const Board& board);
/// L9: whether all are off, as seen by reconcilers that know of this step-down: what is released
/// then is nowhere on this node.
[[nodiscard]] bool all_drained(const Board& board, const StepDown& step_down);
/// The outputs that are not off, "the backend, the address"; "" all are off.
[[nodiscard]] std::string not_off(const Board& board);

/// Whether a change must wake the other reconcilers, because they act on it. The board is updated
/// in any case.
[[nodiscard]] bool is_news(const RoleView& before, const RoleView& after);
[[nodiscard]] bool is_news(const ReplicaView& before, const ReplicaView& after);
[[nodiscard]] bool is_news(const BackendView& before, const BackendView& after);
[[nodiscard]] bool is_news(const VipView& before, const VipView& after);
[[nodiscard]] bool is_news(const MembershipView& before, const MembershipView& after);
[[nodiscard]] bool is_news(const RegistryView& before, const RegistryView& after);

}  // namespace reconcilers
