// The lease record: who is primary, and until when the others must wait. Rules: L1 to L11 of
// docs/protocol.md.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/ids.h"
#include "model/time.h"

namespace model {

/// Names one machine in one boot: a lease is adopted only where both agree.
struct Host {
    std::string machine_id;
    std::string boot_id;
    friend bool operator==(const Host&, const Host&) = default;
};

/// The value of the key `leader`. Never deleted: a deleted record loses the epoch and tells nobody.
struct LeaseRecord {
    enum class State : std::uint8_t { held, released };

    std::string node_id;
    Host host;
    std::string nonce;  // incarnation and counter, fresh for every request
    Epoch epoch;
    State state = State::held;
    std::string held_nonce;  // released: the nonce of the tenure that it ends
    std::vector<std::string> members;
    std::int64_t ttl_ms = 0;
    Txid txid;
    std::string successor;  // empty: none
    WallTime renewed_at;    // for people
    int schema = 1;
    std::string unknown_fields;  // JSON object of the fields we do not know, kept as it came; or ""
    friend bool operator==(const LeaseRecord&, const LeaseRecord&) = default;
};

/// What the timing of a lease is made of. Validated when the configuration is loaded.
struct LeaseTiming {
    Duration ttl{};
    Duration heartbeat{};
    Duration margin{};    // the node process fences itself this long before the lease ends
    Duration cooldown{};  // after a step-down

    /// L4: how long a candidate watches an unchanged record.
    [[nodiscard]] constexpr Duration candidate_wait() const {
        const Duration drift = ttl / 50;
        const Duration least = std::chrono::milliseconds{100};
        return ttl + (drift > least ? drift : least);
    }
};

/// A lease that this node holds, on this machine's clock.
struct Lease {
    Epoch epoch;
    Instant valid_until;
    Duration margin{};
    [[nodiscard]] constexpr Instant fence_at() const { return valid_until - margin; }
    [[nodiscard]] constexpr Instant strike_at() const { return valid_until - margin / 2; }
    friend bool operator==(const Lease&, const Lease&) = default;
};

}  // namespace model
