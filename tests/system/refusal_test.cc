// Daemons that must not lead, or not even run; and an absent store.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/support/cluster.h"
#include "tests/support/database_copy.h"
#include "tests/support/eventually.h"
#include "tests/support/processes.h"
#include "tests/support/writer.h"

namespace {

using namespace std::chrono_literals;
using test_support::Cluster;
using test_support::LivenessWatch;
using test_support::NodeOptions;
using test_support::Writer;
using Ids = std::vector<std::int64_t>;

constexpr int for_good = 78;  // EX_CONFIG: systemd does not restart it

// defects.md C09
TEST(Refusal, OfASecondDaemonWithTheSameNodeId) {
    Cluster cluster{{.start = false, .each = [](int node, NodeOptions& options) {
                         if (node == 3) options.node_id = "n1";
                     }}};
    cluster.start(1);
    ASSERT_EQ(cluster.wait_serving(), 1);
    cluster.start(2);
    const auto backend = cluster.backend_pid(1);
    const auto epoch = cluster.poll()->epoch();
    cluster.start(3);
    EXPECT_EQ(cluster.wait_end(3), for_good);
    EXPECT_NE(cluster.log(3).find("node id 'n1' is in use"), std::string::npos);
    EXPECT_EQ(cluster.log(3).find("backend.starting"), std::string::npos);
    const auto now = *cluster.poll();
    EXPECT_EQ(now.serving(), "n1");
    EXPECT_EQ(now.epoch(), epoch);
    EXPECT_EQ(cluster.backend_pid(1), backend);
}

int end_of(const std::vector<std::string>& command, const std::string& log) {
    const auto pid = test_support::spawn(command, {}, log);
    std::optional<int> status;
    EXPECT_TRUE(test_support::eventually([&] {
        status = test_support::reap(pid);
        return status.has_value();
    }));
    return status.value_or(-1);
}

TEST(Refusal, OfAWrongConfigurationIsForGoodForTheDaemonAlone) {
    const test_support::TempDir directory;
    const auto config = directory.path() + "/cluster.json";
    const auto log = directory.path() + "/log";
    auto daemon = Cluster::daemon(config);
    auto status = daemon;
    status.at(1) = "status";
    EXPECT_EQ(end_of(daemon, log), for_good) << "there is none";
    const auto lacks_a_command =
        R"({"clusterId": "c", "nodeId": "n", "nats": {"servers": ["nats://127.0.0.1:1"]},
            "backend": {"kind": "docker"}})";
    const auto keeps_nothing =
        R"({"clusterId": "c", "nodeId": "n", "nats": {"servers": ["nats://127.0.0.1:1"]},
            "stateDir": "/proc/convex", "backend": {"process": {"command": ["/bin/true"]}}})";
    for (const auto* text : {"no JSON", R"({"nodeId": 7})", lacks_a_command, keeps_nothing}) {
        std::ofstream{config} << text;
        EXPECT_EQ(end_of(daemon, log), for_good) << text;
    }
    std::ofstream{config} << "no JSON";
    EXPECT_EQ(end_of(status, log), 1);
    EXPECT_NE(test_support::read_text(log).find("cluster.json"), std::string::npos);
}

// A reader of JSON gets JSON or nothing; for people, the configuration is shown.
TEST(Refusal, OfAStatusWithoutAStoreLeavesNothingForAReaderOfJson) {
    const test_support::TempDir directory;
    const auto config = directory.path() + "/cluster.json";
    const auto log = directory.path() + "/log";
    std::ofstream{config} << R"({"clusterId": "c", "nodeId": "n",
        "nats": {"servers": ["nats://127.0.0.1:1"]}})";
    auto status = Cluster::daemon(config);
    status.at(1) = "status";
    EXPECT_EQ(end_of(status, log), 1);
    EXPECT_NE(test_support::read_text(log).find("(could not query)"), std::string::npos);
    status.emplace_back("-o");
    status.emplace_back("json");
    const auto json = directory.path() + "/json";
    EXPECT_EQ(end_of(status, json), 1);
    EXPECT_TRUE(test_support::read_text(json).starts_with("Error: NATS: "));
}

TEST(Refusal, OfASecondDaemonInTheSameStateDirectoryNamesTheFirst) {
    Cluster cluster{{.nodes = 1}};
    ASSERT_EQ(cluster.wait_serving(), 1);
    const auto config = cluster.write_config(1);
    const auto log = cluster.directory() + "/second";
    const auto second = test_support::spawn(Cluster::daemon(config), {}, log);
    std::optional<int> status;
    cluster.wait_until("the end of the second daemon", [&] {
        status = test_support::reap(second);
        return status.has_value();
    });
    EXPECT_NE(*status, 0);
    const auto text = test_support::read_text(log);
    EXPECT_NE(text.find(std::to_string(cluster.warden_pid(1))), std::string::npos) << text;
    EXPECT_EQ(cluster.poll()->serving(), "n1");
}

