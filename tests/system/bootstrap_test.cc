// The first copy of a database that existed before the cluster.
#include <gtest/gtest.h>

#include <chrono>
#include <iostream>

#include "tests/support/cluster.h"
#include "tests/support/database_copy.h"
#include "tests/support/writer.h"

namespace {

using namespace std::chrono_literals;
using test_support::Cluster;
using test_support::Snapshot;
using test_support::Writer;
using Ids = std::vector<std::int64_t>;

constexpr int rows = 50'000;
constexpr int row_size = 2'000;

// defects.md C38, C39
TEST(Bootstrap, ANodeWithoutAWholeCopyNeverLeadsAndALargeOneComesToItsEnd) {
    Cluster cluster{{.nodes = 2, .start = false}};
    test_support::create_notes(cluster.data(1), rows, row_size);
    cluster.start(1);
    cluster.start(2);
    cluster.wait_until("the first image to be on its way", [&] {
        return cluster.log(1).find("snapshot.started") != std::string::npos;
    });
    cluster.kill_all(1);
    ASSERT_EQ(cluster.log(1).find("snapshot.published"), std::string::npos) << "too late";
    const auto before = cluster.wait_for(
        "a status of n2", [](const Snapshot& now) { return now.nodes.contains("n2"); });
    ASSERT_FALSE(before.nodes.at("n2").copy_complete);

    // Three times a candidate's wait.
    const auto after =
        cluster.wait_for("n2 to have seen the lease's end for long", [&](const Snapshot& now) {
            return now.nodes.at("n2").uptime_ms > before.nodes.at("n2").uptime_ms + 8'000;
        });
    EXPECT_EQ(after.epoch(), before.epoch());
    EXPECT_EQ(cluster.log(2).find("backend.starting"), std::string::npos);

    cluster.start(1);
    ASSERT_EQ(cluster.wait_serving(before.epoch()), 1);
    Writer writer{{cluster.backend_port(1)}, {.first = rows + 1}};
    const auto begun = std::chrono::steady_clock::now();
    cluster.wait_for(
        "a whole copy on n2",
        [](const Snapshot& now) { return now.nodes.at("n2").copy_complete; },
        60s);
    const auto took = std::chrono::steady_clock::now() - begun;
    ASSERT_TRUE(writer.wait_more(20));
    writer.stop();
    cluster.wait_replicated();
    EXPECT_TRUE(test_support::pages_of(cluster.replica(2)) ==
                test_support::pages_of(cluster.data(1)));
    std::cout << "first copy of " << rows * row_size / 1'000'000 << " MB within "
              << std::chrono::duration_cast<std::chrono::milliseconds>(took).count() << " ms\n";

    // From here on the node may lead, with all the data.
    cluster.kill_all(1);
    ASSERT_EQ(cluster.wait_serving(before.epoch() + 1), 2);
    EXPECT_EQ(test_support::missing(writer.acknowledged(),
                                    test_support::notes_of(cluster.backend_port(2))),
              Ids{});
}

}  // namespace
