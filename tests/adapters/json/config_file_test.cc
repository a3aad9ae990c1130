#include "adapters/json/config_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace adapters::json {
namespace {

using namespace std::chrono_literals;
using model::Errc;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

std::string parse_error(std::string_view text) {
    const auto parsed = parse_config(text, "c.json");
    return parsed ? "" : parsed.error().message;
}

class ConfigFile : public ::testing::Test {
protected:
    void SetUp() override {
        std::string pattern = "/tmp/config_file_test.XXXXXX";
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        folder_ = pattern;
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    std::string write(const std::string& text, mode_t mode = 0600) const {
        auto path = folder_ + "/cluster.json";
        std::ofstream{path} << text;
        ::chmod(path.c_str(), mode);
        return path;
    }
    std::string folder_;
};

constexpr const char* least = R"({
  "clusterId": "prod", // of the cluster
  "nodeId": "n1",
  "nats": {"servers": ["nats://a:4222"]},
  /* a comment
     over two lines */
  "backend": {"process": {"command": ["/b"]}, "dataPath": "/d/db"},
  "election": {
    "leaderTtlMs": 9000
  }
})";

TEST_F(ConfigFile, IsReadWithItsComments) {
    const auto loaded = load_config(write(least), {});
    ASSERT_TRUE(loaded) << loaded.error().message;
    EXPECT_EQ(loaded->config.cluster_id, "prod");
    EXPECT_EQ(loaded->config.backend.data_path, "/d/db");
    EXPECT_EQ(loaded->config.election.timing.ttl, 9s);
    EXPECT_THAT(loaded->warnings, IsEmpty());
}

TEST_F(ConfigFile, ThePublishedExampleOfTheGoManagerLoads) {
    const auto loaded = load_config(write(R"({
  "clusterId": "my-cluster", "nodeId": "node-1",
  "nats": {"servers": ["nats://nats-1:4222", "nats://nats-2:4222"], "credentials": ""},
  "vip": {"address": "192.168.1.100", "netmask": 24, "interface": "eth0"},
  "election": {"leaderTtlMs": 10000, "heartbeatIntervalMs": 3000},
  "wal": {"streamRetention": "24h", "snapshotIntervalMs": 3600000, "replicaPath": "/var/lib/c/r"},
  "backend": {"serviceName": "convex-backend", "healthEndpoint": "http://localhost:3210/version",
              "dataPath": "/var/lib/c/d"},
  "services": {"http": {"port": 3210, "path": "/", "metadata": {"a": "b"}, "tags": ["x"]}}
})"),
                                    {});
    ASSERT_TRUE(loaded) << loaded.error().message;
    EXPECT_THAT(loaded->warnings, Not(IsEmpty()));
}

TEST_F(ConfigFile, EachProblemStandsOnALineWithFileAndLine) {
    const auto path =
        write("{\"clusterId\": \"a\",\n\"nodeId\": 7,\n\n\"nats\": {\n\"servers\": 1}}");
    const auto loaded = load_config(path, {});
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().code, Errc::invalid);
    EXPECT_THAT(loaded.error().message, HasSubstr(path + ":2: nodeId = 7: "));
    EXPECT_THAT(loaded.error().message, HasSubstr("\n" + path + ":5: nats.servers = 1: "));
}

TEST_F(ConfigFile, AFolderWhereAFileBelongsIsRefusedWithTheFileToName) {
    std::filesystem::create_directory(folder_ + "/data");
    const auto path = write(R"({"clusterId": "a", "nodeId": "n", "nats": {"servers": ["a:1"]},
        "backend": {"dataPath": ")" +
                            folder_ + R"(/data"}})");
    const auto loaded = load_config(path, {});
    ASSERT_FALSE(loaded);
    EXPECT_THAT(loaded.error().message, HasSubstr(folder_ + "/data/db.sqlite3"));
}

TEST_F(ConfigFile, AStateDirThatIsAFileIsRefused) {
    const auto path = write("");
    const auto own = write(R"({"clusterId": "a", "nodeId": "n", "nats": {"servers": ["a:1"]},
        "stateDir": ")" + path +
                           "\"}");
    const auto loaded = load_config(own, {});
    ASSERT_FALSE(loaded);
    EXPECT_THAT(loaded.error().message, HasSubstr("stateDir"));
}

TEST_F(ConfigFile, TwoPathsToOneFileAreRefusedByWhateverLinksTheyLeadThere) {
    namespace fs = std::filesystem;
    fs::create_directories(folder_ + "/a");
    fs::create_directory_symlink(folder_ + "/a", folder_ + "/b");
    std::ofstream{folder_ + "/a/there"} << "";
    fs::create_hard_link(folder_ + "/a/there", folder_ + "/a/hard");
    fs::create_symlink(folder_ + "/a/there", folder_ + "/a/soft");
    const auto message = [this](const char* data, const char* replica, const char* state) {
        const auto loaded =
            load_config(write(R"({"clusterId": "a", "nodeId": "n", "nats": {"servers": ["a:1"]},
                "stateDir": ")" +
                              folder_ + state + R"(", "backend": {"process": {"command": ["/b"]},
                "dataPath": ")" +
                              folder_ + data + R"("}, "wal": {"replicaPath": ")" + folder_ +
                              replica + R"("}})"),
                        {});
        return loaded ? "" : loaded.error().message;
    };
    EXPECT_EQ(message("/a/there", "/b/other", "/s"), "");
    EXPECT_THAT(message("/a/new", "/b/new", "/s"), HasSubstr("wal.replicaPath = " + folder_));
    EXPECT_THAT(message("/a/new", "/b/new-wal", "/s"), HasSubstr(folder_ + "/a/new-wal"));
    EXPECT_THAT(message("/a/there", "/a/hard", "/s"), HasSubstr("by another name"));
    EXPECT_THAT(message("/a/soft", "/a/other", "/s"),
                HasSubstr("name that, " + folder_ + "/a/there"));
    EXPECT_THAT(message("/a/new", "/a/soft", "/s"), HasSubstr("wal.replicaPath"));
    EXPECT_THAT(message("/a/new", "/a/other", "/b"), HasSubstr("lies in stateDir"));
}

