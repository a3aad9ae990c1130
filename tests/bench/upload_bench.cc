// From a commit to its file in the bucket, one commit at a time: ours, and Litestream's with its
// defaults and with the shortest intervals that its users set.
#include <chrono>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>

#include "model/names.h"
#include "tests/bench/bench.h"
#include "tests/bench/commits.h"
#include "tests/bench/peer.h"
#include "tests/bench/report.h"
#include "tests/bench/usage.h"
#include "tests/support/cluster.h"
#include "tests/support/litestream.h"

namespace bench {
namespace {

/// Commits at times unrelated to the replicator's intervals.
std::vector<double> visible_after(const std::string& database,
                                  Bucket& bucket,
                                  int seconds,
                                  std::chrono::milliseconds rhythm) {
    Commits commits{database, "NORMAL"};
    std::mt19937 generator{7};
    std::uniform_int_distribution<int> pause{1, static_cast<int>(rhythm.count())};
    std::vector<double> took;
    const auto begin = Clock::now();
    while (ms_since(begin) < 1000 * seconds) {
        std::this_thread::sleep_for(std::chrono::milliseconds{pause(generator)});
        bucket.skip();
        commits.one();
        const auto committed = Clock::now();
        if (!bucket.wait_file()) break;
        took.push_back(ms_since(committed));
    }
    return took;
}

}  // namespace

void show_upload(const Options& options) {
    show_title("commit -> its file is in the bucket");
    {
        test_support::Cluster cluster{{.nodes = 1, .ttl_ms = ttl_ms, .heartbeat_ms = heartbeat_ms}};
        const int leader = cluster.wait_serving();
        cluster.wait_replicated();
        Bucket bucket{cluster.server().url(), model::store_names(cluster.id()).wal};
        show("ours, one node",
             visible_after(
                 cluster.data(leader), bucket, options.seconds, std::chrono::milliseconds{19}),
             "ms");
    }
    if (!Litestream::present()) {
        show_note(test_support::no_litestream(test_support::litestream_newest));
        return;
    }
    for (const std::string interval : {"", "10ms"}) {
        const test_support::TempDir directory;
        const test_support::NatsServer server;
        Bucket bucket{server.url(), "peer"};
        const auto database = directory.path() + "/peer.db";
        Commits{database, "NORMAL"}.one();
        const Litestream peer{database, server.url(), "peer", interval};
        if (!bucket.wait_file()) throw std::runtime_error{"Litestream ships nothing"};
        // With its defaults it uploads once a second: measure twice as long, to get more samples.
        const bool defaults = interval.empty();
        const auto rhythm = std::chrono::milliseconds{defaults ? 1000 : 19};
        const int seconds = defaults ? 2 * options.seconds : options.seconds;
        show(std::string{"Litestream "} + test_support::litestream_newest + ", " +
                 (defaults ? "defaults" : "intervals of " + interval),
             visible_after(database, bucket, seconds, rhythm),
             "ms");
    }
}

}  // namespace bench
