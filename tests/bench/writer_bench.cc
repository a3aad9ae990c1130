// A writer that never pauses: alone, with a node of ours that captures and ships its commits, and
// with Litestream. The three take turns in rounds, since the machine is noisy.
#include <algorithm>
#include <cstdio>
#include <functional>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>

#include "tests/bench/bench.h"
#include "tests/bench/commits.h"
#include "tests/bench/peer.h"
#include "tests/bench/report.h"
#include "tests/bench/usage.h"
#include "tests/support/litestream.h"
#include "tests/support/processes.h"

namespace bench {
namespace {

using test_support::Cluster;

constexpr int rounds = 3;

struct Round {
    double commits = 0;  // commits per second
    double p50_us = 0;
    double p99_us = 0;
    double worst_ms = 0;
    double cpu_ms = 0;  // of the replicating processes
};

struct Contestant {
    std::string name;
    /// Runs the writer once, with this contestant's replication beside it.
    std::function<Round(const std::string& synchronous)> run;
    std::vector<Round> rounds;
};

Round write(const std::string& database, const std::string& synchronous, int seconds) {
    const test_support::TempDir directory;
    const auto log = directory.path() + "/writer";
    const pid_t writer = test_support::spawn(
        {PLAIN_WRITER, database, synchronous, std::to_string(seconds)}, {}, log);
    std::optional<int> status;
    const auto start = Clock::now();
    while (!status && ms_since(start) < 1000 * (seconds + 30)) {
        std::this_thread::sleep_for(std::chrono::milliseconds{20});
        status = test_support::reap(writer);
    }
    std::istringstream printed{test_support::read_text(log)};
    Round round;
    if (status != 0 ||
        !(printed >> round.commits >> round.p50_us >> round.p99_us >> round.worst_ms)) {
        throw std::runtime_error{"the writer failed: " + printed.str()};
    }
    return round;
}

Usage usage_of_all(const Cluster& cluster) {
    Usage all;
    for (int node = 1; node <= cluster.size(); ++node)
        all = all + usage(cluster, node);
    return all;
}

Contestant ours(Cluster& cluster, int seconds) {
    return {.name = "ours, nodes: " + std::to_string(cluster.size()),
            .run =
                [&cluster, seconds](const std::string& synchronous) {
                    const int leader = cluster.wait_serving();
                    const auto before = usage_of_all(cluster).cpu_ms;
                    auto round = write(cluster.data(leader), synchronous, seconds);
                    // Wait until everything is shipped, so that its cost is counted.
                    cluster.wait_replicated();
                    cluster.wait_for("everything shipped", [](const auto& now) {
                        const auto serving = now.serving();
                        return !serving.empty() && now.nodes.at(serving).lag &&
                               now.nodes.at(serving).lag->transactions == 0;
                    });
                    round.cpu_ms = usage_of_all(cluster).cpu_ms - before;
                    return round;
                },
            .rounds = {}};
}

Contestant litestream(const std::string& database,
                      const std::string& url,
                      Bucket& bucket,
                      int seconds) {
    return {.name = std::string{"Litestream "} + test_support::litestream_newest,
            .run =
                [=, &bucket](const std::string& synchronous) {
                    bucket.skip();
                    const Litestream peer{database, url, "peer"};
                    Commits{database, synchronous}.one();
                    if (!bucket.wait_file()) throw std::runtime_error{"Litestream ships nothing"};
                    const auto before = usage(peer.pid()).cpu_ms;
                    auto round = write(database, synchronous, seconds);
                    bucket.skip();
                    (void)bucket.wait_file(std::chrono::seconds{2});
                    round.cpu_ms = usage(peer.pid()).cpu_ms - before;
                    return round;
                },
            .rounds = {}};
}

std::vector<double> each(const std::vector<Round>& all, double Round::*what) {
    std::vector<double> values;
    for (const auto& round : all)
        values.push_back(round.*what);
    return values;
}

void show_rounds(const std::vector<Contestant>& all, int seconds) {
    std::printf("  %-24s %10s %8s %9s %9s %9s %14s\n",
                "medians",
                "commits/s",
                "of alone",
                "p50 us",
                "p99 us",
                "worst ms",
                "CPU ms/1000");
    const auto& alone = all.front().rounds;
    for (const auto& contestant : all) {
        std::vector<double> ratios;
        for (std::size_t i = 0; i < contestant.rounds.size(); ++i)
            ratios.push_back(contestant.rounds[i].commits / alone[i].commits);
        const auto commits = median(each(contestant.rounds, &Round::commits));
        std::printf("  %-24s %10.0f %8.2f %9.1f %9.1f %9.1f %14.1f\n",
                    contestant.name.c_str(),
                    commits,
                    median(ratios),
                    median(each(contestant.rounds, &Round::p50_us)),
                    median(each(contestant.rounds, &Round::p99_us)),
                    quantile(each(contestant.rounds, &Round::worst_ms), 1),
                    median(each(contestant.rounds, &Round::cpu_ms)) * 1000 / (commits * seconds));
    }
    std::fflush(stdout);
}

}  // namespace

void show_writer(const Options& options) {
    const int seconds = std::min(options.seconds, 5);
    show_title("a writer that never pauses: " + std::to_string(rounds) + " rounds of " +
               std::to_string(seconds) + " s, in turns");
    const test_support::TempDir directory;
    Cluster one{{.nodes = 1, .ttl_ms = ttl_ms, .heartbeat_ms = heartbeat_ms}};
    Cluster three{{.nodes = 3, .ttl_ms = ttl_ms, .heartbeat_ms = heartbeat_ms}};
    const test_support::NatsServer server;
    Bucket bucket{server.url(), "peer"};
    for (const std::string synchronous : {"NORMAL", "FULL"}) {
        std::vector<Contestant> all{{.name = "alone",
                                     .run =
                                         [&](const std::string& mode) {
                                             return write(
                                                 directory.path() + "/alone.db", mode, seconds);
                                         },
                                     .rounds = {}},
                                    ours(one, seconds),
                                    ours(three, seconds)};
        if (Litestream::present()) {
            all.push_back(litestream(directory.path() + "/peer.db", server.url(), bucket, seconds));
        }
        for (int i = 0; i < rounds; ++i)
            for (auto& contestant : all)
                contestant.rounds.push_back(contestant.run(synchronous));
        show_note("synchronous = " + synchronous +
                  "   budget: >= 0.90 of alone, p50 the same, worst <= 25 ms");
        show_rounds(all, seconds);
    }
    if (!Litestream::present()) {
        show_note(test_support::no_litestream(test_support::litestream_newest));
    }
}

}  // namespace bench
