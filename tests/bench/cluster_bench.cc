// First figures of a whole cluster on this machine, loopback NATS: what a commit, a switchover, a
// crash and an idle minute cost. These machines are noisy: compare within one run only.
//
//   cluster_bench [SECONDS]    each load lasts that long (10)
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/cluster.h"
#include "tests/support/writer.h"

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using test_support::Cluster;
using test_support::Writer;

double ms_since(Clock::time_point start) {
    return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

struct Spread {
    double p50 = 0;
    double p99 = 0;
    double most = 0;
};

Spread spread(std::vector<double> values) {
    if (values.empty()) return {};
    std::sort(values.begin(), values.end());
    const auto at = [&](double q) {
        return values[static_cast<std::size_t>(q * static_cast<double>(values.size() - 1))];
    };
    return {.p50 = at(0.5), .p99 = at(0.99), .most = values.back()};
}

void report(const char* what, std::vector<double> values, const char* unit) {
    const auto count = values.size();
    const auto figures = spread(std::move(values));
    std::printf("%-46s p50 %8.2f  p99 %8.2f  max %8.2f %s  (n=%zu)\n",
                what,
                figures.p50,
                figures.p99,
                figures.most,
                unit,
                count);
    std::fflush(stdout);
}

/// The change counter of SQLite's file does not move in WAL mode; the notes themselves are looked
/// for, in the bytes of the copy.
bool contains(const std::string& path, const std::string& text) {
    std::ifstream file{path, std::ios::binary};
    const std::string bytes{std::istreambuf_iterator<char>{file}, {}};
    return bytes.find(text) != std::string::npos;
}

/// From the acknowledged commit of a note to its bytes in a passive node's copy, at 100 commits a
/// second.
void commit_to_applied(Cluster& cluster, int seconds) {
    const int leader = cluster.wait_serving();
    const int passive = leader == 1 ? 2 : 1;
    const auto path = cluster.replica(passive);
    std::vector<double> commits;
    std::vector<double> applied;
    const auto until = Clock::now() + std::chrono::seconds{seconds};
    auto next = Clock::now();
    for (std::int64_t id = 1'000'000; Clock::now() < until; ++id) {
        const auto mark = "bench-note-" + std::to_string(id) + ";";
        const auto start = Clock::now();
        const auto answer = test_support::http(
            cluster.backend_port(leader), "POST", "/notes?id=" + std::to_string(id), mark);
        if (!answer || answer->status != 200) continue;
        const auto committed = Clock::now();
        commits.push_back(ms_since(start));
        while (!contains(path, mark) && ms_since(committed) < 5'000) {
            std::this_thread::sleep_for(std::chrono::microseconds{50});
        }
        applied.push_back(ms_since(committed));
        next = std::max(next + milliseconds{10}, Clock::now());
        std::this_thread::sleep_until(next);
    }
    report("HTTP request with its commit", std::move(commits), "ms");
    report("commit answered -> in a passive's copy", std::move(applied), "ms");
}

void planned_switchovers(Cluster& cluster, int rounds) {
    Writer writer{cluster.backend_ports()};
    std::vector<double> gaps;
    for (int i = 0; i < rounds; ++i) {
        const int leader = cluster.wait_serving();
        cluster.wait_replicated();
        if (!writer.wait_more(100)) break;
        writer.reset_gap();
        const auto epoch = cluster.look()->epoch();
        cluster.wish_switchover(leader % cluster.size() + 1);
        cluster.wait_serving(epoch);
        if (!writer.wait_more(100)) break;
        gaps.push_back(static_cast<double>(writer.gap().count()));
    }
    writer.stop();
    report("planned switchover: longest time without a write", std::move(gaps), "ms");
}

void crashes(Cluster& cluster, int rounds, int ttl_ms) {
    std::vector<double> beyond;
    for (int i = 0; i < rounds; ++i) {
        const int leader = cluster.wait_serving();
        cluster.wait_replicated();
        const auto epoch = cluster.look()->epoch();
        const auto start = Clock::now();
        cluster.kill_all(leader);
        cluster.wait_serving(epoch);
        beyond.push_back(ms_since(start) - ttl_ms);
        cluster.start(leader);
    }
    report("crash of a node: serving again, beyond the ttl", std::move(beyond), "ms");
}

struct Usage {
    double ticks = 0;
    double rss_kb = 0;
};

Usage usage(pid_t pid) {
    Usage used;
    std::ifstream stat{"/proc/" + std::to_string(pid) + "/stat"};
    std::string word;
    for (int field = 1; stat >> word; ++field) {
        if (field == 14 || field == 15) used.ticks += std::strtod(word.c_str(), nullptr);
    }
    std::ifstream status{"/proc/" + std::to_string(pid) + "/status"};
    while (status >> word) {
        if (word == "VmRSS:") status >> used.rss_kb;
    }
    return used;
}

void idle(Cluster& cluster, int seconds) {
    const int leader = cluster.wait_serving();
    const int passive = leader == 1 ? 2 : 1;
    for (const int node : {leader, passive}) {
        const auto total = [&] {
            const auto warden = usage(cluster.warden_pid(node));
            const auto process = usage(cluster.node_pid(node));
            return Usage{.ticks = warden.ticks + process.ticks,
                         .rss_kb = warden.rss_kb + process.rss_kb};
        };
        const auto before = total();
        std::this_thread::sleep_for(std::chrono::seconds{seconds});
        const auto after = total();
        const auto per_second = static_cast<double>(sysconf(_SC_CLK_TCK));
        std::printf("%-46s %.1f MB RSS, %.2f %% of a core\n",
                    node == leader ? "idle leader, both processes" : "idle passive, both processes",
                    after.rss_kb / 1024,
                    100 * (after.ticks - before.ticks) / per_second / seconds);
    }
}

}  // namespace

int main(int argc, char** argv) {
    const int seconds = argc > 1 ? std::clamp(std::atoi(argv[1]), 1, 600) : 10;
    constexpr int ttl_ms = 3'000;
    try {
        Cluster cluster{{.nodes = 3, .ttl_ms = ttl_ms, .heartbeat_ms = 500}};
        cluster.wait_serving();
        cluster.wait_replicated();
        commit_to_applied(cluster, seconds);
        planned_switchovers(cluster, 5);
        crashes(cluster, 2, ttl_ms);
        idle(cluster, seconds);
    } catch (const std::exception& failure) {
        std::fprintf(stderr, "cluster_bench: %s\n", failure.what());
        return 1;
    }
    return 0;
}
