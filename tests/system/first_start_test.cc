// Three nodes without data: one creates the database, and the others copy it.
#include <gtest/gtest.h>

#include "tests/support/cluster.h"
#include "tests/support/database_copy.h"
#include "tests/support/writer.h"

namespace {

using test_support::Cluster;
using test_support::Snapshot;
using test_support::Writer;

int count_of(const std::string& text, const std::string& word) {
    int count = 0;
    for (auto at = text.find(word); at != std::string::npos; at = text.find(word, at + 1))
        ++count;
    return count;
}

// defects.md C39
TEST(FirstStart, OneBackendMakesTheOneDatabaseAndItIsConvertedAndCopied) {
    Cluster cluster;
    const int primary = cluster.wait_serving();
    Writer writer{cluster.backend_ports()};
    ASSERT_TRUE(writer.wait_more(200));
    writer.stop();
    cluster.wait_replicated();

    int converted = 0;
    for (int node = 1; node <= cluster.size(); ++node) {
        converted += count_of(cluster.log(node), "database.converted");
        if (node == primary) continue;
        // Its backend never ran here, so only one node created a database.
        EXPECT_EQ(count_of(cluster.log(node), "backend.starting"), 0);
        EXPECT_THROW((void)test_support::pages_of(cluster.data(node)), std::runtime_error);
        EXPECT_EQ(test_support::pages_of(cluster.replica(node)),
                  test_support::pages_of(cluster.data(primary)));
        EXPECT_EQ(test_support::missing(writer.acknowledged(),
                                        test_support::notes_in(cluster.replica(node))),
                  std::vector<std::int64_t>{});
    }
    EXPECT_EQ(converted, 1);
}

// defects.md C39; rule D10
TEST(FirstStart, AnEmptyNodeThatWasFirstGivesWayToTheOneThatHasADatabase) {
    Cluster cluster{{.nodes = 2, .ttl_ms = 6'000, .start = false}};
    test_support::create_notes(cluster.data(1), 500, 100);
    cluster.start(2);
    cluster.wait_for("the lease with the empty node",
                     [](const Snapshot& now) { return now.lease && now.lease->node_id == "n2"; });
    cluster.start(1);
    ASSERT_EQ(cluster.wait_serving(), 1);
    EXPECT_EQ(test_support::notes_of(cluster.backend_port(1)).size(), 500U);
    EXPECT_EQ(count_of(cluster.log(2), "backend.starting"), 0);
    cluster.wait_replicated();
    const auto now = *cluster.poll();
    for (const auto& [id, status] : now.nodes)
        EXPECT_TRUE(status.set_aside.empty()) << id;
    EXPECT_TRUE(test_support::pages_of(cluster.replica(2)) ==
                test_support::pages_of(cluster.data(1)));
}

}  // namespace
