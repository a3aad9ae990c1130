#include "model/lock_text.h"

#include <gtest/gtest.h>

namespace model {
namespace {

TEST(LockText, IsReadAsItIsWritten) {
    const LockText lock{.holder = "4711", .state_file = "/run/x.state"};
    EXPECT_EQ(to_text(lock), "4711\n/run/x.state\n");
    EXPECT_EQ(parse_lock_text(to_text(lock)), lock);
    EXPECT_EQ(parse_lock_text(to_text(lock) + "more\n"), lock);
}

TEST(LockText, ALineThatWasNotWrittenWholeIsLeftOut) {
    EXPECT_EQ(parse_lock_text(""), LockText{});
    EXPECT_EQ(parse_lock_text("47"), LockText{});
    EXPECT_EQ(parse_lock_text("4711\n"), (LockText{.holder = "4711", .state_file = {}}));
    EXPECT_EQ(parse_lock_text("4711\n/run/x"), (LockText{.holder = "4711", .state_file = {}}));
}

}  // namespace
}  // namespace model
