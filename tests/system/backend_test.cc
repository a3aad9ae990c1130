// Backends that fail, and one that runs where it should not.
#include <gtest/gtest.h>
#include <signal.h>

#include "tests/support/cluster.h"
#include "tests/support/database_copy.h"
#include "tests/support/writer.h"

namespace {

using namespace std::chrono_literals;
using test_support::Cluster;
using test_support::Snapshot;
using test_support::Writer;
using Ids = std::vector<std::int64_t>;

// defects.md C10
TEST(Backend, FoundRunningOnANodeThatIsPassiveIsKilled) {
    Cluster cluster{{.start = false}};
    for (int node = 1; node <= cluster.size(); ++node) {
        // A service that leaves its parent: nothing of the kernel's ends it with the warden.
        cluster.options(node).command = {
            "/bin/sh",
            "-c",
            "setsid " + Cluster::notes_program() + " --database " + cluster.data(node) +
                " --listen 127.0.0.1:" + std::to_string(cluster.backend_port(node)) + " & wait"};
        cluster.start(node);
    }
    const int first = cluster.wait_serving();
    cluster.wait_replicated();
    const auto epoch = cluster.look()->epoch();
    cluster.kill_warden(first);
    const int second = cluster.wait_serving(epoch);
    EXPECT_NE(second, first);
    ASSERT_TRUE(cluster.backend_lives(first)) << "there is nothing to stop";
    cluster.start(first);
    cluster.wait_until("the end of the old backend", [&] { return !cluster.backend_lives(first); });
    EXPECT_FALSE(test_support::http(cluster.backend_port(first), "GET", "/version"));
    cluster.wait_replicated();
    EXPECT_EQ(cluster.look()->serving(), cluster.name(second));
}

class FailingBackend : public testing::TestWithParam<std::vector<std::string>> {};

// defects.md C12, M09, M13
TEST_P(FailingBackend, IsHandedOverToANodeWhereItWorks) {
    Cluster cluster{{.nodes = 2}};
    const int good = cluster.wait_serving();
    const int bad = 3 - good;
    Writer writer{{cluster.backend_port(good)}};
    ASSERT_TRUE(writer.wait_more(50));
    writer.stop();
    cluster.wait_replicated();
    ASSERT_EQ(cluster.stop(bad), 0);
    cluster.options(bad).command = GetParam();
    cluster.options(bad).start_timeout_ms = 1'500;
    cluster.start(bad);
    cluster.wait_replicated();
    const auto epoch = cluster.look()->epoch();
    cluster.wish_switchover(bad);
    cluster.wait_for("the lease with the node whose backend fails", [&](const Snapshot& now) {
        return now.lease && now.lease->node_id == cluster.name(bad);
    });
    EXPECT_EQ(cluster.wait_serving(epoch + 1), good);
    EXPECT_EQ(test_support::missing(writer.acknowledged(),
                                    test_support::notes_of(cluster.backend_port(good))),
              Ids{});
}

INSTANTIATE_TEST_SUITE_P(Backend,
                         FailingBackend,
                         testing::Values(std::vector<std::string>{"/bin/false"},
                                         std::vector<std::string>{"/bin/sleep", "600"}),
                         [](const auto& parameter) {
                             return parameter.param.front() == "/bin/false" ? "ThatEndsAtOnce"
                                                                            : "ThatNeverAnswers";
                         });

}  // namespace
