#include "model/path_text.h"

#include <gtest/gtest.h>

namespace model {
namespace {

TEST(PathText, DirectoryAndNameOfAnAbsolutePath) {
    EXPECT_EQ(directory_of("/a/b"), "/a");
    EXPECT_EQ(directory_of("/a"), "/");
    EXPECT_EQ(directory_of("/a/b/c.d"), "/a/b");
    EXPECT_EQ(name_of("/a/b/c.d"), "c.d");
}

TEST(PathText, TemporaryNamesAreHiddenAndRecognized) {
    EXPECT_EQ(temporary_of("/a/b"), "/a/.b.tmp");
    EXPECT_TRUE(is_temporary(".b.tmp"));
    EXPECT_FALSE(is_temporary("b.tmp"));
    EXPECT_FALSE(is_temporary(".b"));
    EXPECT_FALSE(is_temporary(".tmp")) << "of no file";
}

}  // namespace
}  // namespace model
