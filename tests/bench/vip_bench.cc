// A virtual address in network namespaces: how long a client is not answered over it, and how soon
// after the lease it is there. Needs root.
#include <unistd.h>

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
constexpr int rounds = 15;

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
    for (int i = 0; i < rounds; ++i) {
        const int leader = cluster.wait_serving();
        cluster.wait_replicated();
        if (!writer.wait_more(100)) break;
        writer.reset_gap();
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
    }
    writer.stop();
    show("planned switchover: longest time without a write", gaps, "ms", "p50 <= 300");
    show("from the lease to the address, the promotion included", bound, "ms");
    show("from the promotion to the address, bound and announced", promoted, "ms", "<= 20");
}

}  // namespace bench
