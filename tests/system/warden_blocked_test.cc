// The warden blocks in nothing but its own poll: whatever it writes to may be full, stopped or
// hung, and the strike still comes in time.
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "tests/support/processes.h"
#include "tests/system/held_calls.h"
#include "tests/system/warden_world.h"
#include "warden/cgroup.h"
#include "warden/state_file.h"

namespace tests {
namespace {

using namespace std::chrono_literals;

class WardenBlocked : public WardenWorld {
protected:
    // A node process with a deadline, and a backend with descendants.
    std::unique_ptr<NodeLink> activate(int ms) {
        auto node = next_node();
        EXPECT_EQ(node->ask("start " + family()).substr(0, 6), "fenced");
        hold(*node, ms);
        EXPECT_EQ(node->ask("start " + family()), "ok");
        EXPECT_TRUE(
            eventually([&] { return lives(pid_in("child")) && lives(pid_in("grandchild")); }));
        return node;
    }
    void hold(NodeLink& node, int ms) {
        held_ = node.ask("set_deadline " + std::to_string(ms));
        EXPECT_EQ(held_.substr(0, 3), "ok ");
    }
    // All of them die at the strike time.
    void expect_strike(pid_t node) {
        const auto child = pid_in("child");
        const auto grandchild = pid_in("grandchild");
        EXPECT_TRUE(
            eventually([&] { return !lives(node) && !lives(child) && !lives(grandchild); }, 5s));
        EXPECT_GE(now(), strike_time(held_));
        EXPECT_LT(now(), strike_time(held_) + 400ms)
            << "node process " << lives(node) << ", child " << lives(child) << ", grandchild "
            << lives(grandchild);
    }
    // The helper sets its name a moment after its start.
    pid_t helper(const std::string& name) const {
        pid_t found = 0;
        EXPECT_TRUE(eventually([&] {
            for (const auto pid : test_support::children(warden_))
                if (read_file("/proc/" + std::to_string(pid) + "/comm") == name + "\n") found = pid;
            return found > 0;
        })) << name;
        return found;
    }
    std::map<int, std::string> descriptors() const {
        std::map<int, std::string> all;
        for (const auto& each :
             std::filesystem::directory_iterator{"/proc/" + std::to_string(warden_) + "/fd"}) {
            std::error_code closed;  // since it was listed
            const auto what = std::filesystem::read_symlink(each.path(), closed);
            if (!closed) all[std::stoi(each.path().filename())] = what;
        }
        return all;
    }
    // As if it was killed, with all that it leaves behind.
    void forget_warden() {
        ::kill(warden_, SIGKILL);
        ASSERT_TRUE(wait_warden());
        for (const auto* const name : {"state", "child", "grandchild", "log"})
            std::filesystem::remove(path(name));
    }
    std::string held_;
};

// Calls of the backend and of processes started by the test, not of the warden's own.
bool is_child(const HeldCalls::Call& call) {
    static const std::set<std::string> names{"sh", "sleep", "warden_fake_nod", "setsid"};
    return names.count(call.program) > 0;
}

TEST_F(WardenBlocked, StrikesInTimeWhicheverOfItsDescriptorsIsBlocked) {
    const int socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    path("notify").copy(at.sun_path, sizeof at.sun_path - 1);
    ASSERT_EQ(::bind(socket, reinterpret_cast<const sockaddr*>(&at), sizeof at), 0);
    std::size_t tried = 0;
    for (std::size_t turn = 0, count = 1; turn < count; ++turn) {
        HeldCalls calls;
        start_warden({.in_child = [&] {
            ::setenv("NOTIFY_SOCKET", path("notify").c_str(), 1);
            ::setenv("WATCHDOG_USEC", "100000", 1);
            ::unsetenv("WATCHDOG_PID");
            calls.install();
        }});
        calls.attach(warden_);
        const auto node = activate(2000);
        const auto all = descriptors();
        count = all.size();
        if (turn >= count) break;
        const auto [fd, file] = *std::next(all.begin(), static_cast<std::ptrdiff_t>(turn));
        SCOPED_TRACE(std::to_string(fd) + " is " + file);
        hold(*node, 1000);
        // The log file is also descriptor 1.
        calls.hold(
            [file = file](const auto& call) { return !is_child(call) && call.file == file; });
        expect_strike(node->pid());
        for (const auto& call : calls.held())
            // The one call that may block, on other work of the kernel with cgroups: with real-time
            // priority it is the surest way to kill all processes of a cgroup at once. By then
            // every known process got its signal.
            EXPECT_FALSE(call.pid == warden_ && call.waits &&
                         call.file.find("/cgroup.kill") == std::string::npos)
                << call.file;
        ++tried;
        forget_warden();
    }
    std::printf("%zu descriptors\n", tried);
    EXPECT_GT(tried, 15U);
    ::close(socket);
}

// Reading another process's data in /proc may block on that process: done by a helper, and last.
TEST_F(WardenBlocked, StrikesThoughAProcessThatItReadsHangs) {
    HeldCalls calls;
    start_warden({.in_child = [&] { calls.install(); }});
    calls.attach(warden_);
    const auto node = activate(1500);
    calls.hold([](const auto& call) {
        return !is_child(call) && call.file.find("/environ") != std::string::npos;
    });
    const Bystander younger;  // younger than the backend, so it might belong to it
    expect_strike(node->pid());
    // It does not delay the node process's start either: it is not a leftover.
    auto next = next_node();
    EXPECT_TRUE(eventually([&] { return next->view("running") == "0"; }));
    EXPECT_TRUE(eventually([&] { return !calls.held().empty(); }));
    for (const auto& call : calls.held())
        EXPECT_EQ(call.program, "convex-search");
    EXPECT_TRUE(lives(younger.pid()));
}

// The kernel's rtnl lock, held by another process.
TEST_F(WardenBlocked, StrikesThoughAnAddressCannotBeTakenOff) {
    HeldCalls calls;
    start_warden({.in_child =
                      [&] {
                          (void)::unshare(CLONE_NEWNET);
                          calls.install();
                      },
                  .items = {model::WardenTarget{.kind = model::WardenTarget::Kind::address,
                                                .name = "192.0.2.7/32",
                                                .interface = "lo"}}});
    calls.attach(warden_);
    const auto node = activate(1500);
    ASSERT_EQ(node->ask("register 2"), "ok");
    calls.hold([](const auto& call) { return call.program == "convex-unbind" && call.fd >= 0; });
    expect_strike(node->pid());
    auto next = next_node();
    EXPECT_EQ(next->ask("set_deadline 3000").substr(0, 2), "ok") << "it goes on";
    EXPECT_FALSE(calls.held().empty());
    EXPECT_EQ(next->ask("set_deadline none").substr(0, 2), "ok");
    EXPECT_TRUE(eventually([&] {
        return log().find("warden.target_stuck reason=\"the kernel does not answer") !=
               std::string::npos;
    })) << log();
}

// Leftovers of an earlier warden are searched in the same way. A cgroup, if there was one, proves
// their death independently; without one it stays unknown.
TEST_F(WardenBlocked, ALeftoverWithoutACgroupIsNotKnownToBeDeadWhileTheSearchHangs) {
    for (const bool contained : {true, false}) {
        const auto cgroup = *warden::create_cgroup(warden::cgroup_name(path("lock")));
        auto boot = read_file("/proc/sys/kernel/random/boot_id");
        boot.pop_back();
        ASSERT_TRUE(warden::save_state(
            path("state"),
            {.boot_id = boot,
             .backend = warden::Saved::Backend{.token = "gone-" + std::to_string(::getpid()),
                                               .cgroup = contained ? cgroup : ""}}));
        HeldCalls calls;
        start_warden({.in_child = [&] { calls.install(); }});
        calls.hold([](const auto& call) {
            return call.program == "convex-search" &&
                   call.file.find("/environ") != std::string::npos;
        });
        calls.attach(warden_);
        auto node = next_node();
        EXPECT_EQ(node->view("running"), "1");
        if (contained) {
            EXPECT_TRUE(eventually([&] { return node->view("running") == "0"; }));
        } else {
            EXPECT_TRUE(eventually([&] { return node->view("unknown") == "1"; }));
            EXPECT_TRUE(eventually([&] {
                return log().find("the search for its processes hangs") != std::string::npos;
            }));
        }
        forget_warden();
    }
}

// The log as a file on a file system that hangs, or anything else that does not support
// non-blocking writes.
TEST_F(WardenBlocked, NeverWritesToTheLogItself) {
    HeldCalls calls;
    start_warden({.in_child = [&] { calls.install(); }});
    calls.attach(warden_);
    calls.hold([](const auto& call) { return !is_child(call) && call.fd == STDERR_FILENO; });
    const auto node = activate(1500);
    expect_strike(node->pid());
    EXPECT_EQ(next_node()->view("until"), "0");
    EXPECT_TRUE(eventually([&] { return !calls.held().empty(); }));
    for (const auto& call : calls.held())
        EXPECT_EQ(call.program, "convex-log-out");
    // Its end does not wait for the log, either.
    const auto before = now();
    ::kill(warden_, SIGTERM);
    EXPECT_TRUE(wait_warden(2s));
    EXPECT_LT(now(), before + 1s);
}

TEST_F(WardenBlocked, StrikesWhileItsTerminalIsStopped) {
    const int terminal = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    ASSERT_TRUE(::grantpt(terminal) == 0 && ::unlockpt(terminal) == 0);
    const int screen = ::open(::ptsname(terminal), O_RDWR | O_NOCTTY | O_CLOEXEC);
    ASSERT_GE(screen, 0);
    ASSERT_EQ(::tcflow(screen, TCOOFF), 0);  // Ctrl-S
    start_warden({.in_child = [&] { ::dup2(screen, STDERR_FILENO); }});
    const auto node = activate(1500);
    expect_strike(node->pid());
    EXPECT_EQ(next_node()->view("until"), "0");
    ASSERT_EQ(::tcflow(screen, TCOON), 0);
    std::string shown;
    EXPECT_TRUE(eventually([&] {
        char text[4096];
        const auto got = ::read(terminal, text, sizeof text);
        if (got > 0) shown.append(text, static_cast<std::size_t>(got));
        return shown.find("warden.struck") != std::string::npos;
    })) << shown;
    ::close(screen);
    ::close(terminal);
}

TEST_F(WardenBlocked, DropsAndCountsWhatItsHelperDoesNotTake) {
    start_warden();
    const auto node = next_node();
    const auto collector = helper("convex-log-in");
    ASSERT_GT(collector, 0);
    const std::unique_ptr<const pid_t, void (*)(const pid_t*)> stopped{
        &collector, [](const pid_t* pid) { ::kill(*pid, SIGCONT); }};
    ::kill(collector, SIGSTOP);
    for (const auto& [fd, file] : descriptors()) {
        if (file.rfind("pipe:", 0) != 0) continue;
        const int pipe =
            ::open(("/proc/" + std::to_string(warden_) + "/fd/" + std::to_string(fd)).c_str(),
                   O_RDWR | O_NONBLOCK | O_CLOEXEC);
        EXPECT_GE(::fcntl(pipe, F_SETPIPE_SZ, 4096), 0);
        ::close(pipe);
    }
    // Each makes two log lines of the warden: more than the pipe holds.
    for (int i = 0; i < 60; ++i) {
        ASSERT_EQ(node->ask("set_deadline 3000").substr(0, 2), "ok");
        (void)node->ask("start exit 3");
        ASSERT_TRUE(eventually([&] {
            return node->view("running") == "0" && node->view("starts") == std::to_string(i + 1);
        }));
    }
    EXPECT_EQ(log().find("log.lines_dropped"), std::string::npos);
    ::kill(collector, SIGCONT);
    EXPECT_TRUE(eventually([&] {
        EXPECT_EQ(node->ask("set_deadline 3000").substr(0, 2), "ok");
        (void)node->ask("start exit 3");
        return log().find("log.lines_dropped lines=") != std::string::npos;
    }));
}

// A log without a reader does not block the backend either; and the backend does not write to the
// log itself.
TEST_F(WardenBlocked, DrainsTheBackendsOutputThoughNobodyReadsTheLog) {
    int pipe_fds[2] = {-1, -1};
    ASSERT_EQ(::pipe2(pipe_fds, O_CLOEXEC), 0);
    start_warden({.in_child = [&] { ::dup2(pipe_fds[1], STDERR_FILENO); }});
    auto node = next_node();
    EXPECT_EQ(node->ask("set_deadline 3000").substr(0, 2), "ok");
    EXPECT_EQ(node->ask("start head -c 3000000 /dev/zero | tr '\\0' '\\n'; "
                        "head -c 3000000 /dev/zero | tr '\\0' '\\n' >&2; touch " +
                        path("done") + "; exec sleep 600"),
              "ok");
    EXPECT_TRUE(eventually([&] { return std::filesystem::exists(path("done")); }, 3s));
    EXPECT_NE(read_file("/proc/" + node->view("pid") + "/comm"), "");
    const auto log_pipe =
        std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(pipe_fds[1]));
    for (const auto* const fd : {"/fd/1", "/fd/2"})
        EXPECT_NE(std::filesystem::read_symlink("/proc/" + node->view("pid") + fd), log_pipe);
    ::close(pipe_fds[0]);
    ::close(pipe_fds[1]);
}

TEST_F(WardenBlocked, AnotherHelperComesForOneThatDied) {
    start_warden();
    auto node = next_node();
    EXPECT_EQ(node->ask("set_deadline 3000").substr(0, 2), "ok");
    EXPECT_EQ(node->ask("start while :; do echo alive; sleep 0.02; done"), "ok");
    const auto backend = std::stoi(node->view("pid"));
    for (const auto* const name : {"convex-log-in", "convex-log-out"}) {
        const auto old = helper(name);
        ASSERT_GT(old, 0);
        ASSERT_TRUE(eventually([&] { return log().find("alive") != std::string::npos; }));
        ::kill(old, SIGKILL);
        EXPECT_TRUE(eventually([&] {
            EXPECT_EQ(node->ask("set_deadline 3000").substr(0, 2), "ok");
            const auto fresh = helper(name);
            return fresh > 0 && fresh != old;
        }));
        std::filesystem::resize_file(path("log"), 0);
        EXPECT_TRUE(eventually([&] { return log().find("alive") != std::string::npos; }));
    }
    EXPECT_TRUE(lives(backend));
}

TEST_F(WardenBlocked, TakesNoHelperAlong) {
    start_warden({.node = {"orderly"}});
    auto node = next_node();
    const std::vector<pid_t> helpers{helper("convex-log-in"), helper("convex-log-out")};
    ::kill(warden_, SIGTERM);
    EXPECT_EQ(wait_warden(), 0);
    EXPECT_NE(log().find("warden.stopping"), std::string::npos) << "printed before its end";
    for (const auto pid : helpers)
        EXPECT_TRUE(eventually([&] { return !lives(pid); }));
    // A killed warden leaves no helper behind, either.
    start_warden();
    node = next_node();
    const std::vector<pid_t> more{helper("convex-log-in"), helper("convex-log-out")};
    ::kill(warden_, SIGKILL);
    ASSERT_TRUE(wait_warden());
    for (const auto pid : more)
        EXPECT_TRUE(eventually([&] { return !lives(pid); }));
}

}  // namespace
}  // namespace tests
