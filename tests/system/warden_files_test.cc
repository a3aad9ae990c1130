// The real warden and its files: the locks, and the state files of other wardens.
#include <signal.h>
#include <sys/stat.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "tests/system/warden_alone.h"
#include "warden/cgroup.h"
#include "warden/proc.h"
#include "warden/state_file.h"

namespace tests {
namespace {

using namespace std::chrono_literals;

// The second line of the lock in stateDir names the state file: it is used however the next daemon
// is started.
TEST_F(WardenAlone, EnforcesTheFileThatTheLockNamesToo) {
    ASSERT_EQ(::mkdir(path("run").c_str(), 0700), 0);
    start_warden({.state_file = path("run/state")});
    auto node = next_node();
    EXPECT_EQ(node->ask("claim n1-abc"), "ok");
    ASSERT_EQ(node->ask("set_deadline 3000").substr(0, 2), "ok");
    ASSERT_EQ(node->ask("start " + family()), "ok");
    ASSERT_TRUE(eventually([&] { return lives(pid_in("grandchild")); }));
    const auto until = node->view("until");
    EXPECT_EQ(lock_line(1), path("run/state"));
    ::kill(warden_, SIGKILL);
    ASSERT_TRUE(wait_warden());
    // Started by hand, without a cgroup, and with another state file.
    cgroup_ = false;
    start_warden();
    node = next_node();
    EXPECT_TRUE(eventually([&] { return !lives(pid_in("grandchild")); }));
    EXPECT_TRUE(eventually([&] { return node->view("running") == "0"; }));
    EXPECT_EQ(node->view("until"), until);
    EXPECT_EQ(node->view("incarnation"), "n1-abc");
    EXPECT_EQ(lock_line(0), std::to_string(warden_));
    EXPECT_EQ(lock_line(1), path("state"));
    EXPECT_FALSE(std::filesystem::exists(path("run/state"))) << "all of it is in the new one";
    cgroup_ = true;
}

// A copied stateDir: the state file that its lock names belongs to another warden, which runs.
TEST_F(WardenAlone, LeavesAloneWhatAnotherWardenHolds) {
    start_warden();
    auto node = next_node();
    ASSERT_EQ(node->ask("set_deadline 3000").substr(0, 2), "ok");
    ASSERT_EQ(node->ask("start sleep 600"), "ok");
    const auto backend = std::stoi(node->view("pid"));
    const auto first = warden_;
    ASSERT_EQ(::mkdir(path("copy").c_str(), 0700), 0);
    std::filesystem::copy_file(path("lock"), path("copy/lock"));
    start_warden({.options = {"--state-dir", path("copy"), "--cgroup", "off"},
                  .state_file = path("copy/state")});
    auto other = next_node();
    EXPECT_EQ(other->view("running"), "0");
    EXPECT_EQ(node->ask("set_deadline 3000").substr(0, 2), "ok");
    EXPECT_TRUE(lives(backend));
    EXPECT_TRUE(std::filesystem::exists(path("state")));
    ::kill(warden_, SIGKILL);
    ASSERT_TRUE(wait_warden());
    // Its file is not used by a second warden, either.
    const auto [status, text] = run_warden({"--state-dir",
                                            path("copy"),
                                            "--state-file",
                                            path("state"),
                                            "--ttl-ms",
                                            "3000",
                                            "--margin-ms",
                                            "1000",
                                            "--",
                                            "/bin/true"});
    EXPECT_EQ(status, 1);
    EXPECT_NE(text.find("uses the state file"), std::string::npos) << text;
    warden_ = first;
}

TEST_F(WardenAlone, ASecondOneOnTheSameDatabaseIsRefused) {
    const auto database = path("app.db");
    start_warden({.options = {"--data-path", database}});
    auto node = next_node();
    ASSERT_EQ(::mkdir(path("other").c_str(), 0700), 0);
    std::vector<std::string> arguments{"--state-dir",
                                       path("other"),
                                       "--state-file",
                                       path("other/state"),
                                       "--data-path",
                                       database,
                                       "--ttl-ms",
                                       "3000",
                                       "--margin-ms",
                                       "1000",
                                       "--cgroup",
                                       "off",
                                       "--",
                                       "/bin/true"};
    const auto [status, text] = run_warden(arguments);
    EXPECT_EQ(status, 1);
    EXPECT_NE(text.find("pid " + std::to_string(warden_) + ")"), std::string::npos) << text;
    EXPECT_NE(text.find(database + ".daemon-lock"), std::string::npos) << text;
    EXPECT_EQ(node->ask("set_deadline 2000").substr(0, 2), "ok");
    // The lock belongs to the process and is released when it dies.
    ::kill(warden_, SIGKILL);
    ASSERT_TRUE(wait_warden());
    arguments.back() = "/bin/false";
    arguments.insert(arguments.end() - 2, {"--stop-timeout-ms", "1000"});
    start_warden({.options = {"--data-path", database}});
    EXPECT_NE(next_node()->view("until"), "");
}

TEST_F(WardenAlone, DoesNotRunWhereOthersCouldWriteItsFile) {
    ASSERT_EQ(::mkdir(path("open").c_str(), 0700), 0);
    ::chmod(path("open").c_str(), 0777);
    auto arguments = files();
    arguments.insert(
        arguments.end(),
        {"--state-file", path("open/state"), "--ttl-ms", "3000", "--margin-ms", "1000", "--"});
    arguments.emplace_back("/bin/true");
    const auto [status, text] = run_warden(arguments);
    EXPECT_EQ(status, 1);
    EXPECT_NE(text.find("others can write to it"), std::string::npos) << text;
}

TEST_F(WardenAlone, AForgedFileKillsNobodyAndAFifoHoldsNothingUp) {
    Bystander innocent;
    const auto forge = [&] {
        ASSERT_TRUE(warden::save_state(path("state"),
                                       {.boot_id = boot_id(),
                                        .backend = warden::Saved::Backend{
                                            .token = token_,
                                            .pid = innocent.pid(),
                                            .start_ticks = *warden::start_ticks(innocent.pid())}}));
    };
    forge();
    ASSERT_EQ(::chown(path("state").c_str(), 65534, 65534), 0);
    start_warden();
    EXPECT_EQ(next_node()->view("running"), "0");
    EXPECT_TRUE(
        eventually([&] { return log().find("warden.state_unreadable") != std::string::npos; }));
    EXPECT_TRUE(lives(innocent.pid()));
    ::kill(warden_, SIGKILL);
    ASSERT_TRUE(wait_warden());
    std::filesystem::remove(path("state"));
    ASSERT_EQ(::mkfifo(path("state").c_str(), 0600), 0);
    start_warden();
    EXPECT_EQ(next_node()->view("running"), "0");
}

// As user nobody, with few rights; a command run by root works all the same.
TEST_F(WardenAlone, RootStrikesForAnotherUsersDaemon) {
    for (const auto& each : {directory_, path("ctl")})
        ASSERT_EQ(::chown(each.c_str(), 65534, 65534), 0);
    for (const bool alive : {true, false}) {
        start_warden({.in_child = [] {
            (void)::setresgid(65534, 65534, 65534);
            (void)::setresuid(65534, 65534, 65534);
        }});
        auto node = next_node();
        ASSERT_EQ(node->ask("set_deadline 3000").substr(0, 2), "ok");
        ASSERT_EQ(node->ask("start " + family()), "ok");
        ASSERT_TRUE(eventually([&] { return lives(pid_in("grandchild")); }));
        if (!alive) {
            ::kill(warden_, SIGKILL);
            ASSERT_TRUE(wait_warden());
        }
        EXPECT_EQ(run_warden({"--strike-only",
                              "--state-dir",
                              directory_,
                              "--state-file",
                              "/dev/shm/no-such-directory/state"}),
                  (std::pair<int, std::string>{0, ""}));
        EXPECT_FALSE(lives(pid_in("grandchild")));
        if (!alive) continue;
        EXPECT_EQ(next_node()->view("until"), "0");
        ::kill(warden_, SIGKILL);
        ASSERT_TRUE(wait_warden());
        for (const auto* const name : {"child", "grandchild"})
            std::filesystem::remove(path(name));
    }
    for (const auto& each : {directory_, path("ctl")})
        ASSERT_EQ(::chown(each.c_str(), 0, 0), 0);
    std::filesystem::remove(path("state"));
}

TEST_F(WardenAlone, AStrikeThatCannotProveDeathFailsAndLeavesNoLock) {
    auto arguments = files();
    arguments.emplace_back("--strike-only");
    EXPECT_EQ(run_warden(arguments), (std::pair<int, std::string>{0, ""})) << "there is nothing";
    EXPECT_FALSE(std::filesystem::exists(path("lock")));
    std::ofstream{path("state")} << "damaged";
    const auto [status, text] = run_warden(arguments);
    EXPECT_EQ(status, 1);
    EXPECT_NE(text.find("damaged"), std::string::npos) << text;
}

}  // namespace
}  // namespace tests
