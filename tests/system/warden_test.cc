// The real warden with real processes. Rules W0 to W6.
#include <signal.h>
#include <sys/stat.h>

#include <fstream>
#include <thread>

#include "tests/system/warden_world.h"
#include "warden/state_file.h"

namespace tests {
namespace {

using namespace std::chrono_literals;

// Each test twice: contained by a cgroup, and by the token in the environment.
class Warden : public WardenWorld, public testing::WithParamInterface<bool> {
protected:
    Warden() { cgroup_ = GetParam(); }

    // A node process that holds a deadline `ms` from now and a backend with a family.
    std::unique_ptr<NodeLink> active(int ms = 3000) {
        start_warden();
        auto node = next_node();
        held_ = node->tell("hold " + std::to_string(ms));
        EXPECT_EQ(held_.substr(0, 3), "ok ");
        EXPECT_EQ(node->tell("start " + family()), "ok");
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
    // And the next one is a candidate.
    auto next = next_node();
    EXPECT_EQ(next->view("until"), "0");
    // Dead is what the warden has seen: it may have been asked before it reaped the last one.
    EXPECT_TRUE(eventually([&] { return next->view("running") == "0"; }));
    EXPECT_EQ(next->tell("start sleep 600").substr(0, 6), "fenced");
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

TEST_P(Warden, SparesADisarmedNodeProcessButNotItsBackend) {
    auto node = active(1500);
    EXPECT_EQ(node->tell("disarm"), "ok");
    EXPECT_TRUE(
        eventually([&] { return !lives(pid_in("child")) && !lives(pid_in("grandchild")); }));
    EXPECT_GE(now(), strike_time(held_));
    EXPECT_TRUE(lives(node->pid()));
    EXPECT_TRUE(eventually([&] { return node->view("running") == "0"; }));
    EXPECT_EQ(node->view("until"), "0");
    // It may become primary again.
    EXPECT_EQ(node->tell("hold 2000").substr(0, 2), "ok");
    EXPECT_EQ(node->tell("start sleep 600"), "ok");
}

TEST_P(Warden, RenewalsHoldTheStrikeOff) {
    auto node = active(1000);
    const auto until = now() + 2500ms;
    while (now() < until) {
        ASSERT_EQ(node->tell("hold 1000").substr(0, 2), "ok");
        std::this_thread::sleep_for(100ms);  // the heartbeat, not a wait for anything
    }
    EXPECT_TRUE(lives(pid_in("child")));
    EXPECT_TRUE(lives(node->pid()));
}

TEST_P(Warden, KillTakesTheWholeFamily) {
    auto node = active();
    EXPECT_EQ(node->tell("kill"), "ok");
    EXPECT_TRUE(eventually([&] { return node->view("running") == "0"; }));
    EXPECT_FALSE(lives(pid_in("child")));
    EXPECT_FALSE(lives(pid_in("grandchild")));
    EXPECT_EQ(node->view("status"), "9");
    EXPECT_EQ(node->view("starts"), "1");
}

TEST_P(Warden, StopEndsTheFirstProcessAndSweepsUpTheRest) {
    auto node = active();
    EXPECT_EQ(node->tell("stop"), "ok");
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
    EXPECT_EQ(node->tell("claim n1-abc"), "ok");
    const auto until = node->view("until");
    ::kill(warden_, SIGKILL);
    ASSERT_TRUE(wait_warden());
    EXPECT_TRUE(eventually([&] { return !lives(node->pid()) && !lives(pid_in("child")); }));
    // PDEATHSIG does not reach it: the next warden does.
    EXPECT_TRUE(lives(pid_in("grandchild")));
    start_warden();
    auto next = next_node();
    EXPECT_TRUE(eventually([&] { return !lives(pid_in("grandchild")); }));
    EXPECT_TRUE(eventually([&] { return next->view("running") == "0"; }));
    // L8, L11: the deadline and the claim are still there.
    EXPECT_EQ(next->view("until"), until);
    EXPECT_EQ(next->view("incarnation"), "n1-abc");
    EXPECT_EQ(next->tell("start sleep 600"), "ok");
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
    EXPECT_EQ(next->tell("start sleep 600").substr(0, 6), "fenced");
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
        "--state-dir", folder_, "--state-file", path("another"), "--strike-only"};
    EXPECT_EQ(run_warden(elsewhere), (std::pair<int, std::string>{0, ""}));
    EXPECT_FALSE(lives(pid_in("grandchild")));
    // Nor does it need a warden that lives.
    node = next_node();
    EXPECT_EQ(node->tell("hold 3000").substr(0, 2), "ok");
    EXPECT_EQ(node->tell("start " + family()), "ok");
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
    EXPECT_EQ(node->tell("start sleep 600").substr(0, 6), "fenced");
    EXPECT_EQ(node->tell("hold 400").substr(0, 6), "fenced");
    EXPECT_EQ(node->tell("hold -1000").substr(0, 6), "fenced");
    EXPECT_EQ(node->tell("start sleep 600").substr(0, 6), "fenced");
}

TEST_P(Warden, SaysWhyACommandCannotBeRun) {
    start_warden();
    auto node = next_node();
    EXPECT_EQ(node->tell("hold 3000").substr(0, 2), "ok");
    EXPECT_EQ(node->tell("exec /no/such/program"),
              "invalid: /no/such/program: not an executable file");
    EXPECT_EQ(node->tell("exec nothing-of-this-name"),
              "invalid: nothing-of-this-name: not found in PATH");
    {
        std::ofstream script{path("script")};
        script << "#!/no/such/interpreter\n";
    }
    ::chmod(path("script").c_str(), 0755);
    EXPECT_EQ(node->tell("exec " + path("script")), "invalid: exec: No such file or directory");
    EXPECT_TRUE(eventually([&] { return node->view("running") == "0"; }));
    EXPECT_EQ(node->tell("start sleep 600"), "ok");
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
    EXPECT_EQ(node->tell("hold 3000").substr(0, 2), "ok");
    EXPECT_EQ(node->tell("start " + family()), "ok");
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
    EXPECT_EQ(node->tell("hold 3000").substr(0, 2), "ok");
    EXPECT_EQ(node->tell("start " + family()), "ok");
    ASSERT_TRUE(eventually([&] { return lives(pid_in("grandchild")); }));
    ::kill(warden_, SIGTERM);
    EXPECT_EQ(wait_warden(), 1 << 8);
    EXPECT_FALSE(lives(node->pid()));
    EXPECT_FALSE(lives(pid_in("grandchild")));
}

}  // namespace
}  // namespace tests
