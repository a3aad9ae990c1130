// The commands as users and scripts see them: texts on stdout, reasons on stderr, exit statuses.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>
#include <optional>

#include "tests/adapters/nats/client.h"
#include "tests/support/cluster.h"
#include "tests/support/eventually.h"
#include "tests/support/processes.h"

namespace {

using test_support::Cluster;
using ::testing::HasSubstr;
using ::testing::Not;

/// A running command, with stdout and stderr apart.
class Typed {
public:
    /// verb_and_flags  the arguments before `-c <config>`
    Typed(const std::string& config, const std::vector<std::string>& verb_and_flags)
        : outputs_{directory_.path() + "/run"} {
        std::vector<std::string> command{
            "/bin/sh", "-c", R"(exec "$@" >"$0.out" 2>"$0.err")", outputs_};
        const auto daemon = Cluster::daemon(config);
        command.push_back(daemon.front());
        command.insert(command.end(), verb_and_flags.begin(), verb_and_flags.end());
        command.insert(command.end(), daemon.begin() + 2, daemon.end());
        pid_ = test_support::spawn(
            command, {"RUNTIME_DIRECTORY=" + directory_.path()}, outputs_ + ".log");
    }
    /// Its exit status; -1: timed out.
    int end() {
        std::optional<int> status;
        const bool ended = test_support::eventually(
            [&] {
                status = test_support::reap(pid_);
                return status.has_value();
            },
            std::chrono::seconds{40});
        EXPECT_TRUE(ended) << out() << err();
        return status.value_or(-1);
    }
    [[nodiscard]] std::string out() const { return test_support::read_text(outputs_ + ".out"); }
    [[nodiscard]] std::string err() const { return test_support::read_text(outputs_ + ".err"); }
    [[nodiscard]] pid_t pid() const { return pid_; }

private:
    test_support::TempDir directory_;
    std::string outputs_;
    pid_t pid_ = 0;
};

/// Configuration of a node whose daemon never ran.
std::string write_config(const std::string& directory, const std::string& url) {
    const auto path = directory + "/cluster.json";
    std::ofstream{path} << R"({"clusterId": "c", "nodeId": "n1", "nats": {"servers": [")" << url
                        << R"("]}, "stateDir": ")" << directory
                        << R"(/state", "api": {"listen": "127.0.0.1:)" << test_support::free_port()
                        << R"("}, "metrics": {"listen": "127.0.0.1:)" << test_support::free_port()
                        << R"("}, "wal": {"replicaPath": ")" << directory
                        << R"(/copy"}, "backend": {"dataPath": ")" << directory
                        << R"(/db", "process": {"command": ["/bin/true"]}}})";
    return path;
}

// contracts.md 1.2: a command that only reads creates neither bucket nor stream.
TEST(CommandLine, OnAnEmptyStoreFindsNothingAndMakesNothing) {
    const test_support::NatsServer server;
    const test_support::TempDir directory;
    const auto config = write_config(directory.path(), server.url());
    const struct {
        const char* verb;
        int status;
        const char* text;
    } cases[] = {{"status", 3, "Leader:      (none)\n"},
                 {"list", 0, "No node is a member of this cluster yet.\n"},
                 {"demote", 0, "No leader currently exists in the cluster\n"},
                 {"promote", 3, "the daemon of n1 does not answer"},
                 {"leave", 1, "no node \"n1\" is a member of this cluster"},
                 {"join", 0, "No snapshots available yet."}};
    for (const auto& [verb, status, text] : cases) {
        Typed run{config, {verb}};
        EXPECT_EQ(run.end(), status) << verb << ": " << run.err();
        EXPECT_THAT(run.out() + run.err(), HasSubstr(text));
    }
    const auto client = adapters::nats::connected_client(server.url());
    EXPECT_THAT(adapters::nats::ask(*client, "$JS.API.STREAM.NAMES"), HasSubstr("\"total\":0"));
}

TEST(CommandLine, OfTheDaemonSaysOnStdoutWhatItDoes) {
    const test_support::TempDir directory;
    Typed run{write_config(directory.path(), "nats://127.0.0.1:1"), {"daemon"}};
    const std::string started =
        "Starting convex-cluster-manager daemon...\n"
        "✓ Daemon started. Node n1 of cluster c\n";
    ASSERT_TRUE(test_support::eventually([&] { return run.out() == started; })) << run.err();
    ASSERT_EQ(::kill(run.pid(), SIGTERM), 0);
    EXPECT_EQ(run.end(), 0) << run.err();
    EXPECT_EQ(run.out(), started + "✓ Daemon stopped\n");
    EXPECT_THAT(run.err(), Not(HasSubstr("✓")));
}

