// The gap that a client sees in a planned switchover and after a crash.
#include "tests/bench/bench.h"
#include "tests/bench/report.h"
#include "tests/support/cluster.h"
#include "tests/support/writer.h"

namespace bench {

using test_support::Cluster;

void show_switchover(const Options&) {
    show_title("planned switchover: three nodes, a client that writes all the time");
    Cluster cluster{{.nodes = 3, .ttl_ms = ttl_ms, .heartbeat_ms = heartbeat_ms}};
    cluster.wait_serving();
    test_support::Writer writer{cluster.backend_ports()};
    std::vector<double> gaps;
    for (int i = 0; i < 10; ++i) {
        const int leader = cluster.wait_serving();
        cluster.wait_replicated();
        if (!writer.wait_more(100)) break;
        writer.reset_gap();
        const auto epoch = cluster.poll()->epoch();
        cluster.request_switchover(leader % cluster.size() + 1);
        cluster.wait_serving(epoch);
        if (!writer.wait_more(100)) break;
        gaps.push_back(static_cast<double>(writer.gap().count()));
    }
    writer.stop();
    show("longest time without a write",
         gaps,
         "ms",
         "p50 <= 300, the backend's stop and start included");
}

void show_crash(const Options&) {
    show_title("crash: kill -9 of every process of the leader's node, ttl " +
               std::to_string(ttl_ms) + " ms");
    Cluster cluster{{.nodes = 3, .ttl_ms = ttl_ms, .heartbeat_ms = heartbeat_ms}};
    std::vector<double> beyond;
    for (int i = 0; i < 5; ++i) {
        const int leader = cluster.wait_serving();
        cluster.wait_replicated();
        const auto epoch = cluster.poll()->epoch();
        const auto start = Clock::now();
        cluster.kill_all(leader);
        cluster.wait_serving(epoch);
        beyond.push_back(ms_since(start) - ttl_ms);
        cluster.start(leader);
    }
    show("another node serves, beyond the ttl",
         beyond,
         "ms",
         "<= 500, the backend's start included");
}

}  // namespace bench
