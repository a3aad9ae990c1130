// What `make bench` can show: one function for each scenario, each with processes of its own on
// loopback. What a figure means, and what it has to be: docs/performance.md.
#pragma once

#include <vector>

namespace bench {

struct Options {
    int seconds = 10;                      // of each load
    std::vector<int> megabytes{10, 1000};  // of the databases that are promoted
};

constexpr int ttl_ms = 3'000;
constexpr int heartbeat_ms = 500;

/// Commit -> applied on a passive node, at 100 commits a second.
void show_lag(const Options& options);
/// Commit -> visible in the bucket, beside Litestream.
void show_upload(const Options& options);
/// A client's gap in a planned switchover.
void show_switchover(const Options& options);
/// How long after the ttl another node serves.
void show_crash(const Options& options);
/// First snapshot, first copy and the data step of a failover, by size.
void show_promotion(const Options& options);
/// A flat-out writer alone, beside us and beside Litestream.
void show_writer(const Options& options);
/// What both processes of a node use while nothing happens.
void show_idle(const Options& options);

}  // namespace bench
