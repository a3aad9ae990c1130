#include "warden/lock.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace warden {
namespace {

using model::Errc;

class LockTest : public testing::Test {
protected:
    void SetUp() override {
        char name[] = "/tmp/warden_lock_XXXXXX";
        ASSERT_NE(::mkdtemp(name), nullptr);
        directory_ = name;
    }
    void TearDown() override { std::filesystem::remove_all(directory_); }
    std::string path() const { return directory_ + "/lock"; }

    std::string directory_;
};

TEST_F(LockTest, IsHeldByOneAndSaysWhoAndWhere) {
    EXPECT_EQ(Lock::take(path(), Lock::Create::no).error().code, Errc::not_found);
    {
        const auto first = Lock::take(path(), Lock::Create::yes);
        ASSERT_TRUE(first);
        EXPECT_EQ(Lock::take(path(), Lock::Create::yes).error(),
                  model::error(Errc::conflict, "unknown"));
        ASSERT_TRUE(first->write(4711, "/run/x/state"));
        EXPECT_EQ(Lock::take(path(), Lock::Create::no).error(),
                  model::error(Errc::conflict, "4711"));
    }
    const auto text = read_lock(path());
    EXPECT_EQ(text.holder, "4711");
    EXPECT_EQ(text.state_file, "/run/x/state");
    EXPECT_EQ(text.owner, ::geteuid());
    const auto second = Lock::take(path(), Lock::Create::no);
    ASSERT_TRUE(second);
    EXPECT_EQ(read_lock(path()).state_file, "/run/x/state") << "until it says something else";
    ASSERT_TRUE(second->write(4, "/s"));
    EXPECT_EQ(read_lock(path()).holder, "4");
}

TEST_F(LockTest, IsNotBelievedWhereOthersCanHaveWrittenIt) {
    ASSERT_TRUE(Lock::take(path(), Lock::Create::yes)->write(4711, "/run/x/state"));
    ASSERT_EQ(::chmod(path().c_str(), 0666), 0);
    EXPECT_EQ(read_lock(path()).state_file, "");
    ASSERT_EQ(::chmod(path().c_str(), 0644), 0);
    EXPECT_EQ(read_lock(path()).state_file, "/run/x/state");
    std::filesystem::create_symlink(path(), path() + "2");
    EXPECT_EQ(read_lock(path() + "2").state_file, "");
    EXPECT_FALSE(Lock::take(path() + "2", Lock::Create::yes));
    std::filesystem::create_hard_link(path(), path() + "3");
    EXPECT_EQ(read_lock(path()).state_file, "");
}

TEST_F(LockTest, WaitsForNothingInItsPlace) {
    ASSERT_EQ(::mkfifo(path().c_str(), 0600), 0);
    EXPECT_EQ(Lock::take(path(), Lock::Create::yes).error().code, Errc::unavailable);
    EXPECT_EQ(read_lock(path()).holder, "");
    EXPECT_EQ(Lock::take(directory_, Lock::Create::yes).error().code, Errc::unavailable);
}

}  // namespace
}  // namespace warden
