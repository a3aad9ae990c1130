// The role's decisions, pure: who may write the lease record, when, and what ends at the fence
// time. Rules L1 to L11 of docs/protocol.md.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
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

/// What the role knows between two passes.
struct Memory {
    RoleView::Phase phase = RoleView::Phase::starting;
    std::optional<model::Lease> lease;
    bool adopted = false;
    bool may_adopt = true;  // only a node process that has just started may (L8)

    // The record, as read or written last. Not known: it must be read before anything is written
    // (L7).
    bool known = false;
    ports::LeaseEntry entry;
    std::uint64_t session = 0;
    model::Instant read_at{};
    model::Instant watched_since{};  // L4: since when this nonce is watched without a gap
    bool saw_release = false;  // L5: it went from the held record that was watched to released
    std::map<std::string, model::Instant> sent;  // L1: nonce -> the instant before it was sent

    model::Instant next_renewal{};
    model::Instant cooldown_until{};
    model::Instant promote_after{};
    model::Duration jitter{};  // drawn anew when a wait begins
    std::uint64_t confirmed = 0;
    std::uint64_t fences = 0;
    std::string drain_reason;
    bool cold_start = true;  // this process has held no lease yet
    std::optional<model::SwitchoverOutcome> refused;
    bool finished = false;
};

enum class Write : std::uint8_t { renew, take_over, adopt, raise, release };

struct ReadRecord {
    friend bool operator==(const ReadRecord&, const ReadRecord&) = default;
};
struct WriteRecord {
    Write kind = Write::renew;
    model::Epoch epoch;
    std::string successor;  // release only
    friend bool operator==(const WriteRecord&, const WriteRecord&) = default;
};
/// Gives the lease up. `deposed`: another holder is there, so nothing may wait for politeness.
struct Fence {
    bool deposed = false;
    std::string reason;
    friend bool operator==(const Fence&, const Fence&) = default;
};
struct BeginDrain {
    std::string reason;
    friend bool operator==(const BeginDrain&, const BeginDrain&) = default;
};
struct RefuseSwitchover {
    model::SwitchoverOutcome outcome;
    friend bool operator==(const RefuseSwitchover&, const RefuseSwitchover&) = default;
};
/// The fence is complete, or the start is over: from here on a candidate.
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
                            RefuseSwitchover,
                            BecomeFollower,
                            Finish>;

struct Plan {
    Action action;             // monostate: nothing to do before wake_at
    model::Instant wake_at{};  // when to look again, at the latest
    std::string waiting_for;   // for people
};

/// One decision. `warden_until`: the deadline that the warden holds; {}: none.
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

/// L10, D5: how much longer than the rule demands this node waits. Zero for the successor.
[[nodiscard]] model::Duration rank_wait(const Memory& memory,
                                        const Settings& settings,
                                        const Board& board);

/// The fresh peer that could take over a planned switchover, best first; "" with the reason where
/// there is none. `wanted`: only this one ("" any); `force` waives nofailover.
struct Candidate {
    std::string node;
    std::string none_because;
};
[[nodiscard]] Candidate fit_candidate(const Settings& settings,
                                      const Board& board,
                                      const std::string& wanted,
                                      bool force);

/// What a read that ended at `now` means for the wait of a candidate (L4, L5).
void learn(Memory& memory,
           ports::LeaseEntry entry,
           std::uint64_t session,
           model::Instant now,
           model::Duration jitter);

/// The record was not to be had, or the connection was another one: a gap of the watch (L4, L7).
void forget(Memory& memory);

}  // namespace reconcilers::role
