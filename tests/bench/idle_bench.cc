// Processor time and memory of a node's two processes when idle.
#include <chrono>
#include <thread>

#include "tests/bench/bench.h"
#include "tests/bench/report.h"
#include "tests/bench/usage.h"

namespace bench {
namespace {

void show_idle(const Options& options, int ttl, int heartbeat) {
    show_title("idle: three nodes, " + std::to_string(heartbeat) + " ms between heartbeats");
    test_support::Cluster cluster{{.nodes = 3, .ttl_ms = ttl, .heartbeat_ms = heartbeat}};
    const int leader = cluster.wait_serving();
    cluster.wait_replicated();
    const int passive = leader == 1 ? 2 : 1;
    struct Each {
        std::string what;
        pid_t pid;
        Usage before;
    };
    std::vector<Each> all;
    for (const int node : {leader, passive}) {
        const std::string role = node == leader ? "leader" : "passive";
        all.push_back({role + ", warden", cluster.warden_pid(node), {}});
        all.push_back({role + ", node process", cluster.node_pid(node), {}});
    }
    for (auto& each : all)
        each.before = usage(each.pid);
    const auto begin = Clock::now();
    // The clock ticks are 10 ms: less than ten seconds are too inaccurate.
    std::this_thread::sleep_for(std::chrono::seconds{std::max(10, 2 * options.seconds)});
    const auto took = ms_since(begin);
    for (std::size_t i = 0; i < all.size(); i += 2) {
        Usage sum;
        double cpu = 0;
        for (std::size_t j = i; j < i + 2; ++j) {
            const auto after = usage(all[j].pid);
            const auto busy = 100 * (after.cpu_ms - all[j].before.cpu_ms) / took;
            show(all[j].what + ": RSS", after.rss_mb, "MB");
            show(all[j].what + ": CPU", busy, "% of a core");
            sum = sum + after;
            cpu += busy;
        }
        const auto role = all[i].what.substr(0, all[i].what.find(','));
        show(role + ", both: RSS", sum.rss_mb, "MB", "<= 20");
        show(role + ", both: CPU", cpu, "% of a core", "<= 0.15");
    }
}

}  // namespace

void show_idle(const Options& options) {
    show_idle(options, 10'000, 3'000);  // the default timing, for which the budget is
    show_idle(options, ttl_ms, heartbeat_ms);
}

}  // namespace bench
