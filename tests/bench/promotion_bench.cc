// For an existing database: its first snapshot, its first copy, and the cost of a failover, which
// must not depend on its size.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string>

#include "tests/bench/bench.h"
#include "tests/bench/node_log.h"
#include "tests/bench/report.h"
#include "tests/bench/usage.h"
#include "tests/support/database_copy.h"
#include "tests/support/writer.h"

namespace bench {
namespace {

using std::chrono::seconds;
using test_support::Cluster;

constexpr int row_size = 8'000;
constexpr seconds patience{900};
constexpr int rounds = 5;

/// Speed in MB/s of writing so many megabytes to the disk, including the sync.
double disk_speed(const std::string& directory, double megabytes) {
    const auto path = directory + "/disk-speed";
    const std::string block(1U << 20U, 'x');
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    const auto start = Clock::now();
    for (int i = 0; i < static_cast<int>(megabytes); ++i)
        (void)!::write(fd, block.data(), block.size());
    ::fsync(fd);
    const auto took = ms_since(start);
    ::close(fd);
    std::filesystem::remove(path);
    return megabytes * 1000 / took;
}

double size_of(const std::string& path) {
    return static_cast<double>(std::filesystem::file_size(path)) / (1U << 20U);
}

/// The first snapshot on node 1, and the first copy on node 2.
void show_first_copy(Cluster& cluster) {
    const auto megabytes = size_of(cluster.data(1));
    const auto published = [&] {
        return ms_between(events_of(cluster.log(1)), "snapshot.started", "snapshot.published");
    };
    cluster.start(1);
    cluster.wait_until(
        "the first snapshot", [&] { return published().has_value(); }, patience);
    const auto upload_ms = *published();
    show("first snapshot, of the database's size", megabytes * 1000 / upload_ms, "MB/s");
    show("  node process, largest RSS", usage(cluster.node_pid(1)).peak_mb, "MB", "<= 100");
    const auto disk = disk_speed(cluster.directory(), std::min(megabytes, 512.0));
    show("disk: written and synced", disk, "MB/s");
    const auto start = Clock::now();
    cluster.start(2);
    cluster.wait_for(
        "a whole copy on n2",
        [](const test_support::Snapshot& now) {
            return now.nodes.contains("n2") && now.nodes.at("n2").copy_complete;
        },
        patience);
    const auto whole_ms = ms_since(start);
    const auto restored =
        ms_between(events_of(cluster.log(2)), "snapshot.restore_started", "snapshot.restored");
    if (restored) show("first copy: the download", megabytes * 1000 / *restored, "MB/s");
    show("first copy: from the daemon's start to whole", whole_ms, "ms");
    show("  of the disk's speed", 100 * megabytes * 1000 / whole_ms / disk, "%", ">= 70");
    show("  node process, largest RSS", usage(cluster.node_pid(2)).peak_mb, "MB", "<= 100");
}

void show_switchovers(Cluster& cluster, std::int64_t first_note) {
    test_support::Writer writer{cluster.backend_ports(), {.first = first_note}};
    std::vector<double> gaps;
    std::vector<double> steps;
    for (int i = 0; i < rounds; ++i) {
        const int leader = cluster.wait_serving();
        cluster.wait_replicated(patience);
        if (!writer.wait_more(100)) break;
        writer.reset_gap();
        const auto epoch = cluster.poll()->epoch();
        const int to = leader % cluster.size() + 1;
        cluster.request_switchover(to);
        cluster.wait_serving(epoch);
        if (!writer.wait_more(100)) break;
        gaps.push_back(static_cast<double>(writer.gap().count()));
        const auto step = ms_between(events_of(cluster.log(to)), "lease.taken", "replica.promoted");
        if (step) steps.push_back(*step);
    }
    writer.stop();
    show("switchover: lease taken -> promoted", steps, "ms", "<= 50 at any size");
    show("switchover: longest time without a write", gaps, "ms", "p50 <= 300");
}

void show_crashes(Cluster& cluster) {
    std::vector<double> beyond;
    std::vector<double> steps;
    for (int i = 0; i < 2; ++i) {
        const int leader = cluster.wait_serving();
        cluster.wait_replicated(patience);
        const auto epoch = cluster.poll()->epoch();
        const auto start = Clock::now();
        cluster.kill_all(leader);
        const int next = cluster.wait_serving(epoch);
        beyond.push_back(ms_since(start) - ttl_ms);
        const auto step =
            ms_between(events_of(cluster.log(next)), "lease.taken", "replica.promoted");
        if (step) steps.push_back(*step);
        cluster.start(leader);
    }
    show("crash: lease taken -> promoted", steps, "ms", "<= 50 at any size");
    show("crash: the other node serves, beyond the ttl", beyond, "ms", "<= 500");
}

}  // namespace

void show_promotion(const Options& options) {
    for (const int megabytes : options.megabytes) {
        show_title("promotion: two nodes, a database of " + std::to_string(megabytes) + " MB");
        const auto space = std::filesystem::space(std::filesystem::temp_directory_path());
        if (space.available / 1'000'000 < 6 * static_cast<std::uintmax_t>(megabytes)) {
            show_note(
                "left out: six times as much disk is needed in the directory for temporaries");
            continue;
        }
        const int rows = megabytes * 1'000'000 / row_size;
        Cluster cluster{
            {.nodes = 2, .ttl_ms = ttl_ms, .heartbeat_ms = heartbeat_ms, .start = false}};
        test_support::create_notes(cluster.data(1), rows, row_size);
        show_first_copy(cluster);
        show_switchovers(cluster, rows + 1);
        show_crashes(cluster);
    }
}

}  // namespace bench
