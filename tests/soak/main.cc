// A cluster of three nodes under a small load for a while: what its processes use stays as it was,
// and nobody loses the lease.
//
//   cluster_soak [--seconds N]     600 by default, at least 30
//
// Ends with 1 where something grew beyond its bound (judge.h), and leaves nothing behind.
#include <dirent.h>
#include <sys/types.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/soak/judge.h"
#include "tests/support/cluster.h"
#include "tests/support/processes.h"
#include "tests/support/writer.h"

namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using test_support::Cluster;

constexpr auto sample_interval = 500ms;
constexpr auto load_pause = 50ms;  // between two notes: some 20 in a second

std::vector<std::string> entries(const std::string& path) {
    std::vector<std::string> all;
    DIR* const directory = ::opendir(path.c_str());
    if (directory == nullptr) return all;
    while (const dirent* const entry = ::readdir(directory))
        if (entry->d_name[0] != '.') all.emplace_back(entry->d_name);
    ::closedir(directory);
    return all;
}

/// The number after NAME: in a file like /proc/PID/status; 0: there is none.
double number_in(const std::string& text, const std::string& name) {
    const auto at = text.find("\n" + name + ":");
    return at == std::string::npos ? 0 : std::strtod(text.c_str() + at + name.size() + 2, nullptr);
}

struct Watched {
    std::string name;
    pid_t pid = 0;
    std::vector<soak::Sample> samples{};

    /// False: it is gone.
    bool sample(double seconds) {
        const auto path = "/proc/" + std::to_string(pid);
        soak::Sample now{.seconds = seconds,
                         .fds = static_cast<double>(entries(path + "/fd").size()),
                         .rss_kb = number_in(test_support::read_text(path + "/status"), "VmRSS")};
        for (const auto& task : entries(path + "/task"))
            now.switches += number_in(test_support::read_text(path + "/task/" + task + "/status"),
                                      "voluntary_ctxt_switches");
        samples.push_back(now);
        return test_support::lives(pid);
    }
};

/// The warden, and each of its children: node process, helpers, backend.
std::vector<Watched> processes_of(const Cluster& cluster) {
    std::vector<Watched> all;
    for (int node = 1; node <= cluster.size(); ++node) {
        const auto warden = cluster.warden_pid(node);
        all.push_back({cluster.name(node) + " warden", warden});
        for (const auto pid : test_support::children(warden)) {
            auto comm = test_support::read_text("/proc/" + std::to_string(pid) + "/comm");
            comm.erase(std::min(comm.find('\n'), comm.size()));
            if (pid == cluster.node_pid(node)) comm = "node process";
            if (pid == cluster.backend_pid(node)) comm = "backend";
            all.push_back({cluster.name(node) + " " + comm, pid});
        }
    }
    return all;
}

int soak_for(std::chrono::seconds time) {
    Cluster cluster;
    cluster.wait_serving();
    test_support::Writer writer{cluster.backend_ports(), {.pause = load_pause}};
    cluster.wait_replicated();
    // Buffers and caches have their size after a while.
    const auto warm_up = std::min<std::chrono::milliseconds>(60s, time / 4);
    std::printf(
        "three nodes, some 20 notes in a second, for %lld s; the first %lld s do not count\n",
        static_cast<long long>(time.count()),
        static_cast<long long>(warm_up.count() / 1000));
    std::fflush(stdout);
    const auto begun = Clock::now();
    std::this_thread::sleep_until(begun + warm_up);
    const auto epoch = cluster.poll()->epoch();
    auto all = processes_of(cluster);
    bool good = true;
    for (auto at = begun + warm_up; good && at < begun + time; at += sample_interval) {
        std::this_thread::sleep_until(at);
        const auto seconds = std::chrono::duration<double>(Clock::now() - begun).count();
        for (auto& each : all) {
            if (each.sample(seconds)) continue;
            std::printf("FAILED %s: it died\n", each.name.c_str());
            good = false;
        }
    }
    if (!writer.wait_more(1)) {
        std::printf("FAILED nobody takes a note any more\n");
        good = false;
    }
    const auto after = cluster.poll();
    if (!after || after->epoch() != epoch) {
        std::printf("FAILED the lease moved: epoch %llu is %llu\n",
                    static_cast<unsigned long long>(epoch),
                    static_cast<unsigned long long>(after ? after->epoch() : 0));
        good = false;
    }
    const auto notes = writer.acknowledged().size();
    writer.stop();
    std::printf("%-22s %14s %20s %18s\n", "", "open files", "RSS kB", "wake-ups/s");
    for (const auto& each : all) {
        const auto growth = soak::judge(each.samples);
        std::printf("%-22s %5.0f -> %5.0f %8.0f -> %8.0f %7.1f -> %7.1f\n",
                    each.name.c_str(),
                    growth.fds_before,
                    growth.fds_after,
                    growth.rss_before,
                    growth.rss_after,
                    growth.rate_before,
                    growth.rate_after);
        for (const auto& what : growth.too_much) {
            std::printf("FAILED %s: %s\n", each.name.c_str(), what.c_str());
            good = false;
        }
    }
    std::printf("%zu notes; %s\n", notes, good ? "ok" : "FAILED");
    return good ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    int seconds = 600;
    if (argc == 3 && std::string{argv[1]} == "--seconds") {
        seconds = std::clamp(std::atoi(argv[2]), 30, 24 * 3600);
    } else if (argc != 1) {
        std::fprintf(stderr, "usage: cluster_soak [--seconds N]\n");
        return 2;
    }
    try {
        return soak_for(std::chrono::seconds{seconds});
    } catch (const std::exception& failure) {
        std::fprintf(stderr, "cluster_soak: %s\n", failure.what());
        return 1;
    }
}