// Every user can read a command line in /proc and `ps`.
TEST(CommandLine, OfNoProcessThatStaysHasALoginInIt) {
    const test_support::NatsServer server{R"(authorization { user: "us@er", password: "geheim" })"};
    const test_support::TempDir directory;
    Typed run{
        write_config(directory.path(), "nats://127.0.0.1:1"),
        {"daemon", "--nats", "nats://us%40er:geheim@127.0.0.1:" + std::to_string(server.port())}};
    ASSERT_TRUE(test_support::eventually([&] {
        return run.err().find("nats.connected") != std::string::npos;
    })) << run.err();
    auto processes = test_support::children(run.pid());
    EXPECT_FALSE(processes.empty());
    processes.push_back(run.pid());
    for (const auto pid : processes)
        EXPECT_THAT(test_support::command_line(pid), Not(HasSubstr("geheim")));
    ASSERT_EQ(::kill(run.pid(), SIGTERM), 0);
    EXPECT_EQ(run.end(), 0) << run.err();
    EXPECT_THAT(run.out() + run.err(), Not(HasSubstr("geheim")));
}

// Such a node reported nothing, and never led.
TEST(CommandLine, OfANodeThatMayNotPublishItsStatusSaysWhichRightIsMissing) {
    const test_support::NatsServer server{
        "authorization { users: [{ user: n, password: p, permissions: "
        "{ publish: { deny: [\"$KV.convex-c-state.>\"] } } }] }"};
    const test_support::TempDir directory;
    const auto config =
        write_config(directory.path(), "nats://n:p@127.0.0.1:" + std::to_string(server.port()));
    Typed daemon{config, {"daemon"}};
    const std::string subject = "$KV.convex-c-state.nodes.n1";
    ASSERT_TRUE(test_support::eventually(
        [&] {
            const auto log = daemon.err();
            const auto told = log.find("membership.write_failed");
            return told != std::string::npos && log.find(subject, told) != std::string::npos;
        },
        std::chrono::seconds{30}))
        << daemon.err();
    Typed status{config, {"status"}};
    EXPECT_EQ(status.end(), 0) << status.err();
    EXPECT_THAT(status.out(), HasSubstr("No leader:   n1: the node id cannot be claimed: "));
    EXPECT_THAT(status.out(), HasSubstr(subject));
    ASSERT_EQ(::kill(daemon.pid(), SIGTERM), 0);
    EXPECT_EQ(daemon.end(), 0) << daemon.err();
}

// A first start finds no bucket, as expected: that is no reason for a warning.
TEST(CommandLine, OfAFirstStartWarnsOfNoBucket) {
    const test_support::NatsServer server;
    const test_support::TempDir directory;
    Typed daemon{write_config(directory.path(), server.url()), {"daemon"}};
    ASSERT_TRUE(test_support::eventually(
        [&] { return daemon.err().find("membership.claimed") != std::string::npos; },
        std::chrono::seconds{40}))
        << daemon.err();
    ASSERT_EQ(::kill(daemon.pid(), SIGTERM), 0);
    EXPECT_EQ(daemon.end(), 0) << daemon.err();
    EXPECT_THAT(daemon.err(), Not(testing::ContainsRegex("(warning|error) +bucket\\.")));
}

/// Two nodes, and the number of the leader.
class CommandLineOfACluster : public testing::Test {
protected:
    void SetUp() override {
        leader_ = cluster_.wait_serving();
        other_ = 3 - leader_;
        cluster_.wait_replicated();
        for (int node = 1; node <= 2; ++node)
            config_.push_back(cluster_.write_config(node));
    }
    [[nodiscard]] const std::string& config(int node) const {
        return config_.at(static_cast<std::size_t>(node - 1));
    }

    Cluster cluster_{{.nodes = 2}};
    int leader_ = 0;
    int other_ = 0;
    std::vector<std::string> config_;
};

