// A leader that is frozen or cut off: its backend is dead before another one lives.
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <iostream>

#include "tests/support/cluster.h"
#include "tests/support/database_copy.h"
#include "tests/support/processes.h"
#include "tests/support/relay.h"
#include "tests/support/writer.h"

namespace {

using namespace std::chrono_literals;
using test_support::Cluster;
using test_support::LivenessWatch;
using test_support::NodeOptions;
using test_support::Relay;
using test_support::Snapshot;
using test_support::Writer;
using Ids = std::vector<std::int64_t>;

// defects.md C02, C03, G02
TEST(Fence, AFrozenNodeProcessIsKilledAndItsBackendBeforeAnotherStarts) {
    Cluster cluster;
    const int frozen = cluster.wait_serving();
    Writer writer{cluster.backend_ports()};
    ASSERT_TRUE(writer.wait_more(100));
    LivenessWatch watch{cluster};
    const auto epoch = cluster.look()->epoch();
    const auto node = cluster.node_pid(frozen);
    const auto backend = cluster.backend_pid(frozen);
    writer.reset_gap();
    ::kill(node, SIGSTOP);
    const int next = cluster.wait_serving(epoch);
    EXPECT_NE(next, frozen);
    EXPECT_FALSE(test_support::lives(node));
    EXPECT_FALSE(test_support::lives(backend));
    ASSERT_TRUE(writer.wait_more(50));
    const auto gap = writer.gap();
    writer.stop();
    EXPECT_EQ(watch.stop(), 0) << "two backends at once, of " << watch.looks() << " looks";
    EXPECT_GT(watch.looks(), 50);
    std::cout << "gap " << gap.count() << " ms\n";
    // The warden started a new node process, which follows.
    cluster.wait_replicated();
    EXPECT_EQ(test_support::pages_of(cluster.replica(frozen)),
              test_support::pages_of(cluster.data(next)));
}

// defects.md C02, C03
TEST(Fence, AStartThatIsUnderWayEndsWithTheLeaseToo) {
    Cluster cluster{{.start = false}};
    for (int node = 1; node <= cluster.size(); ++node) {
        // A service that takes its time before it opens anything.
        cluster.options(node).start_timeout_ms = 20'000;
        cluster.options(node).command = {
            "/bin/sh",
            "-c",
            "sleep 1.5; exec " + Cluster::notes_program() + " --database " + cluster.data(node) +
                " --listen 127.0.0.1:" + std::to_string(cluster.backend_port(node))};
        cluster.start(node);
    }
    const int first = cluster.wait_serving();
    cluster.wait_replicated();
    LivenessWatch watch{cluster};
    const auto epoch = cluster.look()->epoch();
    cluster.kill_all(first);
    int second = 0;
    cluster.wait_until("a start on another node", [&] {
        for (int node = 1; node <= cluster.size(); ++node)
            if (cluster.backend_lives(node)) second = node;
        return second != 0;
    });
    const auto node = cluster.node_pid(second);
    ASSERT_NE(node, 0);
    ::kill(node, SIGSTOP);
    const int third = cluster.wait_serving(epoch + 1);
    EXPECT_NE(third, second);
    EXPECT_FALSE(test_support::lives(node));
    EXPECT_EQ(watch.stop(), 0) << "two backends at once, of " << watch.looks() << " looks";
}

class CutOff : public testing::TestWithParam<bool> {};

// defects.md C02, C03, C05, G01, G02
TEST_P(CutOff, LeaderStopsInTimeAndItsUnsharedNotesAreSetAside) {
    Cluster cluster{{.start = false}};
    std::vector<std::unique_ptr<Relay>> relays;
    for (int node = 1; node <= cluster.size(); ++node) {
        relays.push_back(std::make_unique<Relay>(cluster.server().port()));
        cluster.options(node).nats_url = relays.back()->url();
        cluster.start(node);
    }
    const int old = cluster.wait_serving();
    Writer writer{cluster.backend_ports()};
    ASSERT_TRUE(writer.wait_more(100));
    cluster.wait_replicated();
    LivenessWatch watch{cluster};
    const auto epoch = cluster.look()->epoch();
    auto& relay = *relays[static_cast<std::size_t>(old - 1)];
    writer.reset_gap();
    if (GetParam()) {
        relay.cut();
    } else {
        relay.refuse();
    }
    const int next = cluster.wait_serving(epoch);
    EXPECT_NE(next, old);
    EXPECT_FALSE(cluster.backend_lives(old));
    ASSERT_TRUE(writer.wait_more(50));
    const auto gap = writer.gap();
    EXPECT_EQ(watch.stop(), 0) << "two backends at once, of " << watch.looks() << " looks";
    EXPECT_EQ(cluster.look()->serving(), cluster.name(next));

    relay.heal();
    const auto seen = cluster.wait_for("the cut-off node follows and names what it set aside",
                                       [&](const Snapshot& now) {
                                           const auto& status = now.nodes.at(cluster.name(old));
                                           return status.copy_complete && !status.set_aside.empty();
                                       });
    writer.stop();
    cluster.wait_replicated();
    EXPECT_EQ(test_support::pages_of(cluster.replica(old)),
              test_support::pages_of(cluster.data(next)));

    // Each note that was ever acknowledged is with the new primary or in what was set aside.
    const auto lost = test_support::missing(writer.acknowledged(),
                                            test_support::notes_of(cluster.backend_port(next)));
    const auto& aside = seen.nodes.at(cluster.name(old)).set_aside;
    ASSERT_EQ(aside.size(), 1U);
    EXPECT_FALSE(lost.empty()) << "the writer wrote nothing while the leader was cut off";
    EXPECT_EQ(test_support::missing(lost, test_support::notes_in(aside.front())), Ids{});
    EXPECT_EQ(test_support::integrity_of(aside.front()), "ok");
    std::cout << "gap " << gap.count() << " ms; set aside " << lost.size() << " notes\n";
}

INSTANTIATE_TEST_SUITE_P(Fence, CutOff, testing::Bool(), [](const auto& parameter) {
    return parameter.param ? "Silently" : "WithClosedConnections";
});

// defects.md C02, G01. A partition: no packet arrives and nobody is told, on hosts of their own.
TEST(Fence, ALeaderWhoseNetworkFallsSilentStopsBeforeAnotherServes) {
    const test_support::Net net{3};
    Cluster cluster{{.net = &net}};
    const int first = cluster.wait_serving();
    Ids promised;
    {
        Writer writer{cluster.backend_ports()};
        ASSERT_TRUE(writer.wait_more(50));
        writer.stop();
        promised = writer.acknowledged();
    }
    cluster.wait_replicated();
    LivenessWatch watch{cluster};
    const auto epoch = cluster.look()->epoch();
    net.cut(first);
    const int second = cluster.wait_serving(epoch);
    EXPECT_NE(second, first);
    EXPECT_FALSE(cluster.backend_lives(first));
    EXPECT_GT(cluster.node_pid(first), 0) << "only its network is gone";
    Writer writer{{cluster.backend(second)}, {.first = promised.back() + 1}};
    ASSERT_TRUE(writer.wait_more(50));
    net.heal(first);
    cluster.wait_replicated();
    ASSERT_TRUE(writer.wait_more(50));
    writer.stop();
    EXPECT_EQ(watch.stop(), 0) << "two backends at once, of " << watch.looks() << " looks";
    const auto more = writer.acknowledged();
    promised.insert(promised.end(), more.begin(), more.end());
    EXPECT_EQ(test_support::missing(promised, test_support::notes_of(cluster.backend(second))),
              Ids{});
    EXPECT_TRUE(cluster.look()->nodes.at(cluster.name(first)).set_aside.empty());
}

}  // namespace
