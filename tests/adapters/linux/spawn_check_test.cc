// Whether a backend could be started here, as its user.
#include "adapters/linux/spawn_check.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>

#include "tests/support/temp_dir.h"

namespace adapters::linux_host {
namespace {

namespace fs = std::filesystem;
using model::Errc;
using reconcilers::ports::SpawnSpec;

class SpawnCheckTest : public testing::Test {
protected:
    void SetUp() override {
        ASSERT_EQ(::geteuid(), 0U);
        ASSERT_EQ(::chmod(directory_.path().c_str(), 0755), 0);
        std::ofstream{program_} << "#!/bin/sh\n";
        ASSERT_EQ(::chmod(program_.c_str(), 0755), 0);
        ASSERT_TRUE(fs::create_directory(work_));
    }
    // "": it could be started.
    static std::string missing(const SpawnSpec& spec) {
        SpawnCheck check{spec};
        const auto able = check.check();
        if (able) return {};
        EXPECT_EQ(able.error().code, Errc::invalid);
        return able.error().message;
    }

    test_support::TempDir directory_;
    const std::string program_ = directory_.path() + "/program";
    const std::string work_ = directory_.path() + "/work";
};

TEST_F(SpawnCheckTest, FindsWhatIsThere) {
    EXPECT_EQ(missing({.command = {program_}}), "");
    EXPECT_EQ(missing({.command = {program_}, .dir = work_, .user = "nobody"}), "");
    EXPECT_EQ(missing({.command = {"program"}, .env = {{"PATH", "/nowhere:" + directory_.path()}}}),
              "");
}

TEST_F(SpawnCheckTest, NamesWhatIsMissingAndWhatToDo) {
    EXPECT_EQ(missing({.command = {program_ + "x"}}),
              "backend.process.command: \"" + program_ +
                  "x\" is not there: install it, or correct the key");
    EXPECT_EQ(missing({.command = {"program"}, .env = {{"PATH", "/nowhere"}}}),
              "backend.process.command: \"program\" is not found in PATH (/nowhere) as a program "
              "that the daemon's user may execute: install it, or name its absolute path");
    EXPECT_EQ(missing({.command = {program_}, .dir = work_ + "x"}),
              "backend.process.dir: \"" + work_ + "x\" is not there: make it, or correct the key");
    EXPECT_NE(missing({.command = {program_}, .dir = program_}).find("is no directory"),
              std::string::npos);
    EXPECT_NE(missing({.command = {work_}}).find("is a directory"), std::string::npos);
    EXPECT_NE(missing({.command = {program_}, .user = "no-such-user"}).find("no user"),
              std::string::npos);
    EXPECT_NE(missing({.command = {program_}, .group = "no-such-group"}).find("no group"),
              std::string::npos);
}

// Root may do all of it, and the backend is not root.
TEST_F(SpawnCheckTest, ChecksWithTheRightsOfTheBackendsUser) {
    ::chmod(work_.c_str(), 0700);
    EXPECT_EQ(missing({.command = {program_}, .dir = work_}), "");
    EXPECT_NE(missing({.command = {program_}, .dir = work_, .user = "nobody"})
                  .find("may not be entered by user nobody"),
              std::string::npos);
    ::chmod(program_.c_str(), 0700);
    EXPECT_NE(missing({.command = {program_}, .user = "nobody"})
                  .find("may not be executed by user nobody"),
              std::string::npos);
    ::chmod(program_.c_str(), 0644);
    EXPECT_NE(missing({.command = {program_}}).find("may not be executed"), std::string::npos);
    ::chmod(program_.c_str(), 0755);
    ::chmod(directory_.path().c_str(), 0700);
    EXPECT_NE(missing({.command = {program_}, .user = "nobody"}), "");
    ::chmod(directory_.path().c_str(), 0750);
    EXPECT_EQ(::chown(directory_.path().c_str(), 0, 4711), 0);
    EXPECT_EQ(missing({.command = {program_}, .user = "nobody", .group = "4711"}), "");
    // This thread has kept its own.
    ::chmod(work_.c_str(), 0);
    EXPECT_TRUE(std::ofstream{work_ + "/file"});
}

TEST_F(SpawnCheckTest, SeesWhatHasChanged) {
    SpawnCheck check{{.command = {program_}, .user = "nobody"}};
    EXPECT_TRUE(check.check());
    fs::remove(program_);
    EXPECT_FALSE(check.check());
    std::ofstream{program_} << "#!/bin/sh\n";
    ::chmod(program_.c_str(), 0755);
    EXPECT_TRUE(check.check());
}

TEST_F(SpawnCheckTest, ACheckThatHangsIsWaitedForByNobody) {
    auto hangs = std::make_shared<std::atomic<bool>>(true);
    const auto before = std::chrono::steady_clock::now();
    {
        SpawnCheck check{{.command = {program_}}, [hangs](const auto&) {
                             hangs->wait(true);
                             return std::string{};
                         }};
        const auto able = check.check();
        ASSERT_FALSE(able);
        EXPECT_NE(able.error().message.find("hang"), std::string::npos) << able.error().message;
        EXPECT_FALSE(check.check()) << "the same check";
    }
    EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds{5});
    *hangs = false;
    hangs->notify_all();
}

}  // namespace
}  // namespace adapters::linux_host
