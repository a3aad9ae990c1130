// From the acknowledged commit of a note to its appearance in a passive node's copy.
#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <thread>

#include "tests/bench/bench.h"
#include "tests/bench/report.h"
#include "tests/bench/usage.h"
#include "tests/support/processes.h"
#include "tests/support/writer.h"

namespace bench {
namespace {

using std::chrono::milliseconds;

/// Waits until bytes appear in a file, woken by each write to it: polling would use the core that
/// the cluster needs.
class Watched {
public:
    explicit Watched(std::string path) : path_{std::move(path)} {
        if (fd_ < 0 || ::inotify_add_watch(fd_, path_.c_str(), IN_MODIFY) < 0) {
            throw std::runtime_error{"no watch on " + path_};
        }
    }
    ~Watched() { ::close(fd_); }
    Watched(const Watched&) = delete;
    Watched& operator=(const Watched&) = delete;

    bool wait_for(const std::string& text) {
        const auto start = Clock::now();
        while (ms_since(start) < 5'000) {
            if (test_support::read_text(path_).find(text) != std::string::npos) return true;
            pollfd wait{.fd = fd_, .events = POLLIN, .revents = 0};
            // A write between check and wait has left its event; the timeout is for anything else.
            if (::poll(&wait, 1, 100) == 1) {
                char events[4096];
                (void)!::read(fd_, events, sizeof events);
            }
        }
        return false;
    }

private:
    std::string path_;
    int fd_ = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
};

}  // namespace

void show_lag(const Options& options) {
    show_title("commit -> applied on a passive node: three nodes, 100 commits/s");
    test_support::Cluster cluster{{.nodes = 3, .ttl_ms = ttl_ms, .heartbeat_ms = heartbeat_ms}};
    const int leader = cluster.wait_serving();
    cluster.wait_replicated();
    const int passive = leader == 1 ? 2 : 1;
    Watched copy{cluster.replica(passive)};
    std::vector<double> commits;
    std::vector<double> applied;
    const auto leader_before = usage(cluster, leader);
    const auto passive_before = usage(cluster, passive);
    const auto begin = Clock::now();
    const auto until = begin + std::chrono::seconds{options.seconds};
    auto next = Clock::now();
    for (std::int64_t id = 1'000'000; Clock::now() < until; ++id) {
        const auto mark = "bench-note-" + std::to_string(id) + ";";
        const auto start = Clock::now();
        const auto answer = test_support::http(
            cluster.backend_port(leader), "POST", "/notes?id=" + std::to_string(id), mark);
        if (!answer || answer->status != 200) continue;
        const auto committed = Clock::now();
        commits.push_back(ms_since(start));
        if (!copy.wait_for(mark)) throw std::runtime_error{mark + " did not come to the passive"};
        applied.push_back(ms_since(committed));
        next = std::max(next + milliseconds{10}, Clock::now());
        std::this_thread::sleep_until(next);
    }
    const auto took = ms_since(begin);
    const auto leader_ms = usage(cluster, leader).cpu_ms - leader_before.cpu_ms;
    const auto passive_ms = usage(cluster, passive).cpu_ms - passive_before.cpu_ms;
    const auto thousands = static_cast<double>(commits.size()) / 1000;
    show("commits in a second", 1000 * static_cast<double>(commits.size()) / took, "");
    show("HTTP request with its commit", commits, "ms");
    show("commit answered -> in a passive's copy", applied, "ms", "p50 <= 2, p99 <= 10");
    show("leader: CPU meanwhile", 100 * leader_ms / took, "% of a core", "< 3");
    show("leader: CPU per 1000 commits", leader_ms / thousands, "ms");
    show("passive: CPU meanwhile", 100 * passive_ms / took, "% of a core");
    show("passive: CPU per 1000 commits", passive_ms / thousands, "ms");
}

}  // namespace bench
