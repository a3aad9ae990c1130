#include "cli/init.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace cli {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class Init : public ::testing::Test {
protected:
    void SetUp() override {
        std::string pattern = "/tmp/init_test.XXXXXX";
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        directory_ = pattern;
        command_.verb = "init";
        command_.config_path = directory_ + "/new/cluster.json";
        command_.init = {.cluster_id = "prod", .node_id = "n1", .servers = {"nats://a:4222", "b"}};
    }
    void TearDown() override { std::filesystem::remove_all(directory_); }

    int run() {
        out_.clear();
        err_.clear();
        return run_init(command_,
                        {[this](std::string_view text) { out_ += text; },
                         [this](std::string_view text) { err_ += text; }});
    }
    std::string file() const {
        std::stringstream text;
        text << std::ifstream{command_.config_path}.rdbuf();
        return text.str();
    }

    std::string directory_;
    Command command_;
    std::string out_;
    std::string err_;
};

TEST_F(Init, WritesTheFileAndSaysWhatScriptsMatch) {
    command_.init.vip = "10.0.0.9";
    command_.init.interface = "eth0";
    ASSERT_EQ(run(), exit_done) << err_;
    EXPECT_THAT(out_,
                StartsWith("✓ Cluster configuration initialized\n"
                           "  Config file: " +
                           command_.config_path +
                           "\n"
                           "  Cluster ID:  prod\n"
                           "  Node ID:     n1\n"
                           "  NATS:        [nats://a:4222 b]\n"
                           "  VIP:         10.0.0.9/24 on eth0\n"));
    EXPECT_THAT(out_, HasSubstr("Next steps:\n"));
    EXPECT_THAT(out_, HasSubstr("14000"));
    EXPECT_THAT(file(), HasSubstr("\"clusterId\": \"prod\""));
    EXPECT_THAT(file(), HasSubstr("\"leaderTtlMs\": 10000"));
    EXPECT_THAT(file(), HasSubstr("\"netmask\": 24"));
}

TEST_F(Init, AnIpv6AddressGetsThePrefixOfItsOwn) {
    command_.init.vip = "fd00::9";
    command_.init.interface = "eth0";
    ASSERT_EQ(run(), exit_done) << err_;
    EXPECT_THAT(out_, HasSubstr("  VIP:         fd00::9/128 on eth0\n"));
    EXPECT_THAT(file(), HasSubstr("\"netmask\": 128"));
}

// defects.md C31
TEST_F(Init, TheFileIsNobodyElses) {
    ASSERT_EQ(run(), exit_done);
    struct stat info {};
    ASSERT_EQ(::stat(command_.config_path.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777U, 0600U);
}

TEST_F(Init, WhatItWritesIsAGoodConfiguration) {
    const auto outcome =
        config::build({.file = "f", .root = initial_tree(command_.init), .overrides = {}});
    EXPECT_TRUE(outcome.errors.empty());
    EXPECT_EQ(outcome.config.cluster_id, "prod");
}

TEST_F(Init, WritesTheBackend) {
    const auto built = [this] {
        const auto outcome =
            config::build({.file = "f", .root = initial_tree(command_.init), .overrides = {}});
        EXPECT_TRUE(outcome.errors.empty());
        return outcome.config.backend;
    };
    using Kind = config::Backend::Kind;
    EXPECT_EQ(built().kind, Kind::systemd);
    EXPECT_EQ(built().service_name, "convex-backend");
    command_.init.service_name = "notes";
    command_.init.data_path = "/d/notes.db";
    command_.init.health_endpoint = "";
    EXPECT_EQ(built().service_name, "notes");
    EXPECT_EQ(built().data_path, "/d/notes.db");
    EXPECT_EQ(built().health_endpoint, "");
    command_.init.service_name.clear();
    command_.init.command = {"/bin/notes", "--port", "1"};
    EXPECT_EQ(built().kind, Kind::process);
    EXPECT_EQ(built().process.command, command_.init.command);
    command_.init.backend = "process";
    EXPECT_EQ(built().kind, Kind::process);
}

// Root writes it for a daemon that is not root, where the directory is that one's.
TEST_F(Init, TheFileBelongsToTheOwnerOfItsDirectory) {
    if (::geteuid() != 0) GTEST_SKIP() << "not root";
    std::filesystem::create_directory(directory_ + "/new");
    ASSERT_EQ(::chown((directory_ + "/new").c_str(), 65534, 65533), 0);
    ASSERT_EQ(run(), exit_done) << err_;
    struct stat info {};
    ASSERT_EQ(::stat(command_.config_path.c_str(), &info), 0);
    EXPECT_EQ(info.st_uid, 65534U);
    EXPECT_EQ(info.st_gid, 65533U);
    // One that is replaced keeps its own.
    ASSERT_EQ(::chown(command_.config_path.c_str(), 1, 2), 0);
    command_.init.force = true;
    ASSERT_EQ(run(), exit_done) << err_;
    ASSERT_EQ(::stat(command_.config_path.c_str(), &info), 0);
    EXPECT_EQ(info.st_uid, 1U);
}

TEST_F(Init, AFileThatIsThereIsReplacedWithForceOnly) {
    ASSERT_EQ(run(), exit_done);
    const auto before = file();
    command_.init.node_id = "n2";
    EXPECT_EQ(run(), exit_failed);
    EXPECT_THAT(err_, HasSubstr("is there already; --force replaces it"));
    EXPECT_EQ(file(), before);
    EXPECT_EQ(out_, "");
    command_.init.force = true;
    EXPECT_EQ(run(), exit_done);
    EXPECT_THAT(file(), HasSubstr("\"nodeId\": \"n2\""));
}

TEST_F(Init, NothingIsWrittenForWhatCannotWork) {
    command_.init.cluster_id = "a.b";
    EXPECT_EQ(run(), exit_usage);
    EXPECT_THAT(err_, HasSubstr("clusterId = \"a.b\""));
    EXPECT_FALSE(std::filesystem::exists(command_.config_path));
}

TEST_F(Init, ADirectoryThatCannotBeMadeIsNamed) {
    std::ofstream{directory_ + "/new"} << "a file";
    EXPECT_EQ(run(), exit_failed);
    EXPECT_THAT(err_, HasSubstr(directory_ + "/new"));
}

}  // namespace
}  // namespace cli
