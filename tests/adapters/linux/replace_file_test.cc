#include "adapters/linux/replace_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "tests/support/processes.h"
#include "tests/support/result.h"
#include "tests/support/temp_dir.h"

namespace adapters::linux_host {
namespace {

using model::Errc;
using test_support::read_text;

struct stat status(const std::string& path) {
    struct stat what {};
    EXPECT_EQ(::stat(path.c_str(), &what), 0);
    return what;
}

TEST(ReplaceFile, MakesOneThatOthersCanReadAndTouchesItOnlyWhereItChanges) {
    const test_support::TempDir directory;
    const auto path = directory.path() + "/targets.json";
    EXPECT_TRUE(replace_file(path, "[]").value());
    const auto first = status(path);
    EXPECT_EQ(first.st_mode & 07777U, 0644U);
    EXPECT_FALSE(replace_file(path, "[]").value());
    EXPECT_EQ(status(path).st_ino, first.st_ino);
    ASSERT_EQ(::chmod(path.c_str(), 0640), 0);
    EXPECT_TRUE(replace_file(path, "[1]").value());
    EXPECT_EQ(read_text(path), "[1]");
    EXPECT_NE(status(path).st_ino, first.st_ino) << "a reader never sees a part";
    EXPECT_EQ(status(path).st_mode & 07777U, 0640U);
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator{directory.path()}, {}), 1);
}

TEST(ReplaceFile, ThatFailsLeavesWhatWasThere) {
    const test_support::TempDir directory;
    const auto path = directory.path() + "/is-a-directory";
    std::filesystem::create_directory(path);
    EXPECT_EQ(test_support::code_of(replace_file(path, "x")), Errc::unavailable);
    EXPECT_EQ(test_support::code_of(replace_file("/no/such/place", "x")), Errc::unavailable);
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator{directory.path()}, {}), 1);
}

}  // namespace
}  // namespace adapters::linux_host
