// The real warden with real processes. Rules W0 to W6.
#include <sched.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "model/exit_status.h"
#include "tests/support/processes.h"
#include "tests/system/warden_world.h"
#include "warden/cgroup.h"
#include "warden/proc.h"
#include "warden/state_file.h"

namespace tests {
namespace {

using namespace std::chrono_literals;

// Each test runs twice: contained by a cgroup, and by the token in the environment.
class Warden : public WardenWorld, public testing::WithParamInterface<bool> {
protected:
    Warden() { cgroup_ = GetParam(); }

    // A node process with a deadline `ms` from now, and a backend with descendants.
    std::unique_ptr<NodeLink> active(int ms = 3000) {
        start_warden();
        return activate(ms);
    }
    std::unique_ptr<NodeLink> activate(int ms) {
        auto node = next_node();
        held_ = node->ask("set_deadline " + std::to_string(ms));
        EXPECT_EQ(held_.substr(0, 3), "ok ");
        EXPECT_EQ(node->ask("start " + family()), "ok");
        EXPECT_TRUE(
            eventually([&] { return lives(pid_in("child")) && lives(pid_in("grandchild")); }));
        return node;
    }
    std::string held_;
};

INSTANTIATE_TEST_SUITE_P(Containment, Warden, testing::Values(true, false), [](const auto& which) {
    return which.param ? "ByCgroup" : "ByToken";
});

TEST_P(Warden, KillsAllAtTheStrikeTimeAndNotBefore) {
    auto node = active(1500);
    const auto strike = strike_time(held_);
    const auto node_pid = node->pid();
    EXPECT_TRUE(eventually([&] { return !lives(node_pid); }));
    const auto node_dead = now();
    EXPECT_TRUE(
        eventually([&] { return !lives(pid_in("child")) && !lives(pid_in("grandchild")); }));
    const auto all_dead = now();
    EXPECT_GE(node_dead, strike);
    EXPECT_LT(all_dead, strike + 400ms);
    RecordProperty("all_dead_after_strike_us", static_cast<int>((all_dead - strike) / 1us));
    std::printf("node dead %+ld us, all dead %+ld us after the strike time\n",
                static_cast<long>((node_dead - strike) / 1us),
                static_cast<long>((all_dead - strike) / 1us));
    // The next node process is a candidate.
    auto next = next_node();
    EXPECT_EQ(next->view("until"), "0");
    // Dead means observed dead: the warden may have been asked before it reaped the last process.
    EXPECT_TRUE(eventually([&] { return next->view("running") == "0"; }));
    EXPECT_EQ(next->ask("start sleep 600").substr(0, 6), "fenced");
}

/// This process, and what it starts, on one processor.
class OneProcessor {
public:
    OneProcessor() {
        ::sched_getaffinity(0, sizeof before_, &before_);
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(static_cast<unsigned>(::sched_getcpu()), &one);
        EXPECT_EQ(::sched_setaffinity(0, sizeof one, &one), 0);
    }
    ~OneProcessor() { ::sched_setaffinity(0, sizeof before_, &before_); }
    OneProcessor(const OneProcessor&) = delete;
    OneProcessor& operator=(const OneProcessor&) = delete;

private:
    cpu_set_t before_{};
};

// Somebody who reads the files of a process in /proc keeps the kernel from removing it. A warden of
// real-time priority that reaped it meanwhile kept the processor from both, for 0.95 s.
TEST_P(Warden, ReapsWithoutTakingTheProcessorFromWhoReadsProc) {
    const OneProcessor one;
    start_warden();
    for (int i = 0; i < 3; ++i) {
        const auto node = activate(1000);
        const auto strike = strike_time(held_);
        const auto node_pid = node->pid();
        EXPECT_TRUE(eventually([&] { return !lives(node_pid); }));
        EXPECT_LT(now(), strike + 400ms);
        EXPECT_TRUE(eventually([&] {
            return (::sched_getscheduler(warden_) & ~SCHED_RESET_ON_FORK) == SCHED_FIFO;
        })) << "it has taken its priority again";
    }
}

TEST_P(Warden, KillsProcessesThatAreStopped) {
    auto node = active(1500);
    for (const pid_t pid : {node->pid(), pid_in("child"), pid_in("grandchild")}) {
        ASSERT_GT(pid, 0);
        ::kill(pid, SIGSTOP);
    }
    EXPECT_TRUE(eventually([&] {
        return !lives(node->pid()) && !lives(pid_in("child")) && !lives(pid_in("grandchild"));
    }));
    EXPECT_LT(now(), strike_time(held_) + 400ms);
}

// With a session, an environment and, where there is one, a cgroup of its own, nothing marks it as
// part of the backend.
TEST_P(Warden, KillsWhatGotAwayFromTheBackend) {
    start_warden();
    auto node = next_node();
    held_ = node->ask("set_deadline 1500");
    ASSERT_EQ(held_.substr(0, 2), "ok");
    const auto elsewhere = GetParam()
                               ? *warden::create_cgroup("warden-test-" + std::to_string(::getpid()))
                               : std::string{};
    const auto leave = elsewhere.empty() ? "" : "echo $$ > " + elsewhere + "/cgroup.procs; ";
    EXPECT_EQ(node->ask("start (setsid env -i /bin/sh -c 'echo $$ > " + path("grandchild") + "; " +
                        leave + "/bin/sleep 600; /bin/true' &); echo $$ > " + path("child") +
                        "; exec sleep 600"),
              "ok");
    ASSERT_TRUE(eventually([&] { return lives(pid_in("child")) && lives(pid_in("grandchild")); }));
    const auto away = pid_in("grandchild");
    std::vector<pid_t> its_own;
    ASSERT_TRUE(eventually([&] {
        its_own = test_support::children(away);
        return !its_own.empty() &&
               (elsewhere.empty() ||
                read_file(elsewhere + "/cgroup.procs").find(std::to_string(away)) == 0);
    }));
    EXPECT_TRUE(
        eventually([&] { return !lives(pid_in("child")) && !lives(away) && !lives(its_own[0]); }));
    EXPECT_GE(now(), strike_time(held_));
    EXPECT_LT(now(), strike_time(held_) + 400ms);
    auto next = next_node();
    EXPECT_TRUE(eventually([&] { return next->view("running") == "0"; }));
    if (!elsewhere.empty()) {
        EXPECT_TRUE(eventually([&] { return warden::remove_cgroup(elsewhere); }));
    }
}

// A debugger at its prompt: it holds a process and does not wait for its death, so that the kernel
// neither reports that to the parent nor lets the parent reap.
class Debugger {
public:
    explicit Debugger(const std::vector<pid_t>& held) : pid_{::fork()} {
        if (pid_ == 0) {
            for (const pid_t pid : held)
                if (::ptrace(PTRACE_SEIZE, pid, nullptr, nullptr) != 0) ::_exit(1);
            while (true)
                ::pause();
        }
        for (const pid_t pid : held)
            EXPECT_TRUE(eventually([pid, this] {
                return read_file("/proc/" + std::to_string(pid) + "/status")
                           .find("TracerPid:\t" + std::to_string(pid_) + "\n") != std::string::npos;
            }));
    }
    ~Debugger() {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    Debugger(const Debugger&) = delete;
    Debugger& operator=(const Debugger&) = delete;

private:
    pid_t pid_;
};

TEST_P(Warden, WhatADebuggerHoldsIsDeadWhenItHasEnded) {
    auto node = active(60'000);
    {
        const Debugger debugger{{pid_in("child"), pid_in("grandchild")}};
        ::kill(pid_in("child"), SIGKILL);
        EXPECT_TRUE(eventually([&] { return !lives(pid_in("child")); }));
        // As with each renewal: the warden looks when it is woken.
        EXPECT_TRUE(eventually(
            [&] { return node->ask("claim x") == "ok" && node->view("running") == "0"; }));
        EXPECT_EQ(node->view("status"), std::to_string(SIGKILL));
        EXPECT_FALSE(lives(pid_in("grandchild")));
        EXPECT_EQ(node->ask("start " + family()), "ok");
        EXPECT_TRUE(eventually([&] { return lives(pid_in("child")); }));
    }
    // Reaped at last, and nothing follows from it.
    EXPECT_EQ(node->ask("claim x"), "ok");
    EXPECT_EQ(node->view("running"), "1");
    EXPECT_EQ(node->view("starts"), "2");
    EXPECT_TRUE(lives(pid_in("child")));
}

TEST_P(Warden, ANodeProcessThatADebuggerHoldsIsReplaced) {
    auto node = active(1500);
    std::vector<pid_t> threads;
    for (const auto& thread :
         std::filesystem::directory_iterator{"/proc/" + std::to_string(node->pid()) + "/task"})
        threads.push_back(std::stoi(thread.path().filename()));
    EXPECT_GT(threads.size(), 1U);
    const Debugger debugger{threads};
    auto next = next_node();
    EXPECT_GE(now(), strike_time(held_));
    EXPECT_TRUE(eventually([&] { return next->view("running") == "0"; }));
}

// As with a full file system. The next warden finds a backend by its file, or by its cgroup.
TEST_P(Warden, StartsNothingThatTheNextOneWouldNotFind) {
    start_warden();
    auto node = next_node();
    ASSERT_EQ(::mkdir(path("state.new").c_str(), 0700), 0);
    ASSERT_EQ(node->ask("set_deadline 60000").substr(0, 2), "ok");
    const auto answer = node->ask("start " + family());
    EXPECT_EQ(answer == "ok", GetParam()) << answer;
    EXPECT_EQ(answer.find("cannot be written") != std::string::npos, !GetParam()) << answer;
    ASSERT_EQ(::rmdir(path("state.new").c_str()), 0);
    if (GetParam()) return;
    EXPECT_TRUE(eventually([&] { return node->view("running") == "0"; }));
    EXPECT_EQ(node->ask("start " + family()), "ok");
}

TEST_P(Warden, AStrikeIsCarriedOutThoughTheWardenIsStopped) {
    auto node = active(60'000);
    ::kill(warden_, SIGSTOP);
    auto arguments = files();
    arguments.emplace_back("--strike-only");
    const auto [status, text] = run_warden(arguments);
    EXPECT_FALSE(lives(pid_in("child")));
    EXPECT_FALSE(lives(pid_in("grandchild")));
    EXPECT_EQ(status, GetParam() ? 0 : 1) << text;
    EXPECT_EQ(text.find("it is stopped, or it hangs") == std::string::npos, GetParam()) << text;
    ::kill(warden_, SIGCONT);
    auto next = next_node();
    EXPECT_TRUE(eventually([&] { return next->view("running") == "0"; }));
}

TEST_P(Warden, ABackendIsDeadWhenWhatGotAwayFromItIs) {
    start_warden();
    auto node = next_node();
    ASSERT_EQ(node->ask("set_deadline 3000").substr(0, 2), "ok");
    EXPECT_EQ(node->ask("start (setsid env -i /bin/sh -c 'echo $$ > " + path("grandchild") +
                        "; exec /bin/sleep 600' &); until [ -s " + path("grandchild") +
                        " ]; do sleep 0.01; done; exit 3"),
              "ok");
    EXPECT_TRUE(eventually([&] { return node->view("running") == "0"; }));
    EXPECT_EQ(node->view("status"), std::to_string(3 << 8));
    EXPECT_FALSE(lives(pid_in("grandchild")));
}

TEST_P(Warden, ReportsWhereItsBackendIs) {
    auto node = active();
    const auto child = pid_in("child");
    EXPECT_EQ(node->view("pid"), std::to_string(child));
    EXPECT_EQ(node->view("ticks"), std::to_string(*warden::start_ticks(child)));
    EXPECT_EQ(node->view("contained"), GetParam() ? "1" : "0");
    EXPECT_EQ(node->view("unknown"), "0");
    if (GetParam()) {
        EXPECT_NE(read_file(node->view("cgroup") + "/cgroup.procs").find(std::to_string(child)),
                  std::string::npos);
    } else {
        EXPECT_EQ(node->view("cgroup"), "");
    }
}

// Neither process nor machine can open more descriptors: the warden has prepared its own.
TEST_P(Warden, KillsAndKnowsItDeadWithoutADescriptor) {
    auto node = active(1500);
    const rlimit none{.rlim_cur = 0, .rlim_max = 4096};
    ASSERT_EQ(::prlimit(warden_, RLIMIT_NOFILE, &none, nullptr), 0);
    EXPECT_TRUE(eventually([&] {
        return !lives(node->pid()) && !lives(pid_in("child")) && !lives(pid_in("grandchild"));
    }));
    EXPECT_LT(now(), strike_time(held_) + 400ms);
    const rlimit some{.rlim_cur = 1024, .rlim_max = 4096};
    ASSERT_EQ(::prlimit(warden_, RLIMIT_NOFILE, &some, nullptr), 0);
    auto next = next_node();
    EXPECT_TRUE(eventually([&] { return next->view("running") == "0"; }));
    EXPECT_EQ(log().find("warden.death_unproven"), std::string::npos) << log();
}

TEST_P(Warden, SparesADisarmedNodeProcessButNotItsBackend) {
    auto node = active(1500);
    EXPECT_EQ(node->ask("disarm"), "ok");
    EXPECT_TRUE(
        eventually([&] { return !lives(pid_in("child")) && !lives(pid_in("grandchild")); }));
    EXPECT_GE(now(), strike_time(held_));
    EXPECT_TRUE(lives(node->pid()));
    EXPECT_TRUE(eventually([&] { return node->view("running") == "0"; }));
    EXPECT_EQ(node->view("until"), "0");
    // It may become primary again.
    EXPECT_EQ(node->ask("set_deadline 2000").substr(0, 2), "ok");
    EXPECT_EQ(node->ask("start sleep 600"), "ok");
}

TEST_P(Warden, RenewalsHoldTheStrikeOff) {
    auto node = active(1000);
    const auto until = now() + 2500ms;
    while (now() < until) {
        ASSERT_EQ(node->ask("set_deadline 1000").substr(0, 2), "ok");
        std::this_thread::sleep_for(100ms);  // the interval of heartbeats, not a wait for an event
    }
    EXPECT_TRUE(lives(pid_in("child")));
    EXPECT_TRUE(lives(node->pid()));
}

TEST_P(Warden, KillTakesTheWholeFamily) {
    auto node = active();
    EXPECT_EQ(node->ask("kill"), "ok");
    EXPECT_TRUE(eventually([&] { return node->view("running") == "0"; }));
    EXPECT_FALSE(lives(pid_in("child")));
    EXPECT_FALSE(lives(pid_in("grandchild")));
    EXPECT_EQ(node->view("status"), "9");
    EXPECT_EQ(node->view("starts"), "1");
}

TEST_P(Warden, StopEndsTheFirstProcessAndKillsTheRest) {
    auto node = active();
    EXPECT_EQ(node->ask("stop"), "ok");
    EXPECT_TRUE(eventually([&] { return node->view("running") == "0"; }));
    EXPECT_EQ(node->view("status"), "15");
    EXPECT_FALSE(lives(pid_in("grandchild")));
}

TEST_P(Warden, RestartsADeadNodeProcessBesideItsBackend) {
    auto node = active();
    const auto child = pid_in("child");
    const auto until = node->view("until");
    ::kill(node->pid(), SIGKILL);
    auto next = next_node();
    EXPECT_NE(next->pid(), node->pid());
    EXPECT_EQ(next->view("until"), until);
    EXPECT_EQ(next->view("running"), "1");
    EXPECT_EQ(next->view("pid"), std::to_string(child));
    EXPECT_TRUE(lives(child));
    EXPECT_TRUE(lives(pid_in("grandchild")));
}

TEST_P(Warden, TakesNodeProcessAndBackendWithItAndItsSuccessorTheRest) {
    auto node = active();
    EXPECT_EQ(node->ask("claim n1-abc"), "ok");
    const auto until = node->view("until");
    ::kill(warden_, SIGKILL);
    ASSERT_TRUE(wait_warden());
    EXPECT_TRUE(eventually([&] { return !lives(node->pid()) && !lives(pid_in("child")); }));
    // PDEATHSIG does not reach the grandchild; the next warden kills it.
    EXPECT_TRUE(lives(pid_in("grandchild")));
    start_warden();
    auto next = next_node();
    EXPECT_TRUE(eventually([&] { return !lives(pid_in("grandchild")); }));
    EXPECT_TRUE(eventually([&] { return next->view("running") == "0"; }));
    // L8, L11: the deadline and the claim are kept.
    EXPECT_EQ(next->view("until"), until);
    EXPECT_EQ(next->view("incarnation"), "n1-abc");
    EXPECT_EQ(next->ask("start sleep 600"), "ok");
}

TEST_P(Warden, StrikesForAPredecessorWhoseStrikeTimePassedMeanwhile) {
    auto node = active(1200);
    const auto strike = strike_time(held_);
    ::kill(warden_, SIGKILL);
    ASSERT_TRUE(wait_warden());
    ASSERT_TRUE(eventually([&] { return now() > strike; }));
    start_warden();
    auto next = next_node();
    EXPECT_EQ(next->view("until"), "0");
    EXPECT_TRUE(eventually([&] { return !lives(pid_in("grandchild")); }));
    EXPECT_TRUE(eventually([&] { return next->view("running") == "0"; }));
    EXPECT_EQ(next->ask("start sleep 600").substr(0, 6), "fenced");
}

TEST_P(Warden, StrikeOnlyEnforcesTheFileOfADeadWarden) {
    auto node = active();
    ::kill(warden_, SIGKILL);
    ASSERT_TRUE(wait_warden());
    ASSERT_TRUE(lives(pid_in("grandchild")));
    auto arguments = files();
    arguments.emplace_back("--strike-only");
    EXPECT_EQ(run_warden(arguments), (std::pair<int, std::string>{0, ""}));
    EXPECT_FALSE(lives(pid_in("grandchild")));
}

TEST_P(Warden, StrikeOnlyHasALivingWardenStrike) {
    auto node = active();
    auto arguments = files();
    arguments.emplace_back("--strike-only");
    EXPECT_EQ(run_warden(arguments), (std::pair<int, std::string>{0, ""}));
    EXPECT_FALSE(lives(pid_in("child")));
    EXPECT_FALSE(lives(pid_in("grandchild")));
    EXPECT_EQ(next_node()->view("until"), "0");
}

TEST_P(Warden, StrikeOnlyFindsTheStateFileThatTheWardenKept) {
    auto node = active();
    const std::vector<std::string> elsewhere{
        "--state-dir", directory_, "--state-file", path("another"), "--strike-only"};
    EXPECT_EQ(run_warden(elsewhere), (std::pair<int, std::string>{0, ""}));
    EXPECT_FALSE(lives(pid_in("grandchild")));
    // It does not need a living warden, either.
    node = next_node();
    EXPECT_EQ(node->ask("set_deadline 3000").substr(0, 2), "ok");
    EXPECT_EQ(node->ask("start " + family()), "ok");
    ASSERT_TRUE(eventually([&] { return lives(pid_in("grandchild")); }));
    ::kill(warden_, SIGKILL);
    ASSERT_TRUE(wait_warden());
    for (int again = 0; again < 2; ++again)
        EXPECT_EQ(run_warden(elsewhere), (std::pair<int, std::string>{0, ""}));
    EXPECT_FALSE(lives(pid_in("grandchild")));
}

TEST_P(Warden, RefusesAStartUnderADeadlineThatElapsed) {
    start_warden();
    auto node = next_node();
    EXPECT_EQ(node->ask("start sleep 600").substr(0, 6), "fenced");
    EXPECT_EQ(node->ask("set_deadline 400").substr(0, 6), "fenced");
    EXPECT_EQ(node->ask("set_deadline -1000").substr(0, 6), "fenced");
    EXPECT_EQ(node->ask("start sleep 600").substr(0, 6), "fenced");
}

TEST_P(Warden, SaysWhyACommandCannotBeRun) {
    {
        std::ofstream script{path("script")};
        script << "#!/no/such/interpreter\n";
    }
    ::chmod(path("script").c_str(), 0755);
    const auto entry = [](const std::string& command) {
        return model::Spawn{.command = {command}, .path = {"/nowhere", "/bin"}, .dir = "/"};
    };
    auto unknown_user = entry("/bin/true");
    unknown_user.refused = "no user \"nobody-of-this-name\"";
    start_warden({.items = {entry("/no/such/program"),
                            entry("nothing-of-this-name"),
                            entry(path("script")),
                            entry("true"),
                            unknown_user}});
    auto node = next_node();
    EXPECT_EQ(node->ask("set_deadline 3000").substr(0, 2), "ok");
    const auto start = [&](const std::string& number) {
        EXPECT_TRUE(eventually([&] { return node->view("running") == "0"; }));
        return node->ask("start_entry " + number);
    };
    EXPECT_EQ(start("2"), "invalid: /no/such/program: exec: No such file or directory");
    EXPECT_EQ(start("3"),
              "invalid: nothing-of-this-name: not found in PATH: No such file or directory");
    EXPECT_EQ(start("4"), "invalid: " + path("script") + ": exec: No such file or directory");
    EXPECT_EQ(start("5"), "ok");
    EXPECT_EQ(start("6"), "invalid: no user \"nobody-of-this-name\"");
    EXPECT_EQ(start("7"), "invalid: the list has no such backend");
    EXPECT_EQ(node->ask("start sleep 600"), "ok");
}

// defects.md C10
TEST_P(Warden, ABackendNeverOutlivesItsWarden) {
    auto node = active();
    ::kill(warden_, SIGKILL);
    ASSERT_TRUE(wait_warden());
    EXPECT_TRUE(eventually([&] { return !lives(pid_in("child")); }));
}

TEST_P(Warden, EndsInOrder) {
    start_warden({.node = {"orderly"}});
    auto node = next_node();
    EXPECT_EQ(node->ask("set_deadline 3000").substr(0, 2), "ok");
    EXPECT_EQ(node->ask("start " + family()), "ok");
    ASSERT_TRUE(eventually([&] { return lives(pid_in("grandchild")); }));
    ::kill(warden_, SIGTERM);
    EXPECT_EQ(wait_warden(), 0);
    EXPECT_FALSE(lives(node->pid()));
    EXPECT_FALSE(lives(pid_in("child")));
    EXPECT_FALSE(lives(pid_in("grandchild")));
    const auto state = warden::load_state(path("state"));
    ASSERT_TRUE(state && *state);
    EXPECT_EQ((*state)->valid_until, model::Instant{});
    EXPECT_FALSE((*state)->backend);
}

TEST_P(Warden, EndsWithAStrikeWhereTheNodeProcessDoesNot) {
    start_warden({.options = {"--stop-timeout-ms", "300"}, .node = {"deaf"}});
    auto node = next_node();
    EXPECT_EQ(node->ask("set_deadline 3000").substr(0, 2), "ok");
    EXPECT_EQ(node->ask("start " + family()), "ok");
    ASSERT_TRUE(eventually([&] { return lives(pid_in("grandchild")); }));
    ::kill(warden_, SIGTERM);
    EXPECT_EQ(wait_warden(), model::exit_stopped_by_force << 8);
    EXPECT_FALSE(lives(node->pid()));
    EXPECT_FALSE(lives(pid_in("grandchild")));
}

}  // namespace
}  // namespace tests
