// What the daemon publishes for its faces: one immutable snapshot, made by whoever owns the state,
// read by any request. Nothing here waits for anybody.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/lease.h"
#include "model/status.h"
#include "model/time.h"

namespace api {

/// One of the daemon's loops, and how long ago its last turn may be while it is alive.
struct Loop {
    std::string name;
    model::Instant turned_at;
    model::Duration limit{};
};

struct Vip {
    std::string address;
    bool held = false;  // as the kernel shows
};

struct Published {
    model::NodeStatus node;             // as in KV
    std::optional<model::Lease> lease;  // of this node
    std::int64_t ttl_ms = 0;
    std::vector<Loop> loops;

    std::string replication_state;  // one word: following, sealing, shipping, alarm ...
    std::string replication_message;
    std::uint64_t wal_bytes_total = 0;

    std::string backend_kind;
    std::string backend_message;
    bool backend_ready = false;                     // its health endpoint answered at the last look
    std::optional<model::Instant> backend_started;  // while it runs
    std::vector<Vip> vips;
};

}  // namespace api
