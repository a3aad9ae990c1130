#include "adapters/linux/config_disk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "config/keys.h"
#include "tests/support/result.h"
#include "tests/support/temp_dir.h"

namespace adapters::linux_host {
namespace {

using model::Errc;
using test_support::code_of;
using test_support::TempDir;
using ::testing::HasSubstr;
using ::testing::Not;

class ConfigDisk : public ::testing::Test {
protected:
    ConfigDisk() {
        config_.file = path("/cluster.json");
        config_.state_dir = path("/state");
        config_.backend.data_path = path("/data");
        config_.wal.replica_path = path("/replica");
    }

    [[nodiscard]] std::string path(const std::string& below) const {
        return directory_.path() + below;
    }
    void write(const std::string& below, const std::string& text = {}, mode_t mode = 0600) const {
        std::ofstream{path(below)} << text;
        EXPECT_EQ(::chmod(path(below).c_str(), mode), 0);
    }

    [[nodiscard]] config::Outcome checked() const {
        config::Outcome outcome;
        outcome.config = config_;
        check_disk(outcome);
        return outcome;
    }
    [[nodiscard]] std::string errors() const { return to_text(checked().errors); }
    [[nodiscard]] std::string warnings() const { return to_text(checked().warnings); }

    TempDir directory_;
    config::Config config_;
};

TEST_F(ConfigDisk, IsReadWhole) {
    write("/cluster.json", "{\n}");
    EXPECT_EQ(*read_config(path("/cluster.json")), "{\n}");
    EXPECT_EQ(code_of(read_config(path("/none.json"))), Errc::not_found);
    EXPECT_EQ(code_of(read_config(path("/cluster.json/x"))), Errc::not_found);
    EXPECT_EQ(code_of(read_config(path(""))), Errc::invalid);
    EXPECT_THAT(read_config(path("/none.json")).error().message, HasSubstr(path("/none.json")));
    std::filesystem::resize_file(path("/cluster.json"), 4U << 20U);
    EXPECT_TRUE(read_config(path("/cluster.json")));
    std::filesystem::resize_file(path("/cluster.json"), (4U << 20U) + 1);
    EXPECT_THAT(read_config(path("/cluster.json")).error().message, HasSubstr("4 MiB"));
}

TEST_F(ConfigDisk, NeedNotHaveAnyOfItsFilesYet) {
    EXPECT_EQ(errors(), "");
    EXPECT_EQ(warnings(), "");
}

TEST_F(ConfigDisk, ADirectoryWhereAFileBelongsIsRefusedWithTheFileToName) {
    std::filesystem::create_directory(path("/data"));
    EXPECT_THAT(errors(), HasSubstr("backend.dataPath = " + path("/data")));
    EXPECT_THAT(errors(), HasSubstr(path("/data/db.sqlite3")));
}

TEST_F(ConfigDisk, AStateDirThatIsAFileIsRefused) {
    write("/state");
    EXPECT_THAT(errors(), HasSubstr("stateDir = " + path("/state")));
}

TEST_F(ConfigDisk, TwoPathsToOneFileAreRefusedByWhateverLinksTheyLeadThere) {
    namespace fs = std::filesystem;
    fs::create_directories(path("/a"));
    fs::create_directory_symlink(path("/a"), path("/b"));
    write("/a/there");
    fs::create_hard_link(path("/a/there"), path("/a/hard"));
    fs::create_symlink(path("/a/there"), path("/a/soft"));
    const auto message = [this](const char* data, const char* replica, const char* state) {
        config_.backend.data_path = path(data);
        config_.wal.replica_path = path(replica);
        config_.state_dir = path(state);
        return errors();
    };
    EXPECT_EQ(message("/a/there", "/b/other", "/s"), "");
    EXPECT_THAT(message("/a/new", "/b/new", "/s"), HasSubstr("wal.replicaPath = " + path("/b")));
    EXPECT_THAT(message("/a/new", "/b/new-wal", "/s"), HasSubstr(path("/a/new-wal")));
    EXPECT_THAT(message("/a/there", "/a/hard", "/s"), HasSubstr("by another name"));
    EXPECT_THAT(message("/a/soft", "/a/other", "/s"), HasSubstr("name that, " + path("/a/there")));
    EXPECT_THAT(message("/a/new", "/a/soft", "/s"), HasSubstr("wal.replicaPath"));
    EXPECT_THAT(message("/a/new", "/a/other", "/b"), HasSubstr("lies in stateDir"));
}

TEST_F(ConfigDisk, ACopyInAnotherFileSystemIsRefused) {
    struct stat here {};
    struct stat there {};
    ASSERT_EQ(::stat(directory_.path().c_str(), &here), 0);
    ASSERT_EQ(::stat("/proc", &there), 0);
    ASSERT_NE(here.st_dev, there.st_dev);
    config_.backend.data_path = "/proc/db";
    EXPECT_THAT(errors(), HasSubstr("another file system"));
}

TEST_F(ConfigDisk, APlaceThatKeepsNothingIsRefusedWhetherOrNotItIsThere) {
    std::filesystem::create_directory_symlink("/proc", path("/link"));
    for (const auto& [state, system] : {std::pair{std::string{"/proc"}, "(proc)"},
                                        {"/proc/convex/manager", "(proc)"},
                                        {"/proc/self", "(proc)"},
                                        {path("/link/x"), "(proc)"},
                                        {"/sys/kernel/convex", "(sysfs)"},
                                        {"/dev/pts", "(devpts)"}}) {
        config_.state_dir = state;
        EXPECT_THAT(
            errors(),
            HasSubstr("stateDir = " + state + ": lies in a file system that keeps nothing " +
                      system + "; name a directory on a disk"));
    }
    config_.state_dir = path("/state");
    config_.backend.data_path = "/sys/convex/data";
    EXPECT_THAT(errors(), HasSubstr("keeps nothing (sysfs); name a file on a disk"));
}

TEST_F(ConfigDisk, TheDirectoryOfTheDevicesKeepsNothing) {
    struct stat devices {};
    struct stat root {};
    ASSERT_EQ(::stat("/dev", &devices), 0);
    ASSERT_EQ(::stat("/", &root), 0);
    if (devices.st_dev == root.st_dev) GTEST_SKIP() << "/dev is a part of / here";
    config_.state_dir = "/dev/convex/manager";
    EXPECT_THAT(errors(), HasSubstr("keeps nothing (devtmpfs)"));
}

// A copy there is lost with the machine; people who mount it on purpose know that.
TEST_F(ConfigDisk, AMemoryFileSystemThatIsMountedOnPurposeIsTaken) {
    struct stat shared {};
    struct stat devices {};
    if (::stat("/dev/shm", &shared) != 0 || ::stat("/dev", &devices) != 0 ||
        shared.st_dev == devices.st_dev) {
        GTEST_SKIP() << "no file system of its own at /dev/shm";
    }
    config_.state_dir = "/dev/shm/convex/manager";
    EXPECT_EQ(errors(), "");
}

TEST_F(ConfigDisk, ALoginWhoseFileCannotBeReadIsNamedWithItsKey) {
    config_.nats.credentials = "/none.creds";
    config_.nats.tls.ca = "/";
    EXPECT_THAT(errors(), HasSubstr("nats.credentials = /none.creds: cannot be read"));
    EXPECT_THAT(errors(), HasSubstr("nats.tls.ca = /: is a directory"));
}

// defects.md C31
TEST_F(ConfigDisk, ASecretThatOthersCanReadIsNamed) {
    config_.nats.password = "geheim";
    write("/cluster.json", "", 0600);
    EXPECT_EQ(warnings(), "");
    for (const mode_t mode : {0640U, 0604U}) {
        write("/cluster.json", "", mode);
        EXPECT_THAT(warnings(), HasSubstr("run: chmod 600 " + config_.file));
        EXPECT_THAT(warnings(), Not(HasSubstr("geheim")));
    }
}

TEST_F(ConfigDisk, EachFileOfALoginIsLookedAtAsItsRowSays) {
    write("/secret", "", 0644);
    for (const auto& key : config::keys()) {
        if (key.file == config::FileRule::none || key.type != config::Type::path) continue;
        auto& field = *std::get<std::string*>(key.field(config_));
        field = path("/secret");
        EXPECT_EQ(errors(), "") << key.path;
        const auto warning = HasSubstr(std::string{key.path} + " = " + field + ": can be read");
        if (key.file == config::FileRule::secret) {
            EXPECT_THAT(warnings(), warning);
        } else {
            EXPECT_EQ(warnings(), "") << key.path;
        }
        field = path("/none");
        EXPECT_THAT(errors(), HasSubstr(std::string{key.path} + " = " + field + ": cannot be"));
        field.clear();
    }
}

TEST_F(ConfigDisk, WhatIsWrongAlreadyIsNamedOnce) {
    config_.state_dir = "/proc/x";
    config::Outcome outcome;
    outcome.config = config_;
    outcome.error("c.json:1", "stateDir", "", "is wrong");
    check_disk(outcome);
    EXPECT_EQ(to_text(outcome.errors), "c.json:1: stateDir is wrong");
}

}  // namespace
}  // namespace adapters::linux_host