TEST_F(ConfigFile, ACopyInAnotherFileSystemIsRefused) {
    struct stat here {};
    struct stat there {};
    ASSERT_EQ(::stat(folder_.c_str(), &here), 0);
    ASSERT_EQ(::stat("/proc", &there), 0);
    ASSERT_NE(here.st_dev, there.st_dev);
    const auto loaded =
        load_config(write(R"({"clusterId": "a", "nodeId": "n", "nats": {"servers": ["a:1"]},
            "backend": {"process": {"command": ["/b"]}, "dataPath": "/proc/db"},
            "wal": {"replicaPath": ")" +
                          folder_ + R"(/r"}})"),
                    {});
    ASSERT_FALSE(loaded);
    EXPECT_THAT(loaded.error().message, HasSubstr("another file system"));
}

TEST_F(ConfigFile, ALoginWhoseFileCanNotBeReadIsNamedWithItsKey) {
    const auto loaded =
        load_config(write(R"({"clusterId": "a", "nodeId": "n", "nats": {"servers": ["a:1"],
            "credentials": "/none.creds", "tls": {"ca": "/"}}})"),
                    {});
    ASSERT_FALSE(loaded);
    EXPECT_THAT(loaded.error().message,
                HasSubstr("nats.credentials = /none.creds: can not be read"));
    EXPECT_THAT(loaded.error().message, HasSubstr("nats.tls.ca = /: is a folder"));
}

// defects.md C31
TEST_F(ConfigFile, ASecretThatOthersCanReadIsNamed) {
    const char* text = R"({"clusterId": "a", "nodeId": "n", "nats": {"servers": ["a:1"],
        "user": "u", "password": "geheim"}, "backend": {"process": {"command": ["/b"]}}})";
    const auto closed = load_config(write(text, 0600), {});
    ASSERT_TRUE(closed) << closed.error().message;
    EXPECT_THAT(closed->warnings, IsEmpty());
    const auto open = load_config(write(text, 0640), {});
    ASSERT_TRUE(open);
    ASSERT_EQ(open->warnings.size(), 1U);
    EXPECT_THAT(to_text(open->warnings[0]), HasSubstr("chmod 600"));
    EXPECT_THAT(to_text(open->warnings[0]), Not(HasSubstr("geheim")));
}

TEST_F(ConfigFile, OneThatIsNotThereIsNotFound) {
    const auto loaded = load_config(folder_ + "/none.json", {});
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().code, Errc::not_found);
    EXPECT_THAT(loaded.error().message, HasSubstr(folder_ + "/none.json"));
    EXPECT_FALSE(load_config(folder_, {}));
}

TEST(ConfigText, AnErrorSaysAtWhichLineAndColumn) {
    EXPECT_THAT(parse_error("{\n  \"a\": 1,\n  \"b\" 2\n}"), testing::StartsWith("c.json:3:7: "));
    EXPECT_THAT(parse_error(""), testing::StartsWith("c.json:1:1: "));
    EXPECT_THAT(parse_error("{\"a\": 1e999}"), HasSubstr("too large"));
    EXPECT_THAT(parse_error("{\"a\": 1, \"a\": 2}"), HasSubstr("\"a\" is given twice"));
    EXPECT_THAT(parse_error("{\"a\": \"\xFF\"}"), Not(IsEmpty()));
    EXPECT_THAT(parse_error("{} {}"), Not(IsEmpty()));
    EXPECT_THAT(parse_error("{\"a\": 1,}"), Not(IsEmpty()));
}

TEST(ConfigText, DepthHasALimit) {
    const auto nested = [](std::size_t depth) {
        return parse_error(std::string(depth, '[') + std::string(depth, ']'));
    };
    EXPECT_THAT(nested(64), IsEmpty());
    EXPECT_THAT(nested(65), HasSubstr("64 deep"));
    EXPECT_THAT(nested(1'000'000), HasSubstr("64 deep"));
}

TEST(ConfigText, NumbersBeyond64BitsAreNotMistaken) {
    const auto parsed = parse_config("18446744073709551615", "c.json");
    ASSERT_TRUE(parsed);
    EXPECT_TRUE(std::holds_alternative<double>(parsed->data));
    EXPECT_EQ(std::get<std::int64_t>(parse_config("-5", "c.json")->data), -5);
}

TEST(ConfigText, AByteOrderMarkIsNoReasonToRefuseAFile) {
    EXPECT_THAT(parse_error("\xEF\xBB\xBF{}"), IsEmpty());
}

TEST(ConfigText, NoBeginningOfAFileCrashes) {
    const std::string_view text = least;
    for (std::size_t length = 0; length < text.size(); ++length)
        EXPECT_THAT(parse_error(text.substr(0, length)), Not(IsEmpty())) << length;
}

}  // namespace
}  // namespace adapters::json
