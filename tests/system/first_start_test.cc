// Three nodes that have nothing: who makes the database, and what the others have of it.
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
        // Its backend never ran here: nobody else made a database.
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

}  // namespace
