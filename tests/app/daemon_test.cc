// How the daemon replaces itself by the warden.
#include "app/daemon.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "model/fnv.h"
#include "model/ids.h"
#include "tests/app/environment.h"
#include "tests/support/temp_dir.h"

namespace app {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Words = std::vector<std::string>;

class Daemon : public testing::Test {
protected:
    Daemon() {
        environment_.set("RUNTIME_DIRECTORY", "/run/ccm");
        config_.file = "/etc/convex/cluster.json";
        config_.state_dir = "/var/lib/convex/manager";
        config_.election.timing = {.ttl = 14s, .heartbeat = 3s, .margin = 2800ms, .cooldown = 14s};
        config_.backend.stop_timeout = 30s;
        config_.backend.data_path = "/no/such/./directory/app.db";
    }
    [[nodiscard]] Words command(const Words& arguments = {}) const {
        return warden_command(config_, "/usr/libexec/warden", "/usr/bin/manager", arguments);
    }
    /// The value after a flag.
    [[nodiscard]] std::string value_of(const std::string& flag) const {
        const auto words = command();
        const auto at = std::find(words.begin(), words.end(), flag);
        return at == words.end() ? "(none)" : *(at + 1);
    }

    test_app::Environment environment_;
    config::Config config_;
};

TEST_F(Daemon, BecomesTheWardenOfTheNodeProcess) {
    const auto hash = model::to_hex16(model::fnv1a("/etc/convex/cluster.json"));
    EXPECT_THAT(command({"-c", "/etc/convex/cluster.json"}),
                ElementsAre("/usr/libexec/warden",
                            "--state-dir",
                            "/var/lib/convex/manager",
                            "--state-file",
                            "/run/ccm/convex-cluster-manager-" + hash + ".state",
                            "--data-path",
                            "/no/such/directory/app.db",
                            "--ttl-ms",
                            "14000",
                            "--margin-ms",
                            "2800",
                            "--stop-timeout-ms",
                            "60000",  // the backend's limit, plus time for the rest
                            "--",
                            "/usr/bin/manager",
                            "node",
                            "-c",
                            "/etc/convex/cluster.json"));
}

TEST_F(Daemon, HandsTheFormatOfItsLogOn) {
    EXPECT_EQ(value_of("--log-format"), "(none)");
    const std::pair<model::LineFormat, const char*> formats[] = {
        {model::LineFormat::text, "text"},
        {model::LineFormat::json, "json"},
        {model::LineFormat::journal, "journald"}};
    for (const auto& [format, text] : formats) {
        config_.log.format = format;
        EXPECT_EQ(value_of("--log-format"), text);
        EXPECT_EQ(*model::parse_line_format(text), format);
    }
}

TEST_F(Daemon, KeepsTheStateFileInMemoryWhereNoRuntimeDirectoryIs) {
    const auto own = "/dev/shm/convex-cluster-manager-" + std::to_string(::geteuid()) +
                     "/convex-cluster-manager-";
    environment_.set("RUNTIME_DIRECTORY", std::nullopt);
    EXPECT_TRUE(value_of("--state-file").starts_with(own)) << value_of("--state-file");
    environment_.set("RUNTIME_DIRECTORY", "");
    EXPECT_TRUE(value_of("--state-file").starts_with(own));
}

// The first of several; resolved, where systemd makes a symbolic link for a dynamic user.
TEST_F(Daemon, KeepsTheStateFileInTheFirstRuntimeDirectory) {
    environment_.set("RUNTIME_DIRECTORY", "/run/ccm:/run/other");
    EXPECT_TRUE(value_of("--state-file").starts_with("/run/ccm/convex-"));
    const test_support::TempDir directory;
    const auto& path = directory.path();
    std::filesystem::create_directory(path + "/private");
    std::filesystem::create_directory_symlink(path + "/private", path + "/link");
    environment_.set("RUNTIME_DIRECTORY", path + "/link");
    EXPECT_TRUE(value_of("--state-file").starts_with(path + "/private/convex-"));
}

TEST_F(Daemon, NamesTheStateFileAfterTheConfigurationHoweverItsPathIsSpelt) {
    const test_support::TempDir directory;
    const auto& path = directory.path();
    std::ofstream{path + "/cluster.json"} << "{}";
    std::filesystem::create_directory_symlink(path, path + "/link");
    config_.file = path + "/cluster.json";
    const auto plain = value_of("--state-file");
    for (const auto* spelling : {"/./cluster.json", "/link/cluster.json", "//cluster.json"}) {
        config_.file = path + spelling;
        EXPECT_EQ(value_of("--state-file"), plain) << spelling;
    }
    config_.file = path + "/other.json";
    EXPECT_NE(value_of("--state-file"), plain);
}

class FindWarden : public testing::Test {
protected:
    static void put(const std::string& path, bool executable) {
        std::filesystem::create_directories(std::filesystem::path{path}.parent_path());
        std::ofstream{path} << "";
        std::filesystem::permissions(
            path,
            executable ? std::filesystem::perms::owner_all : std::filesystem::perms::owner_read);
    }

    test_support::TempDir root_;
    const std::string self_ = root_.path() + "/bin/convex-cluster-manager";
    const std::string beside_ = root_.path() + "/bin/convex-cluster-warden";
    const std::string libexec_ =
        root_.path() + "/libexec/convex-cluster-manager/convex-cluster-warden";
};

TEST_F(FindWarden, LooksBesideThisProgramThenInLibexec) {
    put(self_, true);
    EXPECT_EQ(find_warden(self_), "");
    put(libexec_, true);
    EXPECT_TRUE(std::filesystem::equivalent(find_warden(self_), libexec_));
    put(beside_, true);
    EXPECT_EQ(find_warden(self_), beside_);
}

TEST_F(FindWarden, TakesNothingThatCannotBeRun) {
    put(self_, true);
    put(beside_, false);
    EXPECT_EQ(find_warden(self_), "");
    put(libexec_, true);
    EXPECT_TRUE(std::filesystem::equivalent(find_warden(self_), libexec_));
}

TEST(OwnPath, IsThisProgram) {
    EXPECT_TRUE(std::filesystem::exists(own_path()));
    EXPECT_THAT(own_path(), HasSubstr("app_test"));
}

TEST(NotRunnable, IsABackendOfAnotherKind) {
    config::Config config;
    config.file = "/x.json";
    for (const auto kind : {config::Backend::Kind::systemd, config::Backend::Kind::process}) {
        config.backend.kind = kind;
        EXPECT_EQ(not_runnable(config), "");
    }
    for (const auto kind : {config::Backend::Kind::docker, config::Backend::Kind::exec}) {
        config.backend.kind = kind;
        EXPECT_THAT(not_runnable(config), HasSubstr("/x.json: backend.kind"));
        EXPECT_THAT(not_runnable(config), HasSubstr(std::string{config::to_text(kind)}));
    }
}

}  // namespace
}  // namespace app
