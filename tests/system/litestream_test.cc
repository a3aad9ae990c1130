// A real Litestream restores, over NATS, the bucket of a cluster that went through failovers:
// markers, opened records and our other objects must not disturb it.
#include "tests/support/litestream.h"

#include <gtest/gtest.h>

#include <iostream>
#include <string>
#include <vector>

#include "tests/support/cluster.h"
#include "tests/support/database_copy.h"
#include "tests/support/log_image.h"
#include "tests/support/writer.h"

namespace {

using test_support::Cluster;
using test_support::Writer;

TEST(RealLitestream, RestoresTheBucketOfAClusterThatFailedOver) {
    std::vector<std::string> versions;
    for (const std::string version :
         {test_support::litestream_oldest, test_support::litestream_newest}) {
        if (test_support::litestream(version).empty()) {
            std::cout << test_support::no_litestream(version) << '\n';
        } else {
            versions.push_back(version);
        }
    }
    if (versions.empty()) {
        GTEST_SKIP() << test_support::no_litestream(test_support::litestream_newest);
    }
    Cluster cluster;
    int primary = cluster.wait_serving();
    Writer writer{cluster.backend_ports(), {.body = 700}};
    ASSERT_TRUE(writer.wait_more(50));
    cluster.wait_replicated();
    // Each iteration makes a new tenure.
    for (const bool crash : {true, false}) {
        const auto epoch = cluster.poll()->epoch();
        if (crash) {
            cluster.kill_all(primary);
        } else {
            cluster.request_switchover(primary % cluster.size() + 1);
        }
        const int next = cluster.wait_serving(epoch);
        if (crash) cluster.start(primary);
        primary = next;
        ASSERT_TRUE(writer.wait_more(50));
        cluster.wait_replicated();
    }
    writer.stop();
    cluster.wait_replicated();

    const test_support::LogImage log{cluster.server().url(), cluster.id()};
    EXPECT_GE(log.last().value, 20U);
    EXPECT_GE(cluster.poll()->epoch(), 3U);
    const auto truth = test_support::pages_of(cluster.data(primary));
    const auto notes = test_support::notes_of(cluster.backend_port(primary));
    // A crash may lose notes that were not shipped yet; all later ones are there.
    EXPECT_TRUE(notes.contains(writer.acknowledged().back()));
    for (const auto& version : versions) {
        const auto into = cluster.directory() + "/restored-" + version;
        const auto restored = test_support::restore_with_litestream(
            version, cluster.server().url() + "/convex-" + cluster.id() + "-wal", into);
        ASSERT_EQ(restored.status, 0) << version << ": " << restored.output;
        EXPECT_TRUE(test_support::pages_of(into) == truth) << version;
        EXPECT_EQ(test_support::notes_in(into), notes) << version;
        EXPECT_EQ(test_support::integrity_of(into), "ok") << version;
    }
}

}  // namespace
