// What the reconcilers tell each other: immutable snapshots, each written by one of them. A reader
// takes the whole of it at the start of a pass and trusts no order of arrival.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/ids.h"
#include "model/lease.h"
#include "model/status.h"
#include "model/time.h"

namespace reconcilers {

/// Written by the role reconciler.
struct RoleView {
    enum class Phase : std::uint8_t {
        starting,  // the record was not read yet
        follower,  // no lease; perhaps a candidate
        holder,    // the lease is valid; becoming or being primary
        draining,  // the lease is valid; stepping down as planned
        fencing,   // the lease is lost or ends: everything off at once
    };
    Phase phase = Phase::starting;
    std::optional<model::Lease> lease;  // holder and draining only
    bool adopted = false;               // the lease came by adoption: the backend may stay (D2)
    model::Instant promote_after{};     // L6: promotion is held until then
    std::uint64_t confirmed = 0;  // the newest confirmation wanted that a renewal has answered
    std::string leader;           // of the record; "" none or released
    model::Epoch record_epoch;
    std::uint64_t fences = 0;  // counts lost leases
    std::string waiting_for;   // for people: why this node does not take over
    std::optional<model::SwitchoverOutcome> switchover;  // a wish that was refused
    bool finished = false;                               // a shutdown was asked for and is done

    [[nodiscard]] bool holds() const { return phase == Phase::holder || phase == Phase::draining; }
    friend bool operator==(const RoleView&, const RoleView&) = default;
};

/// Written by the replica reconciler.
struct ReplicaView {
    // --- for the role
    bool fit = false;  // may be a candidate: its copy is whole, no alarm, no rename unfinished
    std::string unfit_because;
    model::Position position;          // of the data here
    model::Epoch newest_epoch;         // the largest seen in the log or kept on this disk
    bool log_read = false;             // the log was read to its end in this session
    std::uint64_t confirm_wanted = 0;  // a renewal is wanted that is sent after this was counted up
    std::optional<model::Epoch> raise;  // L6: the log has a marker of this epoch, not mine
    model::Epoch swept;           // all that the dead backend left is acknowledged, in this epoch
    bool cannot_promote = false;  // S8: the store can not be read to its end; let go

    // --- for the backend
    model::Epoch promoted;           // the database at dataPath may be served under this epoch
    bool backend_must_stop = false;  // D2: the running backend's data is not this tenure's
    bool create_wanted = false;      // D10: the backend may make the database
    /// Grows each time the replica needs the backend down before it goes on. A look at the backend
    /// counts only where it was taken after that: see BackendView::stopped_for.
    std::uint64_t stop_wanted = 0;
    bool conversion_wanted = false;  // the backend must stop: the database is not in WAL mode

    // --- for status
    bool sealed = false;
    bool replicating = false;
    bool protected_ = false;
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

/// Written by the backend reconciler.
struct BackendView {
    enum class State : std::uint8_t { unknown, stopped, starting, running, failed, stopping };
    State state = State::unknown;
    bool dead = false;  // observed: nothing of it lives
    /// Dead, and not to be started: as seen by a pass that knew of this ReplicaView::stop_wanted,
    /// and of the step-down of this epoch. `dead` alone may be older than a start that is under
    /// way.
    std::uint64_t stopped_for = 0;
    model::Epoch drained;
    bool ready = false;    // its health endpoint answered at the last look
    bool give_up = false;  // it was healthy on some node, and can not be made so here in its budget
    std::uint64_t starts = 0;
    std::string message;
    model::Instant started_at{};  // of the present run, as seen here; {}: it does not run
    model::Instant stop_asked{};  // when the present stop began; {}: none
    bool stuck = false;           // not dead 10 s after its kill
    friend bool operator==(const BackendView&, const BackendView&) = default;
};

/// One other node, as its published status tells; fresh by this node's own clock.
struct Peer {
    model::NodeStatus status;
    bool fresh = false;
    friend bool operator==(const Peer&, const Peer&) = default;
};

/// Written by the membership reconciler.
struct MembershipView {
    bool claimed = false;  // the node id is ours (L11)
    std::string refused;   // another node runs under our id
    bool read = false;     // peers and spec were read at least once
    model::Instant
        published_since{};  // our own status stands in the bucket since then; {}: not yet
    std::vector<std::string> members;  // all nodes with a key, sorted
    std::vector<Peer> peers;           // the others, sorted by id
    model::Spec spec;
    friend bool operator==(const MembershipView&, const MembershipView&) = default;
};

struct Board {
    RoleView role;
    ReplicaView replica;
    BackendView backend;
    MembershipView membership;
    bool shutdown = false;  // the daemon was asked to end
};

/// Whether the others are to be woken: something changed that they act on. What a reconciler
/// publishes is written to the board either way.
[[nodiscard]] bool is_news(const RoleView& before, const RoleView& after);
[[nodiscard]] bool is_news(const ReplicaView& before, const ReplicaView& after);
[[nodiscard]] bool is_news(const BackendView& before, const BackendView& after);
[[nodiscard]] bool is_news(const MembershipView& before, const MembershipView& after);

}  // namespace reconcilers
