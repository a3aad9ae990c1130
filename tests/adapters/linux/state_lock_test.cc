#include "adapters/linux/state_lock.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "tests/support/result.h"
#include "tests/support/temp_dir.h"

namespace adapters::linux_host {
namespace {

using model::Errc;
using test_support::code_of;
using ::testing::HasSubstr;

TEST(StateLock, IsHeldByOneAtATimeAndGivenBack) {
    const test_support::TempDir directory;
    {
        auto first = StateLock::take(directory.path());
        ASSERT_TRUE(first) << first.error().message;
        EXPECT_EQ(code_of(StateLock::take(directory.path())), Errc::conflict);
        // Moving the value moves the lock.
        const auto moved = std::move(*first);
        EXPECT_EQ(code_of(StateLock::take(directory.path())), Errc::conflict);
    }
    EXPECT_TRUE(StateLock::take(directory.path()));
}

TEST(StateLock, NamesWhoHoldsItAndLeavesTheFileAsItIs) {
    const test_support::TempDir directory;
    const auto path = directory.path() + "/lock";
    std::ofstream{path} << "4711\n/run/x.state\n";
    const auto lock = StateLock::take(directory.path());
    ASSERT_TRUE(lock);
    EXPECT_THAT(StateLock::take(directory.path()).error().message,
                HasSubstr(path + " is held by process 4711"));
    std::ifstream file{path};
    const std::string text{std::istreambuf_iterator<char>{file}, {}};
    EXPECT_EQ(text, "4711\n/run/x.state\n");
    std::ofstream{path} << "no pid\n";
    EXPECT_THAT(StateLock::take(directory.path()).error().message,
                HasSubstr("is held by another process"));
}

TEST(StateLock, WhatIsNoFileOfOursIsRefused) {
    const test_support::TempDir directory;
    EXPECT_EQ(code_of(StateLock::take(directory.path() + "/absent")), Errc::invalid);
    std::ofstream{directory.path() + "/elsewhere"} << "";
    std::filesystem::create_symlink(directory.path() + "/elsewhere", directory.path() + "/lock");
    EXPECT_EQ(code_of(StateLock::take(directory.path())), Errc::invalid);
}

}  // namespace
}  // namespace adapters::linux_host
