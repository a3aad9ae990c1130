// Planned switchovers: nothing is lost, and no node waits for a lease to end.
#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>

#include "tests/support/cluster.h"
#include "tests/support/database_copy.h"
#include "tests/support/writer.h"

namespace {

using namespace std::chrono_literals;
using test_support::Cluster;
using test_support::LivenessWatch;
using test_support::Snapshot;
using test_support::Writer;
using Ids = std::vector<std::int64_t>;

void switch_over_under_load(int rounds) {
    Cluster cluster;
    int primary = cluster.wait_serving();
    Writer writer{cluster.backend_ports()};
    ASSERT_TRUE(writer.wait_more(50));
    cluster.wait_replicated();
    LivenessWatch watch{cluster};
    std::vector<std::int64_t> gaps;
    for (int round = 0; round < rounds; ++round) {
        const int to = primary % cluster.size() + 1;
        const auto epoch = cluster.poll()->epoch();
        cluster.wait_for(
            "a whole copy of this tenure on " + cluster.name(to), [&](const Snapshot& now) {
                const auto& there = now.nodes.at(cluster.name(to));
                const auto& here = now.nodes.at(cluster.name(primary));
                return there.copy_complete && there.position.tenure == here.position.tenure;
            });
        writer.reset_gap();
        cluster.request_switchover(to);
        ASSERT_EQ(cluster.wait_serving(epoch), to) << "round " << round;
        ASSERT_TRUE(writer.wait_more(20));
        gaps.push_back(writer.gap().count());
        primary = to;
    }
    writer.stop();
    EXPECT_EQ(watch.stop(), 0) << "two backends at once, of " << watch.polls() << " polls";
    cluster.wait_replicated();
    const auto acknowledged = writer.acknowledged();
    const auto truth = test_support::pages_of(cluster.data(primary));
    for (int node = 1; node <= cluster.size(); ++node) {
        const auto file = node == primary ? cluster.data(node) : cluster.replica(node);
        EXPECT_EQ(test_support::missing(acknowledged, test_support::notes_in(file)), Ids{});
        EXPECT_TRUE(test_support::pages_of(file) == truth) << cluster.name(node);
        EXPECT_EQ(test_support::integrity_of(file), "ok");
    }
    const auto last = *cluster.poll();
    for (const auto& [id, status] : last.nodes)
        EXPECT_TRUE(status.set_aside.empty()) << id << " set aside " << status.set_aside.front();
    std::sort(gaps.begin(), gaps.end());
    std::cout << acknowledged.size() << " notes; gap p50 " << gaps[gaps.size() / 2]
              << " ms, longest " << gaps.back() << " ms\n";
}

// defects.md C04, C05, C06, C24, C35
TEST(Switchover, FiveInARowUnderLoadLoseNothing) { switch_over_under_load(5); }
TEST(Switchover, TwentyInARowUnderLoadLoseNothing) { switch_over_under_load(20); }

// A tenure without commits leaves no data to set aside.
TEST(Switchover, OfAQuietServiceSetsNothingAside) {
    Cluster cluster;
    int primary = cluster.wait_serving();
    {
        Writer writer{cluster.backend_ports()};
        ASSERT_TRUE(writer.wait_more(20));
    }
    cluster.wait_replicated();
    for (int round = 0; round < 4; ++round) {
        const int to = primary % cluster.size() + 1;
        const auto epoch = cluster.poll()->epoch();
        cluster.request_switchover(to);
        ASSERT_EQ(cluster.wait_serving(epoch), to) << "round " << round;
        cluster.wait_replicated();
        primary = to;
    }
    const auto last = *cluster.poll();
    for (const auto& [id, status] : last.nodes)
        EXPECT_TRUE(status.set_aside.empty()) << id << " set aside " << status.set_aside.front();
}

// defects.md C04, C35, G03
TEST(Switchover, AShutDownHandsOverWithoutWaitingForTheLease) {
    Cluster cluster{{.ttl_ms = 8'000}};
    const int first = cluster.wait_serving();
    Writer writer{cluster.backend_ports()};
    ASSERT_TRUE(writer.wait_more(50));
    cluster.wait_replicated();
    LivenessWatch watch{cluster};
    const auto epoch = cluster.poll()->epoch();
    writer.reset_gap();
    EXPECT_EQ(cluster.stop(first), 0);
    const int second = cluster.wait_serving(epoch);
    EXPECT_NE(second, first);
    ASSERT_TRUE(writer.wait_more(20));
    const auto gap = writer.gap();
    writer.stop();
    EXPECT_EQ(watch.stop(), 0);
    EXPECT_LT(gap, 8'000ms);
    EXPECT_EQ(test_support::missing(writer.acknowledged(),
                                    test_support::notes_of(cluster.backend_port(second))),
              Ids{});
    std::cout << "gap " << gap.count() << " ms\n";

    // And back again: the stopped node's data is an ancestor, so it needs no download.
    cluster.start(first);
    cluster.wait_replicated();
    EXPECT_EQ(cluster.poll()->nodes.at(cluster.name(first)).set_aside, std::vector<std::string>{});
    EXPECT_TRUE(test_support::pages_of(cluster.replica(first)) ==
                test_support::pages_of(cluster.data(second)));
}

}  // namespace
