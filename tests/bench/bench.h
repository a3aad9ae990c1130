// The scenarios of `make bench`, one function each, with its own processes on loopback.
// docs/performance.md explains the figures and their budgets.
#pragma once

#include <vector>

namespace bench {

struct Options {
    int seconds = 10;                      // duration of each load
    std::vector<int> megabytes{10, 1000};  // sizes of the databases that are promoted
};

constexpr int ttl_ms = 3'000;
constexpr int heartbeat_ms = 500;

/// From commit to applied on a passive node, at 100 commits/s.
void show_lag(const Options& options);
/// From commit to visible in the bucket, compared with Litestream.
void show_upload(const Options& options);
/// A client's write gap in a planned switchover.
void show_switchover(const Options& options);
/// The same over a virtual address, and how soon that is there.
void show_vip(const Options& options);
/// Time from the end of the ttl until another node serves.
void show_crash(const Options& options);
/// First snapshot, first copy and the data step of a failover, by database size.
void show_promotion(const Options& options);
/// Throughput of a writer alone, with our replication, and with Litestream's.
void show_writer(const Options& options);
/// Processor time and memory of a node's two processes when idle.
void show_idle(const Options& options);

}  // namespace bench
