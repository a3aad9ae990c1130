// The lease record: who is primary, and until when the others must wait. Rules: L1 to L12 of
// docs/protocol.md.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/ids.h"
#include "model/time.h"

namespace model {

/// Identifies one boot of one machine: a lease is adopted only where both match.
struct Host {
    std::string machine_id;
    std::string boot_id;
    friend bool operator==(const Host&, const Host&) = default;
};

/// The value of the key `leader`. Never deleted: deleting it would lose the epoch.
struct LeaseRecord {
    enum class State : std::uint8_t { held, released };

    std::string node_id;
    Host host;
    std::string nonce;  // made of the incarnation and a counter; new in every request
    Epoch epoch;
    State state = State::held;
    std::string held_nonce;  // in a released record: the last nonce under which the lease was held
    std::vector<std::string> members;
    std::int64_t ttl_ms = 0;
    Txid txid;
    std::string successor;  // preferred next holder; "" none
    WallTime renewed_at;    // for people
    int schema = 1;
    std::string unknown_fields;  // JSON object of fields that this version does not know, kept
                                 // unchanged; or ""
    friend bool operator==(const LeaseRecord&, const LeaseRecord&) = default;
};

/// The timing of a lease. Validated when the configuration is loaded.
struct LeaseTiming {
    Duration ttl{};
    Duration heartbeat{};
    Duration margin{};    // the node process fences itself this long before the lease ends
    Duration cooldown{};  // no takeover by this node for so long after it stepped down

    /// L4: how long a candidate must watch an unchanged record before it takes over.
    [[nodiscard]] constexpr Duration candidate_wait() const {
        const Duration drift = ttl / 50;
        const Duration least = std::chrono::milliseconds{100};
        return ttl + (drift > least ? drift : least);
    }
    friend bool operator==(const LeaseTiming&, const LeaseTiming&) = default;
};

/// The lease held by this node, on this machine's clock.
struct Lease {
    Epoch epoch;
    Instant valid_until;
    Duration margin{};
    [[nodiscard]] constexpr Instant fence_at() const { return valid_until - margin; }
    [[nodiscard]] constexpr Instant strike_at() const { return valid_until - margin / 2; }
    friend bool operator==(const Lease&, const Lease&) = default;
};

}  // namespace model