TEST_F(CommandLineOfACluster, PromoteRightAfterDemoteWaitsAndLeads) {
    Typed demote{config(leader_), {"demote"}};
    EXPECT_EQ(demote.end(), 0) << demote.err();
    EXPECT_THAT(demote.out(), HasSubstr("✓ Successfully demoted from leader\n"));
    Typed promote{config(leader_), {"promote"}};
    EXPECT_EQ(promote.end(), 0) << promote.err();
    EXPECT_THAT(promote.out(), HasSubstr("✓ Successfully promoted to leader\n"));
    EXPECT_EQ(cluster_.wait_serving(), leader_);
}

TEST_F(CommandLineOfACluster, PromoteAfterTheLeaderWasKilledLeadsWhenItsLeaseIsOver) {
    cluster_.kill_all(leader_);
    Typed of_the_dead{config(leader_), {"promote"}};
    Typed promote{config(other_), {"promote"}};
    EXPECT_EQ(promote.end(), 0) << promote.err();
    EXPECT_THAT(promote.err(), HasSubstr("does not answer; " + cluster_.name(other_)));
    EXPECT_EQ(of_the_dead.end(), 3);
    EXPECT_THAT(of_the_dead.out(), Not(HasSubstr("Successfully")));
    EXPECT_EQ(cluster_.wait_serving(), other_);
}

// What was seen: success after 92 ms, for a node whose program does not exist.
TEST_F(CommandLineOfACluster, PromoteToANodeWhoseBackendNeverAnswersIsNoSuccess) {
    ASSERT_EQ(cluster_.stop(other_), 0);
    cluster_.options(other_).command = {"/nowhere/backend"};
    cluster_.start(other_);
    cluster_.wait_replicated();
    Typed missing{config(other_), {"promote", "--timeout", "20"}};
    EXPECT_EQ(missing.end(), 3);
    EXPECT_THAT(missing.out(), Not(HasSubstr("Successfully")));
    EXPECT_THAT(missing.err(), HasSubstr("Error: "));
    EXPECT_EQ(cluster_.wait_serving(), leader_);

    // One that can be started, and serves nobody.
    ASSERT_EQ(cluster_.stop(other_), 0);
    cluster_.options(other_).command = {"/bin/sleep", "1000"};
    cluster_.start(other_);
    cluster_.wait_replicated();
    Typed silent{config(other_), {"promote", "--timeout", "5"}};
    EXPECT_EQ(silent.end(), 3);
    EXPECT_THAT(silent.out(), Not(HasSubstr("Successfully")));
    const auto id = cluster_.name(other_);
    EXPECT_THAT(silent.err(),
                HasSubstr("the time is over; the request was withdrawn; a hand-over that had begun "
                          "goes on; " +
                          id +
                          " has the lease, and its backend does not answer; the BackendReady "
                          "of " +
                          id + " says: "));
}

// All members of the cluster are lost but one, which its own configuration keeps from leading.
TEST_F(CommandLineOfACluster, FailoverMakesTheLastNodeLeadAndRemoveForgetsTheDead) {
    ASSERT_EQ(cluster_.stop(other_), 0);
    cluster_.options(other_).nofailover = true;
    cluster_.start(other_);
    cluster_.wait_replicated();
    const auto dead = cluster_.name(leader_);
    Typed refused{config(other_), {"failover", "--force", "--yes"}};
    EXPECT_EQ(refused.end(), 3);
    EXPECT_THAT(refused.err(), HasSubstr(dead + " leads, and its daemon answers"));
    Typed living{config(other_), {"remove", dead}};
    EXPECT_EQ(living.end(), 3);

    const auto record = cluster_.poll()->lease;
    cluster_.kill_all(leader_);
    Typed unasked{config(other_), {"failover", "--force"}};
    EXPECT_EQ(unasked.end(), 2) << unasked.err();
    EXPECT_THAT(unasked.err(), HasSubstr("--yes"));
    Typed leads{config(other_), {"remove", dead}};
    EXPECT_EQ(leads.end(), 3);
    EXPECT_THAT(leads.err(), HasSubstr(dead + " leads, by the record"));
    // Three times the wait of a candidate.
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds{8};
    cluster_.wait_until("the end of eight seconds",
                        [&] { return std::chrono::steady_clock::now() >= until; });
    EXPECT_EQ(cluster_.poll()->lease->epoch, record->epoch);

    Typed failover{config(other_), {"failover", "--force", "--yes"}};
    EXPECT_EQ(failover.end(), 0) << failover.err();
    EXPECT_THAT(failover.out(), HasSubstr(dead + " was primary: "));
    EXPECT_THAT(failover.out(), HasSubstr("✓ Successfully promoted to leader\n"));
    EXPECT_EQ(cluster_.wait_serving(), other_);
    Typed remove{config(other_), {"remove", dead}};
    EXPECT_EQ(remove.end(), 0) << remove.err();
    EXPECT_FALSE(cluster_.poll()->nodes.contains(dead));
    // Should it come back after all, it idles.
    cluster_.start(leader_);
    cluster_.wait_until("the removed node to idle", [&] {
        return cluster_.log(leader_).find("membership.left") != std::string::npos;
    });
    EXPECT_EQ(cluster_.wait_serving(), other_);
}

