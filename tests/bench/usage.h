// Resource usage of a process, from /proc.
#pragma once

#include <sys/types.h>

#include "tests/support/cluster.h"

namespace bench {

struct Usage {
    double cpu_ms = 0;
    double rss_mb = 0;
    double peak_mb = 0;  // largest resident size so far
    friend Usage operator+(const Usage& a, const Usage& b) {
        return {a.cpu_ms + b.cpu_ms, a.rss_mb + b.rss_mb, a.peak_mb + b.peak_mb};
    }
};

/// Zeros for a process that has ended.
[[nodiscard]] Usage usage(pid_t pid);
/// The sum of both processes of a node.
[[nodiscard]] Usage usage(const test_support::Cluster& cluster, int node);

}  // namespace bench
