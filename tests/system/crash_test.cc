// Crashes of a whole node, of each of its processes, and of the store.
#include <gtest/gtest.h>
#include <signal.h>

#include <iostream>

#include "tests/support/cluster.h"
#include "tests/support/database_copy.h"
#include "tests/support/log_image.h"
#include "tests/support/processes.h"
#include "tests/support/writer.h"

namespace {

using namespace std::chrono_literals;
using test_support::Cluster;
using test_support::LivenessWatch;
using test_support::LogImage;
using test_support::Snapshot;
using test_support::Writer;
using Ids = std::vector<std::int64_t>;

/// Notes that the store acknowledged before this epoch began and a running backend lacks.
Ids lost_of_the_log(Cluster& cluster, std::uint64_t epoch, int port) {
    const LogImage log{cluster.server().url(), cluster.id()};
    const auto file = cluster.directory() + "/log-image.db";
    log.write(log.start_of(epoch), file);
    const auto stored = test_support::notes_in(file);
    EXPECT_FALSE(stored.empty());
    return test_support::missing(Ids(stored.begin(), stored.end()), test_support::notes_of(port));
}

/// Each other node's copy comes to hold all that the primary acknowledged.
void expect_copied(Cluster& cluster, int primary, Writer& writer) {
    cluster.wait_replicated();
    for (int node = 1; node <= cluster.size(); ++node) {
        if (node == primary) continue;
        EXPECT_EQ(test_support::missing(writer.acknowledged(),
                                        test_support::notes_in(cluster.replica(node))),
                  Ids{});
    }
}

// defects.md C13, C39, M01
TEST(Crash, OfAWholeNodeLetsAnotherServeAllThatTheStoreAcknowledged) {
    Cluster cluster;
    const int first = cluster.wait_serving();
    Writer writer{cluster.backend_ports()};
    ASSERT_TRUE(writer.wait_more(200));
    cluster.wait_replicated();
    LivenessWatch watch{cluster};
    const auto epoch = cluster.poll()->epoch();
    writer.reset_gap();
    cluster.kill_all(first);
    const int second = cluster.wait_serving(epoch);
    ASSERT_TRUE(writer.wait_more(100));
    EXPECT_NE(second, first);
    const auto gap = writer.gap();
    writer.stop();
    EXPECT_EQ(watch.stop(), 0) << "two backends at once, of " << watch.polls() << " polls";

    const auto present = test_support::notes_of(cluster.backend_port(second));
    EXPECT_EQ(lost_of_the_log(cluster, epoch + 1, cluster.backend_port(second)), Ids{});
    std::cout << "gap " << gap.count() << " ms; acknowledged by the dead backend alone: "
              << test_support::missing(writer.acknowledged(), present).size() << " notes\n";

    // The crashed node comes back as a passive node with the same data.
    cluster.start(first);
    cluster.wait_replicated();
    EXPECT_EQ(test_support::pages_of(cluster.replica(first)),
              test_support::pages_of(cluster.data(second)));
}

TEST(Crash, OfTheWardenTakesItsProcessesAlongAndTheNextOneGoesOn) {
    Cluster cluster;
    const int primary = cluster.wait_serving();
    Writer writer{cluster.backend_ports()};
    ASSERT_TRUE(writer.wait_more(100));
    writer.stop();
    cluster.wait_replicated();
    LivenessWatch watch{cluster};
    const auto epoch = cluster.poll()->epoch();
    const auto node = cluster.node_pid(primary);
    const auto backend = cluster.backend_pid(primary);
    ASSERT_NE(node, 0);
    ASSERT_NE(backend, 0);
    cluster.kill_warden(primary);
    cluster.wait_until("the death of node process and backend",
                       [&] { return !test_support::lives(node) && !test_support::lives(backend); });
    cluster.start(primary);
    const int now = cluster.wait_serving(epoch);
    EXPECT_EQ(test_support::missing(writer.acknowledged(),
                                    test_support::notes_of(cluster.backend_port(now))),
              Ids{});
    EXPECT_EQ(watch.stop(), 0);
    cluster.wait_replicated();
}

// defects.md C36, G04
TEST(Crash, OfTheNodeProcessIsNoticedByNoClient) {
    Cluster cluster;
    const int primary = cluster.wait_serving();
    Writer writer{{cluster.backend_port(primary)}};
    ASSERT_TRUE(writer.wait_more(100));
    const auto backend = cluster.backend_pid(primary);
    auto epoch = cluster.poll()->epoch();
    writer.reset_gap();
    for (int round = 0; round < 3; ++round) {
        const auto node = cluster.node_pid(primary);
        ASSERT_NE(node, 0);
        ::kill(node, SIGKILL);
        EXPECT_EQ(cluster.wait_serving(epoch), primary);
        epoch = cluster.poll()->epoch();
        ASSERT_TRUE(writer.wait_more(50));
    }
    const auto gap = writer.gap();
    writer.stop();
    EXPECT_EQ(writer.failures(), 0);
    EXPECT_EQ(cluster.backend_pid(primary), backend);
    std::cout << "longest gap over three adoptions " << gap.count() << " ms\n";
    expect_copied(cluster, primary, writer);
}

// defects.md C22, M13
TEST(Crash, OfTheBackendStartsItAgainWithoutAFailover) {
    Cluster cluster;
    const int primary = cluster.wait_serving();
    const auto before = *cluster.poll();
    const auto backend = cluster.backend_pid(primary);
    ASSERT_NE(backend, 0);
    Writer writer{{cluster.backend_port(primary)}};
    ASSERT_TRUE(writer.wait_more(50));
    writer.reset_gap();
    ::kill(backend, SIGKILL);
    ASSERT_TRUE(writer.wait_more(50));
    const auto gap = writer.gap();
    writer.stop();
    EXPECT_NE(cluster.backend_pid(primary), backend);
    EXPECT_EQ(cluster.wait_serving(), primary);
    EXPECT_EQ(cluster.poll()->epoch(), before.epoch());
    std::cout << "gap " << gap.count() << " ms\n";
    cluster.wait_replicated();
    EXPECT_EQ(test_support::missing(writer.acknowledged(),
                                    test_support::notes_of(cluster.backend_port(primary))),
              Ids{});
}

// defects.md G07, M06
TEST(Crash, OfTheStoreForLessThanALeaseChangesNothing) {
    Cluster cluster{{.ttl_ms = 5'000}};
    const int primary = cluster.wait_serving();
    Writer writer{{cluster.backend_port(primary)}};
    ASSERT_TRUE(writer.wait_more(100));
    const auto backend = cluster.backend_pid(primary);
    writer.reset_gap();
    cluster.server().stop();
    ASSERT_TRUE(writer.wait_more(50));
    cluster.server().start();
    cluster.wait_replicated();
    ASSERT_TRUE(writer.wait_more(50));
    writer.stop();
    EXPECT_EQ(writer.failures(), 0);
    EXPECT_EQ(cluster.wait_serving(), primary);
    EXPECT_EQ(cluster.backend_pid(primary), backend);
    expect_copied(cluster, primary, writer);
}

// defects.md C37, C02, G01
TEST(Crash, OfTheStoreForLongEndsTheLeaseAndLosesNothingThatTheLeaderTook) {
    Cluster cluster;
    const int primary = cluster.wait_serving();
    Writer writer{{cluster.backend_port(primary)}};
    ASSERT_TRUE(writer.wait_more(100));
    cluster.wait_replicated();
    const auto epoch = cluster.poll()->epoch();
    cluster.server().stop();
    // It accepts notes as long as its lease lasts, and no longer.
    cluster.wait_until("the end of the backend", [&] { return !cluster.backend_lives(primary); });
    cluster.server().start();
    const int now = cluster.wait_serving(epoch);
    EXPECT_EQ(now, primary);
    ASSERT_TRUE(writer.wait_more(50));
    writer.stop();
    const auto present = test_support::notes_of(cluster.backend_port(now));
    EXPECT_EQ(test_support::missing(writer.acknowledged(), present), Ids{});
    std::cout << "notes taken in all: " << writer.acknowledged().size() << '\n';
    cluster.wait_replicated();
}

}  // namespace