TEST_F(CommandLineOfACluster, PauseHoldsTheFailoverAndNotTheFence) {
    Typed pause{config(other_), {"pause"}};
    EXPECT_EQ(pause.end(), 0) << pause.err();
    cluster_.wait_until("both nodes to have heard of it", [&] {
        Typed status{config(other_), {"list"}};
        return status.end() == 0 && status.out().find("is paused") != std::string::npos;
    });
    const auto epoch = cluster_.poll()->epoch();
    cluster_.server().stop();
    cluster_.wait_until("the end of the leader's backend",
                        [&] { return !cluster_.backend_lives(leader_); });
    cluster_.server().start();
    // The last holder alone may go on.
    EXPECT_EQ(cluster_.wait_serving(epoch), leader_);
    Typed promote{config(other_), {"promote"}};
    EXPECT_EQ(promote.end(), 3);
    EXPECT_THAT(promote.err(), HasSubstr("paused"));
    Typed resume{config(other_), {"resume"}};
    EXPECT_EQ(resume.end(), 0) << resume.err();
    Typed after{config(other_), {"promote"}};
    EXPECT_EQ(after.end(), 0) << after.err();
}

TEST_F(CommandLineOfACluster, LeaveIsSeenInTheStatusAndTakenBackByJoin) {
    Typed leave{config(other_), {"leave"}};
    EXPECT_EQ(leave.end(), 0) << leave.err();
    EXPECT_THAT(leave.out(), HasSubstr("✓ Successfully left cluster\n"));
    Typed status{config(other_), {"status"}};
    EXPECT_EQ(status.end(), 3);
    EXPECT_THAT(status.out(), HasSubstr("Role:        UNKNOWN (this node left the cluster)\n"));
    EXPECT_THAT(status.err(), Not(HasSubstr("may not be running")));
    Typed unknown{config(other_), {"leave", "--node-id", "unknown"}};
    EXPECT_EQ(unknown.end(), 1);
    EXPECT_THAT(unknown.err(), HasSubstr("no node \"unknown\" is a member of this cluster"));

    Typed join{config(other_), {"join"}};
    EXPECT_EQ(join.end(), 0) << join.err();
    EXPECT_THAT(join.out(), HasSubstr("✓ Successfully joined cluster\n"));
    cluster_.wait_for("the node is a member again", [&](const test_support::Snapshot& now) {
        return now.nodes.contains(cluster_.name(other_));
    });
    Typed again{config(other_), {"status"}};
    EXPECT_EQ(again.end(), 0) << again.err();
    EXPECT_THAT(again.out(), HasSubstr("Role:        PASSIVE\n"));
}

// contracts.md 1.2: what the node's own daemon knows is shown without NATS.
TEST_F(CommandLineOfACluster, StatusWithoutNatsIsWhatThisNodesDaemonSays) {
    cluster_.server().stop();
    Typed status{config(other_), {"status"}};
    EXPECT_EQ(status.end(), 1);
    EXPECT_THAT(status.out(),
                HasSubstr("Role:        PASSIVE\n"
                          "Leader:      (could not query)\n"));
    EXPECT_THAT(status.err(), HasSubstr("Error: NATS: "));
    Typed json{config(other_), {"status", "-o", "json"}};
    EXPECT_EQ(json.end(), 1);
    EXPECT_THAT(json.out(), HasSubstr("\"role\": \"PASSIVE\""));
}

}  // namespace