/// The state file named in a daemon's lock file.
std::string state_file_of(const std::string& directory, const std::string& config) {
    const auto pid = test_support::spawn(Cluster::daemon(config), {}, directory + "/log");
    std::string second;
    EXPECT_TRUE(test_support::eventually([&] {
        std::ifstream lock{directory + "/state/lock"};
        std::string first;
        return std::getline(lock, first) && first == std::to_string(pid) &&
               std::getline(lock, second) && !lock.eof();
    }));
    EXPECT_EQ(::kill(pid, SIGTERM), 0);
    EXPECT_TRUE(test_support::eventually([&] { return test_support::reap(pid).has_value(); }));
    return second;
}

TEST(StateFile, IsTheSameHoweverThePathOfTheConfigurationIsSpelt) {
    const test_support::TempDir directory;
    const auto& path = directory.path();
    std::ofstream{path + "/cluster.json"} << R"({"clusterId": "c", "nodeId": "n",
        "nats": {"servers": ["nats://127.0.0.1:1"]}, "stateDir": ")" +
                                                 path + R"(/state",
        "api": {"listen": "127.0.0.1:1"}, "metrics": {"listen": "127.0.0.1:2"},
        "wal": {"replicaPath": ")" + path + R"(/copy"},
        "backend": {"dataPath": ")" + path + R"(/db", "process": {"command": ["/bin/true"]}}})";
    std::filesystem::create_directory_symlink(path, path + "/link");
    const auto plain = state_file_of(path, path + "/cluster.json");
    const std::filesystem::path own{"/dev/shm/convex-cluster-manager-" +
                                    std::to_string(::getuid())};
    EXPECT_EQ(std::filesystem::path{plain}.parent_path(), own);
    EXPECT_EQ(std::filesystem::status(own).permissions(), std::filesystem::perms::owner_all);
    EXPECT_EQ(state_file_of(path, path + "/link/./cluster.json"), plain);
    std::filesystem::remove(plain);
    std::error_code in_use;
    std::filesystem::remove(own, in_use);
}

// Another configuration and stateDir, with the same database through a symbolic link.
TEST(Refusal, OfASecondDaemonOnTheSameDatabase) {
    Cluster cluster{{.nodes = 1}};
    ASSERT_EQ(cluster.wait_serving(), 1);
    const test_support::TempDir directory;
    const auto& path = directory.path();
    const std::filesystem::path data{cluster.data(1)};
    std::filesystem::create_directory_symlink(data.parent_path(), path + "/link");
    std::ofstream{path + "/cluster.json"} << R"({"clusterId": "c", "nodeId": "n",
        "nats": {"servers": ["nats://127.0.0.1:1"]}, "stateDir": ")" +
                                                 path + R"(/state",
        "api": {"listen": "127.0.0.1:1"}, "metrics": {"listen": "127.0.0.1:2"},
        "wal": {"replicaPath": ")" + path + R"(/copy"},
        "backend": {"dataPath": ")" + path + "/link/" +
                                                 data.filename().string() +
                                                 R"(", "process": {"command": ["/bin/true"]}}})";
    EXPECT_EQ(end_of(Cluster::daemon(path + "/cluster.json"), path + "/log"), 1);
    const auto text = test_support::read_text(path + "/log");
    EXPECT_NE(text.find("pid " + std::to_string(cluster.warden_pid(1)) + ")"), std::string::npos)
        << text;
    EXPECT_NE(text.find("has the database"), std::string::npos) << text;
}

// defects.md C11
TEST(Store, ThatIsAbsentAtTheStartIsWaitedFor) {
    Cluster cluster{{.start = false}};
    cluster.server().stop();
    for (int node = 1; node <= cluster.size(); ++node)
        cluster.start(node);
    cluster.wait_until("every node says that it waits", [&] {
        for (int node = 1; node <= cluster.size(); ++node)
            if (cluster.log(node).find("bucket.awaited") == std::string::npos) return false;
        return true;
    });
    for (int node = 1; node <= cluster.size(); ++node)
        EXPECT_FALSE(cluster.backend_lives(node));
    cluster.server().start();
    EXPECT_NE(cluster.wait_serving(), 0);
}

// defects.md C06, C07, C08, M08
TEST(LeaderKey, DeletedByAnotherToolMakesTheLeaderFenceAndOneLeadAgain) {
    Cluster cluster;
    const int first = cluster.wait_serving();
    Writer writer{{cluster.backend_port(first)}};
    ASSERT_TRUE(writer.wait_more(100));
    writer.stop();
    cluster.wait_replicated();
    LivenessWatch watch{cluster};
    const auto epoch = cluster.poll()->epoch();
    const auto backend = cluster.backend_pid(first);
    cluster.delete_leader_key();
    cluster.wait_until("the end of its backend", [&] { return !test_support::lives(backend); });
    const int now = cluster.wait_serving(epoch);
    EXPECT_EQ(watch.stop(), 0);
    EXPECT_EQ(test_support::missing(writer.acknowledged(),
                                    test_support::notes_of(cluster.backend_port(now))),
              Ids{});
    cluster.wait_replicated();
}

}  // namespace
