// What the daemon publishes for HTTP: one immutable snapshot, made by the owner of the state and
// read by any request. Nothing here blocks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "model/lease.h"
#include "model/service.h"
#include "model/status.h"
#include "model/time.h"

namespace api {

/// One of the daemon's loops, and the largest time since its last turn while it is alive.
struct Loop {
    std::string name;
    model::Instant turned_at;
    model::Duration limit{};
};

struct Vip {
    std::string address;  // with its prefix
    std::string interface;
    bool bound = false;     // as the kernel reports it
    model::WallTime since;  // while it is bound
    std::uint64_t announcements = 0;
    std::string conflict;  // "" none is known
};

struct Published {
    model::NodeStatus node;             // as published in KV
    std::optional<model::Lease> lease;  // held by this node
    std::int64_t ttl_ms = 0;
    std::vector<Loop> loops;

    std::string replication_state;  // one word: following, sealing, shipping, alarm ...
    std::string replication_message;
    std::uint64_t wal_bytes_total = 0;

    std::string backend_kind;
    std::string backend_message;
    std::int32_t backend_pid = 0;                   // of its main process; 0: none, or not known
    std::string backend_last_exit;                  // how it ended last; "": no death seen
    bool backend_ready = false;                     // its last health check succeeded
    std::optional<model::Instant> backend_started;  // while it runs
    std::vector<Vip> vips;

    /// The registry as this node reads it. Null: it cannot be read now.
    std::shared_ptr<const std::vector<model::ServiceEntry>> services;
    std::size_t unreadable_services = 0;  // records that are skipped
};

}  // namespace api
