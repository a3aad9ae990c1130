#include "model/exit_status.h"

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <csignal>
#include <string>

namespace model {
namespace {

TEST(ExitText, NamesTheExitOrTheSignal) {
    EXPECT_EQ(exit_text(0), "exit 0");
    EXPECT_EQ(exit_text(3 << 8), "exit 3");
    EXPECT_EQ(exit_text(255 << 8), "exit 255");
    EXPECT_EQ(exit_text(SIGSEGV), "signal 11 (SEGV)");
    EXPECT_EQ(exit_text(SIGKILL | 0x80), "signal 9 (KILL)");  // with a core dump
    EXPECT_EQ(exit_text(40), "signal 40");
}

// Statuses of stopped or continued processes look similar.
TEST(ExitText, OfOneThatLivesIsNoExit) {
    EXPECT_EQ(exit_text((SIGSTOP << 8) | 0x7f), "status 4991");
    EXPECT_EQ(exit_text(0xffff), "status 65535");
}

TEST(ExitText, AgreesWithTheSystemsOwnReading) {
    for (int status = 0; status <= 0xffff; ++status) {
        const auto text = exit_text(status);
        ASSERT_EQ(text.starts_with("exit "), WIFEXITED(status)) << status;
        ASSERT_EQ(text.starts_with("signal "), WIFSIGNALED(status)) << status;
        if (WIFEXITED(status)) {
            ASSERT_EQ(text, "exit " + std::to_string(WEXITSTATUS(status)));
        }
        if (WIFSIGNALED(status)) {
            ASSERT_TRUE(text.starts_with("signal " + std::to_string(WTERMSIG(status)))) << status;
        }
    }
}

}  // namespace
}  // namespace model
