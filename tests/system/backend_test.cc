// Backends that fail, and one that runs where it must not.
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>

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
        // A service that detaches from its parent: PDEATHSIG does not kill it with the warden.
        cluster.options(node).command = {
            "/bin/sh",
            "-c",
            "setsid " + Cluster::notes_program() + " --database " + cluster.data(node) +
                " --listen 127.0.0.1:" + std::to_string(cluster.backend_port(node)) + " & wait"};
        cluster.start(node);
    }
    const int first = cluster.wait_serving();
    cluster.wait_replicated();
    const auto epoch = cluster.poll()->epoch();
    cluster.kill_warden(first);
    const int second = cluster.wait_serving(epoch);
    EXPECT_NE(second, first);
    ASSERT_TRUE(cluster.backend_lives(first)) << "there is nothing to stop";
    cluster.start(first);
    cluster.wait_until("the end of the old backend", [&] { return !cluster.backend_lives(first); });
    EXPECT_FALSE(test_support::http(cluster.backend_port(first), "GET", "/version"));
    cluster.wait_replicated();
    EXPECT_EQ(cluster.poll()->serving(), cluster.name(second));
}

// Contained everywhere in this test's cgroups, which the passive nodes know before their first
// start.
TEST(Backend, EachNodeSaysThatItIsContained) {
    Cluster cluster{{.nodes = 2}};
    cluster.wait_serving();
    const auto contained = model::ConditionType::backend_contained;
    cluster.wait_for("both nodes to say so", [&](const Snapshot& now) {
        return now.nodes.size() == 2 && now.condition("n1", contained) &&
               now.condition("n2", contained);
    });
}

// The node keeps a copy, and is not fit until the program is there; nobody has to restart it.
TEST(Backend, WhoseProgramIsMissingMakesTheNodeUnfitUntilItIsThere) {
    Cluster cluster{{.nodes = 2, .start = false}};
    const auto program = cluster.path(2, "service");
    cluster.options(2).command = {program,
                                  "--database",
                                  cluster.data(2),
                                  "--listen",
                                  "127.0.0.1:" + std::to_string(cluster.backend_port(2))};
    cluster.start(1);
    ASSERT_EQ(cluster.wait_serving(), 1);
    cluster.start(2);
    const auto seen = cluster.wait_for("a whole copy that is not fit", [](const Snapshot& now) {
        const auto node = now.nodes.find("n2");
        return node != now.nodes.end() && node->second.copy_complete &&
               node->second.unfit_because.starts_with("backend.process");
    });
    cluster.wait_replicated();
    EXPECT_FALSE(seen.nodes.at("n2").fit);
    EXPECT_EQ(seen.nodes.at("n2").unfit_because,
              "backend.process.command: \"" + program +
                  "\" is not there: install it, or correct the key");
    // It is noticed when it is mended, and the node may lead.
    const auto epoch = cluster.poll()->epoch();
    cluster.kill_all(1);
    std::filesystem::create_symlink(Cluster::notes_program(), program);
    EXPECT_EQ(cluster.wait_serving(epoch), 2);
    cluster.start(1);
    cluster.wait_replicated();
    cluster.wait_for("fitness", [](const Snapshot& now) { return now.nodes.at("n1").fit; });
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
    const auto epoch = cluster.poll()->epoch();
    cluster.request_switchover(bad);
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
