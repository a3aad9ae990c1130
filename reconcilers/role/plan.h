// The decisions of the role; pure: who may write the lease record and when, and what ends at the
// fence time. Rules L1 to L12 of docs/protocol.md.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>

#include "model/lease.h"
#include "model/time.h"
#include "reconcilers/board.h"
#include "reconcilers/ports/lease_store.h"

namespace reconcilers::role {

struct Settings {
    std::string node_id;
    model::Host host;
    model::LeaseTiming timing;
    bool nofailover = false;
    int priority = 100;
};

enum class Write : std::uint8_t { renew, take_over, adopt, raise, release };

/// What the role remembers between two passes.
struct Memory {
    RoleView::Phase phase = RoleView::Phase::starting;
    std::optional<model::Lease> lease;
    bool adopted = false;
    bool after_release = false;  // taken over from a holder that had released it
    bool may_adopt = true;       // only a node process that has just started may (L8)

    // The record as last read or written. `known` false: it must be read before any write (L7).
    bool known = false;
    ports::LeaseEntry entry;
    model::Epoch highest_epoch;  // L6: of all the records that this process has read, and held
    std::uint64_t connection_generation = 0;
    model::Instant read_at{};
    model::Instant watched_since{};  // L4: this nonce has been watched without a gap since then
    bool saw_release = false;        // L5: seen going from the watched held record to released
    std::map<std::string, model::Instant> sent;  // L1: nonce -> the instant before it was sent

    model::Instant next_renewal{};
    model::Instant cooldown_until{};
    model::Instant promote_after{};
    model::Duration jitter{};  // drawn again when a wait begins
    std::uint64_t confirmed = 0;
    std::uint64_t lost_leases = 0;
    std::string drain_reason;
    std::uint64_t step_downs = 0;
    model::Instant next_drain_at{};  // earliest next step-down after one that was undone
    /// The newest progress, by everything that the present phase waits for, and its time.
    struct Progress {
        std::uint64_t count = 0;
        bool all_off = false;
        RoleView::Phase phase = RoleView::Phase::starting;
        model::Instant at{};
    };
    Progress progress;
    std::string request;  // id of the requested switchover, and since when it is known
    model::Instant request_at{};
    std::set<std::string> released_for;  // D11: obstacles for which this node released the lease
    std::string released_because;
    /// A message that the warden has not confirmed yet; repeated until it does.
    enum class Owed : std::uint8_t { nothing, no_lease, disarm };
    Owed owed_to_warden = Owed::nothing;
    model::Instant next_notice_at{};
    /// What a renewal gave, and the warden has not taken down yet. It is not used before, and no
    /// other renewal is sent: a record that is renewed keeps others waiting (W7).
    struct Offer {
        model::Lease lease;
        Write kind = Write::renew;
    };
    std::optional<Offer> offer;
    model::Instant next_offer_at{};
    bool cold_start = true;  // this process has not held a lease yet
    std::optional<model::SwitchoverOutcome> refused;
    bool finished = false;
};

struct ReadRecord {
    friend bool operator==(const ReadRecord&, const ReadRecord&) = default;
};
struct WriteRecord {
    Write kind = Write::renew;
    model::Epoch epoch;
    std::string successor;  // release only
    std::string obstacle;   // release only: D11, a constant text; "" none
    std::string reason;     // release only: why it did not become primary, for people
    friend bool operator==(const WriteRecord&, const WriteRecord&) = default;
};
/// Gives the lease up. `deposed`: another node holds it, so there is no time for an orderly stop.
struct Fence {
    bool deposed = false;
    std::string reason;
    friend bool operator==(const Fence&, const Fence&) = default;
};
struct BeginDrain {
    std::string reason;
    friend bool operator==(const BeginDrain&, const BeginDrain&) = default;
};
/// Cancels a step-down whose last commits cannot be shipped: the backend starts again in place.
struct UndoDrain {
    std::string reason;
    friend bool operator==(const UndoDrain&, const UndoDrain&) = default;
};
/// Repeats the message that the warden has not confirmed.
struct NotifyWarden {
    friend bool operator==(const NotifyWarden&, const NotifyWarden&) = default;
};
/// Gives the warden once more the deadline that it has not taken down.
struct OfferDeadline {
    friend bool operator==(const OfferDeadline&, const OfferDeadline&) = default;
};
struct RefuseSwitchover {
    model::SwitchoverOutcome outcome;
    friend bool operator==(const RefuseSwitchover&, const RefuseSwitchover&) = default;
};
/// The fence is complete, or the start is over: from here on the node is a candidate.
struct BecomeFollower {
    friend bool operator==(const BecomeFollower&, const BecomeFollower&) = default;
};
struct Finish {
    friend bool operator==(const Finish&, const Finish&) = default;
};

using Action = std::variant<std::monostate,
                            ReadRecord,
                            WriteRecord,
                            Fence,
                            BeginDrain,
                            UndoDrain,
                            NotifyWarden,
                            OfferDeadline,
                            RefuseSwitchover,
                            BecomeFollower,
                            Finish>;

struct Plan {
    Action action;             // monostate: nothing to do before wake_at
    model::Instant wake_at{};  // the next pass, at the latest
    std::string waiting_for;   // for people
};

/// The next decision. `warden_until`: the deadline set in the warden; {}: none.
[[nodiscard]] Plan plan_role(const Memory& memory,
                             const Settings& settings,
                             const Board& board,
                             model::Instant warden_until,
                             model::Instant now);

/// Why this node may not take over now (L5), or "" where it may from `*at` on (now or later).
[[nodiscard]] std::string takeover_barred(const Memory& memory,
                                          const Settings& settings,
                                          const Board& board,
                                          model::Instant now,
                                          model::Instant* at);

/// L10, D5: how long this node waits beyond what the rules require. Zero for the successor.
[[nodiscard]] model::Duration rank_wait(const Memory& memory,
                                        const Settings& settings,
                                        const Board& board);

/// The best fresh peer for a planned switchover; "" and the reason where there is none. `wanted`:
/// only this node ("" any); `force` waives nofailover.
struct Candidate {
    std::string node;
    std::string none_because;
    bool may_come = false;  // the reason may pass by itself within seconds
};
[[nodiscard]] Candidate fit_candidate(const Settings& settings,
                                      const Board& board,
                                      const std::string& wanted,
                                      bool force);

/// D8: why a step-down that began now could not be completed; "" it could.
[[nodiscard]] std::string why_no_hand_over(const Board& board);

/// Records progress shown on the board at `now`. Call before each plan.
void observe(Memory& memory, const Board& board, model::Instant now);

/// Updates a candidate's wait after a read that ended at `now` (L4, L5).
void learn(Memory& memory,
           ports::LeaseEntry entry,
           std::uint64_t generation,
           model::Instant now,
           model::Duration jitter);

/// Records a gap of the watch: the record could not be read, or the connection was lost (L4, L7).
void forget(Memory& memory);

}  // namespace reconcilers::role
