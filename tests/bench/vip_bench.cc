// A virtual address in network namespaces: how long a client is not answered over it, and how soon
// after the lease it is there. Needs root.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <thread>

#include "adapters/linux/clock.h"
#include "adapters/sync/mutex.h"
#include "tests/bench/bench.h"
#include "tests/bench/node_log.h"
#include "tests/bench/report.h"
#include "tests/support/cluster.h"
#include "tests/support/net.h"
#include "tests/support/writer.h"

namespace bench {
namespace {

using test_support::Cluster;
using test_support::Net;

constexpr const char* address = "10.77.0.100";
constexpr int port = 8'765;
constexpr int closed_port = 9;
constexpr int rounds = 15;

/// A client that asks the host with the address for a connection to a closed port, again and again:
/// the kernel's refusal is an answer, whatever the service does.
class Knocker {
public:
    Knocker() {
        thread_ = std::jthread{[this](const std::stop_token& stop) {
            while (!stop.stop_requested())
                knock();
        }};
    }

    /// From then until the first answer, in ms. Empty: there was none.
    std::optional<double> first_after(model::WallTime then) {
        const adapters::sync::Lock lock{mutex_};
        const auto found = std::find_if(
            answers_.begin(), answers_.end(), [&](const auto& at) { return at.ms >= then.ms; });
        if (found == answers_.end()) return std::nullopt;
        return static_cast<double>(found->ms - then.ms);
    }
    void forget() {
        const adapters::sync::Lock lock{mutex_};
        answers_.clear();
    }

private:
    void knock() {
        const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(closed_port);
        ::inet_pton(AF_INET, address, &to.sin_addr);
        bool refused = ::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) < 0 &&
                       errno == ECONNREFUSED;
        pollfd output{.fd = fd, .events = POLLOUT, .revents = 0};
        if (!refused && ::poll(&output, 1, 3) == 1) {
            int reason = 0;
            socklen_t size = sizeof reason;
            ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &reason, &size);
            refused = reason == ECONNREFUSED;
        }
        ::close(fd);
        if (refused) {
            const adapters::sync::Lock lock{mutex_};
            answers_.push_back(adapters::linux_host::Clock{}.wall());
        }
        std::this_thread::sleep_for(std::chrono::milliseconds{1});
    }

    adapters::sync::Mutex mutex_;
    std::vector<model::WallTime> answers_ GUARDED_BY(mutex_);
    std::jthread thread_;
};

/// Of the last event with this name.
std::optional<model::WallTime> time_of(const std::vector<Event>& events, const std::string& name) {
    const auto found = std::find_if(
        events.rbegin(), events.rend(), [&](const auto& event) { return event.name == name; });
    if (found == events.rend()) return std::nullopt;
    return found->at;
}

}  // namespace

void show_vip(const Options&) {
    show_title("virtual address: three hosts on a switch, a client that writes over it");
    if (::geteuid() != 0) {
        show_note("left out: network namespaces need root");
        return;
    }
    const Net net{3};
    Cluster cluster{{.nodes = 3,
                     .ttl_ms = ttl_ms,
                     .heartbeat_ms = heartbeat_ms,
                     .backend_port = port,
                     .net = &net,
                     .each = [](int, test_support::NodeOptions& options) {
                         options.vips = R"([{"address": "10.77.0.100", "interface": "eth0"}])";
                     }}};
    cluster.wait_serving();
    test_support::Writer writer{{{address, port}}};
    std::vector<double> gaps;
    std::vector<double> bound;
    std::vector<double> promoted;
    std::vector<double> answered;
    std::vector<double> answered_promoted;
    Knocker knocker;
    for (int i = 0; i < rounds; ++i) {
        const int leader = cluster.wait_serving();
        cluster.wait_replicated();
        if (!writer.wait_more(100)) break;
        writer.reset_gap();
        knocker.forget();
        const auto epoch = cluster.poll()->epoch();
        const int to = leader % cluster.size() + 1;
        cluster.request_switchover(to);
        cluster.wait_serving(epoch);
        if (!writer.wait_more(100)) break;
        gaps.push_back(static_cast<double>(writer.gap().count()));
        const auto events = events_of(cluster.log(to));
        if (const auto took = ms_between(events, "lease.taken", "vip.bound"))
            bound.push_back(*took);
        if (const auto took = ms_between(events, "replica.promoted", "vip.bound"))
            promoted.push_back(*took);
        // The former holder has taken it off before it released the lease.
        const auto add_answer = [&](const char* since, std::vector<double>& all) {
            if (const auto then = time_of(events, since))
                if (const auto took = knocker.first_after(*then)) all.push_back(*took);
        };
        add_answer("lease.taken", answered);
        add_answer("replica.promoted", answered_promoted);
    }
    writer.stop();
    show("planned switchover: longest time without a write", gaps, "ms", "p50 <= 300");
    show("from the lease to the address, the promotion included", bound, "ms");
    show("from the promotion to the address, bound and announced", promoted, "ms", "<= 20");
    show("from the lease to a client's answer over it, the promotion included", answered, "ms");
    show("from the promotion to a client's answer over it", answered_promoted, "ms", "<= 20");
}

}  // namespace bench
