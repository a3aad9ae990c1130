#include "warden/core.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "model/exit_status.h"
#include "tests/warden/core_world.h"

namespace warden {
namespace {

using namespace core_world;

TEST_F(CoreTest, StrikesAtTheStrikeTimeAndNotBefore) {
    auto core = active();
    EXPECT_EQ(core.wakeup(), at(9s));
    EXPECT_EQ(count<KillNode>(core.tick(at(9s) - 1ns)), 0);
    const auto strike = core.tick(at(9s));
    EXPECT_EQ(count<KillNode>(strike), 1);
    EXPECT_EQ(count<KillBackend>(strike), 1);
    // Kills come before anything that may take time.
    EXPECT_LT(place<KillNode>(strike), place<Save>(strike));
    EXPECT_LT(place<KillBackend>(strike), place<Save>(strike));
    EXPECT_EQ(core.saved().valid_until, Instant{});
}

// A passive node says so before its first start; a container of none is told as none.
TEST_F(CoreTest, TellsWhetherABackendIsOrWouldBeContained) {
    EXPECT_TRUE(fresh().status().backend_contained);
    EXPECT_TRUE(active().status().backend_contained);
    auto without = settings();
    without.cgroup.clear();
    const Core core{without, {}};
    EXPECT_FALSE(core.status().backend_contained);
}

// The types of the actions, in order.
std::vector<std::size_t> kinds(const Actions& actions) {
    std::vector<std::size_t> all;
    for (const auto& action : actions)
        all.push_back(action.index());
    return all;
}

template <typename... A>
std::vector<std::size_t> kinds_of() {
    return {Action{A{}}.index()...};
}

TEST_F(CoreTest, KillsComeBeforeEverythingElseAndLinesLast) {
    auto core = active();
    (void)core.request(watch(), at(0s));
    EXPECT_EQ(kinds(core.tick(at(9s))),
              (kinds_of<KillNode, KillBackend, EndTargets, Save, LogEvent>()));
    EXPECT_EQ(kinds(core.node_died(killed_by_9, at(9s))),
              (kinds_of<KillBackend, EndTargets, SpawnNode, Reply, LogEvent>()));
    Core after{settings(),
               Saved{.boot_id = "boot",
                     .valid_until = at(10s),
                     .backend = Saved::Backend{.token = "old-1"},
                     .targets = {{.name = "/cg/unit"}}}};
    const auto begun = kinds(after.begin(at(9s)));
    EXPECT_EQ(begun.front(), Action{KillBackend{}}.index());
    EXPECT_TRUE(std::is_sorted(begun.begin(), begun.end(), [](std::size_t one, std::size_t other) {
        const auto last = Action{LogEvent{}}.index();
        return one != last && other == last;
    }));
}

TEST(ActionQueueTest, TakesAKillBeforeWhatWaits) {
    ActionQueue queue;
    queue.add({Save{}, LogEvent{.name = "a.first"}, LogEvent{.name = "a.second"}});
    queue.add({LogEvent{.name = "a.third"}, Exit{}, Save{}, KillBackend{}});
    EXPECT_TRUE(std::holds_alternative<KillBackend>(*queue.next()));
    EXPECT_TRUE(std::holds_alternative<Save>(*queue.next()));
    EXPECT_TRUE(std::holds_alternative<Save>(*queue.next()));
    for (const auto* const name : {"a.first", "a.second", "a.third"})
        EXPECT_EQ(std::get<LogEvent>(*queue.next()).name, name);
    EXPECT_TRUE(std::holds_alternative<Exit>(*queue.next()));
    EXPECT_FALSE(queue.next());
}

TEST_F(CoreTest, KillsTheBackendAgainWhenTheNodeProcessIsSeenDead) {
    auto core = active();
    (void)core.tick(at(9s));
    const auto after = core.node_died(killed_by_9, at(9s) + 1ms);
    EXPECT_EQ(count<KillBackend>(after), 1);
    EXPECT_EQ(count<SpawnNode>(after), 1);
}

TEST_F(CoreTest, HearsARenewalThatWaitedWhenItsTimerFired) {
    auto core = active();
    // The loop reads messages first: this one had arrived, and the lease had not ended.
    EXPECT_EQ(answer_to(core.request(hold(at(13s), 7), at(9500ms)), 7), "ok");
    EXPECT_EQ(count<KillNode>(core.tick(at(9500ms))), 0);
    EXPECT_EQ(core.wakeup(), at(12s));
}

TEST_F(CoreTest, ClampsADeadlineToOneTtlFromNow) {
    auto core = fresh();
    (void)core.request(hold(at(100s)), at(1s));
    EXPECT_EQ(core.status().valid_until, at(11s));
    (void)core.request(hold(at(11s)), at(2s));
    EXPECT_EQ(core.status().valid_until, at(11s));
}

TEST_F(CoreTest, RefusesADeadlineWhoseStrikeTimeHasPassed) {
    auto core = fresh();
    EXPECT_EQ(answer_to(core.request(hold(at(10s)), at(9s)), 1), "fenced");
    EXPECT_EQ(core.status().valid_until, Instant{});
    EXPECT_EQ(answer_to(core.request(hold(at(10s)), at(9s) - 1ns), 1), "ok");
}

TEST_F(CoreTest, StrikesWhenADeadlineIsMovedBackToOneThatHasPassed) {
    auto core = active();
    const auto actions = core.request(hold(at(5s), 3), at(4s));
    EXPECT_EQ(answer_to(actions, 3), "fenced");
    EXPECT_EQ(count<KillNode>(actions), 1);
    EXPECT_EQ(count<KillBackend>(actions), 1);
}

TEST_F(CoreTest, AShorterDeadlineIsBelieved) {
    auto core = active();
    EXPECT_EQ(answer_to(core.request(hold(at(6s), 3), at(1s)), 3), "ok");
    EXPECT_EQ(core.wakeup(), at(5s));
}

TEST_F(CoreTest, NoLeaseMeansNoBackend) {
    auto core = active();
    const auto actions = core.request(hold(Instant{}, 3), at(1s));
    EXPECT_EQ(answer_to(actions, 3), "ok");
    EXPECT_EQ(count<KillBackend>(actions), 1);
    EXPECT_EQ(count<KillNode>(actions), 0);
    EXPECT_EQ(core.status().valid_until, Instant{});
}

TEST_F(CoreTest, ANegativeDeadlineIsNone) {
    auto core = active();
    (void)core.request(hold(Instant{-5s}, 3), at(1s));
    EXPECT_EQ(core.status().valid_until, Instant{});
}

// W3
TEST_F(CoreTest, StartsNothingAtTheStrikeTime) {
    auto core = fresh();
    (void)core.request(hold(at(10s)), at(0s));
    const auto late = core.request(ask(Kind::start_backend), at(9s));
    EXPECT_EQ(answer_to(late, 2), "fenced");
    EXPECT_EQ(count<SpawnBackend>(late), 0);
    EXPECT_EQ(count<SpawnBackend>(core.request(ask(Kind::start_backend), at(9s) - 1ns)), 1);
}

TEST_F(CoreTest, StartsNothingWithoutADeadline) {
    auto core = fresh();
    EXPECT_EQ(answer_to(core.request(ask(Kind::start_backend), at(0s)), 2), "fenced");
}

TEST_F(CoreTest, StartsNothingForANodeProcessThatIsDisarmed) {
    auto core = fresh();
    (void)core.request(hold(at(10s)), at(0s));
    EXPECT_EQ(answer_to(core.request(ask(Kind::disarm, 3), at(1s)), 3), "ok");
    EXPECT_EQ(answer_to(core.request(ask(Kind::start_backend), at(1s)), 2), "fenced");
    (void)core.request(hold(at(12s)), at(2s));
    EXPECT_EQ(count<SpawnBackend>(core.request(ask(Kind::start_backend), at(2s))), 1);
}

TEST_F(CoreTest, StartsOneBackendAtATime) {
    auto core = active();
    EXPECT_EQ(answer_to(core.request(ask(Kind::start_backend, 5), at(1s)), 5), "conflict");
    (void)core.backend_exited(exited_with_1, at(2s));
    EXPECT_EQ(answer_to(core.request(ask(Kind::start_backend, 6), at(2s)), 6), "conflict");
    (void)core.backend_gone(at(2s));
    EXPECT_EQ(count<SpawnBackend>(core.request(ask(Kind::start_backend, 7), at(2s))), 1);
}

TEST_F(CoreTest, NamesABackendInTheFileBeforeItLives) {
    auto core = fresh();
    (void)core.request(hold(at(10s)), at(0s));
    const auto actions = core.request(ask(Kind::start_backend), at(0s));
    EXPECT_LT(place<Save>(actions), place<SpawnBackend>(actions));
    EXPECT_EQ(core.saved().backend->cgroup, "/cg");
    EXPECT_EQ(core.saved().backend->token,
              std::get<SpawnBackend>(actions[place<SpawnBackend>(actions)]).token);
}

TEST_F(CoreTest, KillsABackendThatAppearsAfterTheStrike) {
    auto core = fresh();
    (void)core.request(hold(at(10s)), at(0s));
    (void)core.request(ask(Kind::start_backend), at(8s));
    (void)core.tick(at(9s));
    EXPECT_EQ(count<KillBackend>(core.backend_spawned(4711, 99, at(9s))), 1);
}

TEST_F(CoreTest, KeepsItSo) {
    auto core = active();
    (void)core.tick(at(9s));
    EXPECT_EQ(count<KillBackend>(core.backend_seen(at(20s))), 1);
    // Without an event, too, again and again until all its processes are dead.
    ASSERT_TRUE(core.wakeup());
    EXPECT_EQ(count<KillBackend>(core.tick(at(21s))), 1);
    EXPECT_EQ(count<KillBackend>(core.tick(at(25s))), 1);
    (void)core.backend_gone(at(25s));
    EXPECT_EQ(count<KillBackend>(core.tick(at(60s))), 0);
}

TEST_F(CoreTest, LeavesABackendAloneWhileAStrikeTimeIsAhead) {
    auto core = active();
    EXPECT_EQ(count<KillBackend>(core.backend_seen(at(9s) - 1ns)), 0);
    EXPECT_EQ(count<KillBackend>(core.tick(at(5s))), 0);
}

TEST_F(CoreTest, SparesANodeProcessThatIsDisarmedButNotItsBackend) {
    auto core = active();
    (void)core.request(ask(Kind::disarm), at(8s));
    const auto strike = core.tick(at(9s));
    EXPECT_EQ(count<KillNode>(strike), 0);
    EXPECT_EQ(count<KillBackend>(strike), 1);
}

TEST_F(CoreTest, ANewDeadlineArmsAgain) {
    auto core = active();
    (void)core.request(ask(Kind::disarm), at(7s));
    (void)core.request(hold(at(17s)), at(8s));
    EXPECT_EQ(count<KillNode>(core.tick(at(16s))), 1);
}

TEST_F(CoreTest, DropsRequestsOfANodeProcessThatItKilled) {
    auto core = active();
    (void)core.tick(at(9s));
    EXPECT_TRUE(core.request(hold(at(19s), 8), at(9s)).empty());
    EXPECT_TRUE(core.request(ask(Kind::start_backend, 9), at(9s)).empty());
    EXPECT_EQ(core.status().valid_until, Instant{});
}

TEST_F(CoreTest, RestartsANodeProcessAtOnceAndLeavesTheBackend) {
    auto core = active();
    const auto actions = core.node_died(killed_by_9, at(1s));
    EXPECT_EQ(count<SpawnNode>(actions), 1);
    EXPECT_EQ(count<KillBackend>(actions), 0);
    EXPECT_EQ(core.status().valid_until, at(10s));
    EXPECT_TRUE(core.status().backend_running);
}

TEST_F(CoreTest, StrikesWhenTheNewNodeProcessDoesNotAdopt) {
    auto core = active();
    (void)core.node_died(killed_by_9, at(1s));
    const auto strike = core.tick(at(9s));
    EXPECT_EQ(count<KillNode>(strike), 1);
    EXPECT_EQ(count<KillBackend>(strike), 1);
}

TEST_F(CoreTest, LeavesNothingToAdoptOfANodeProcessThatDiedDisarmed) {
    auto core = active();
    (void)core.request(ask(Kind::disarm), at(1s));
    const auto actions = core.node_died(killed_by_9, at(2s));
    EXPECT_EQ(core.status().valid_until, Instant{});
    EXPECT_EQ(count<KillBackend>(actions), 1);
}

TEST_F(CoreTest, WaitsLongerAfterEachRapidDeathButNeverLong) {
    auto core = fresh();
    auto now = at(0s);
    EXPECT_EQ(count<SpawnNode>(core.node_died(exited_with_1, now)), 1);
    for (const auto pause : {100ms, 200ms, 400ms, 800ms, 1600ms, 3200ms, 5000ms, 5000ms}) {
        EXPECT_EQ(count<SpawnNode>(core.node_died(exited_with_1, now)), 0);
        EXPECT_EQ(count<SpawnNode>(core.tick(now + pause - 1ns)), 0);
        now += pause;
        EXPECT_EQ(core.wakeup(), now);
        EXPECT_EQ(count<SpawnNode>(core.tick(now)), 1);
    }
    // One that lived longer is restarted at once.
    EXPECT_EQ(count<SpawnNode>(core.node_died(exited_with_1, now + 10s)), 1);
}

TEST_F(CoreTest, EndsWhenTheNodeProcessSaysThatRestartingCannotHelp) {
    auto core = active();
    const auto actions = core.node_died(model::exit_for_good << 8, at(1s));
    EXPECT_EQ(count<KillBackend>(actions), 1);
    EXPECT_EQ(count<SpawnNode>(actions), 0);
    EXPECT_EQ(exit_status(core.backend_gone(at(1s))), model::exit_for_good);
}

TEST_F(CoreTest, KillsWhatTheFirstProcessOfABackendLeftBehind) {
    auto core = active();
    const auto actions = core.backend_exited(exited_with_1, at(1s));
    EXPECT_EQ(count<KillBackend>(actions), 1);
    EXPECT_TRUE(core.status().backend_running);
    EXPECT_EQ(core.status().backend_exit, exited_with_1);
    (void)core.backend_gone(at(1s));
    EXPECT_FALSE(core.status().backend_running);
    EXPECT_EQ(core.status().backend_starts, 1U);
}

TEST_F(CoreTest, AnUnknownBackendIsNotDead) {
    auto core = active();
    (void)core.backend_exited(exited_with_1, at(1s));
    const auto first = core.backend_unknown("cgroup.events: Permission denied", at(1s));
    EXPECT_THAT(events(first), testing::ElementsAre("warden.death_unproven"));
    EXPECT_EQ(count<Reply>(first), 1);
    EXPECT_TRUE(core.status().backend_running);
    EXPECT_TRUE(core.status().backend_unknown);
    EXPECT_EQ(answer_to(core.request(ask(Kind::start_backend, 6), at(1s)), 6), "conflict");
    // Reported once for each reason, but killed again and again.
    EXPECT_TRUE(core.backend_unknown("cgroup.events: Permission denied", at(2s)).empty());
    EXPECT_THAT(events(core.backend_unknown("another", at(2s))),
                testing::ElementsAre("warden.death_unproven"));
    EXPECT_EQ(count<KillBackend>(core.tick(at(4s))), 1);
    EXPECT_EQ(count<KillBackend>(core.tick(at(6s))), 1);
    // Only a proof ends the unknown state.
    (void)core.backend_seen(at(6s));
    EXPECT_TRUE(core.status().backend_running);
    EXPECT_FALSE(core.status().backend_unknown);
    // Once the search that was under way is over.
    EXPECT_THAT(events(core.backend_unknown("another", at(6s))), testing::IsEmpty());
    (void)core.backend_seen(at(6s));
    EXPECT_THAT(events(core.backend_gone(at(7s))), testing::ElementsAre("warden.death_proven"));
    EXPECT_FALSE(core.status().backend_running);
    EXPECT_FALSE(core.status().backend_unknown);
    EXPECT_EQ(count<KillBackend>(core.tick(at(20s))), 0);
}

TEST_F(CoreTest, AnOrderlyEndWaitsForAProofButNotForEver) {
    auto core = active();
    (void)core.terminate(at(1s));
    (void)core.node_died(0, at(2s));
    EXPECT_EQ(exit_status(core.backend_unknown("hidden", at(2s))), -1);
    EXPECT_EQ(exit_status(core.tick(at(12s))), 1);
    EXPECT_TRUE(core.saved().backend) << "the next warden goes on";
}

TEST_F(CoreTest, StopsAndKillsOnRequest) {
    auto core = active();
    EXPECT_EQ(count<StopBackend>(core.request(ask(Kind::stop_backend), at(1s))), 1);
    EXPECT_EQ(count<KillBackend>(core.request(ask(Kind::kill_backend), at(1s))), 1);
    (void)core.backend_gone(at(1s));
    const auto again = core.request(ask(Kind::kill_backend), at(1s));
    EXPECT_EQ(count<KillBackend>(again), 0);
    EXPECT_EQ(answer_to(again, 2), "ok");
}

TEST_F(CoreTest, ReportsWhyACommandCannotBeRun) {
    auto core = fresh();
    (void)core.request(hold(at(10s)), at(0s));
    (void)core.request(ask(Kind::start_backend), at(0s));
    const auto actions = core.backend_failed("exec: Permission denied", at(0s));
    EXPECT_EQ(answer_to(actions, 2), "invalid");
}

TEST_F(CoreTest, EndsWhatItWatchesAtTheStrikeTimeAndNotBefore) {
    auto core = active();
    const auto watched = core.request(watch(), at(0s));
    EXPECT_EQ(count<EndTargets>(watched), 0);
    EXPECT_EQ(count<Reply>(watched), 0) << "not before it is watched";
    EXPECT_LT(place<Save>(watched), place<WatchTargets>(watched));
    EXPECT_EQ(answer_to(core.targets_watched({20}, ""), 20), "ok");
    EXPECT_EQ(count<EndTargets>(core.tick(at(9s) - 1ns)), 0);
    EXPECT_EQ(count<EndTargets>(core.targets_seen(at(9s) - 1ns)), 0);
    const auto strike = core.tick(at(9s));
    EXPECT_EQ(count<EndTargets>(strike), 1);
    EXPECT_LT(place<KillBackend>(strike), place<EndTargets>(strike));
    EXPECT_EQ(count<EndTargets>(core.node_died(killed_by_9, at(9s))), 1);
}

// W0: what would not be noticed is not armed.
TEST_F(CoreTest, WhatCannotBeWatchedIsRefusedAndEndsNevertheless) {
    auto core = active();
    (void)core.request(watch(), at(0s));
    const auto refused = core.targets_watched({20}, "netlink: Too many open files");
    EXPECT_EQ(answer_to(refused, 20), "unavailable");
    EXPECT_EQ(count<LogEvent>(refused), 1);
    EXPECT_EQ(count<EndTargets>(core.tick(at(9s))), 1);
}

TEST_F(CoreTest, KeepsWhatItWatchesEnded) {
    auto core = active();
    (void)core.request(watch(), at(0s));
    (void)core.tick(at(9s));
    EXPECT_EQ(count<EndTargets>(core.tick(at(10s))), 1);
    (void)core.targets_clear(at(10s));
    EXPECT_EQ(count<EndTargets>(core.tick(at(30s))), 0);
    EXPECT_EQ(count<EndTargets>(core.targets_seen(at(31s))), 1);
}

TEST_F(CoreTest, WhatIsWatchedWithoutADeadlineEndsAtOnce) {
    auto core = fresh();
    EXPECT_EQ(count<EndTargets>(core.request(watch(), at(0s))), 1);
}

TEST_F(CoreTest, NoLeaseMeansNoAddress) {
    auto core = active();
    (void)core.request(watch(), at(0s));
    EXPECT_EQ(count<EndTargets>(core.request(hold(Instant{}, 3), at(1s))), 1);
}

TEST_F(CoreTest, ForgetsWhatItWatched) {
    auto core = active();
    (void)core.request(watch(), at(0s));
    (void)core.request(watch(21), at(0s));
    EXPECT_EQ(core.saved().targets.size(), 1U);
    auto forget = watch(22);
    forget.kind = Kind::unregister_target;
    EXPECT_EQ(answer_to(core.request(forget, at(1s)), 22), "ok");
    EXPECT_TRUE(core.saved().targets.empty());
    EXPECT_EQ(answer_to(core.request(forget, at(1s)), 22), "ok");
    EXPECT_EQ(count<EndTargets>(core.tick(at(9s))), 0);
}

// W0: what may be started, killed and unbound was fixed when the warden started.
TEST_F(CoreTest, DoesOnlyWhatItsListNames) {
    auto core = fresh();
    (void)core.request(hold(at(10s)), at(0s));
    for (const std::uint32_t entry : {1U, 2U, 4U, 0xffffffffU}) {
        auto start = ask(Kind::start_backend);
        start.entry = {entry};
        const auto refused = core.request(start, at(0s));
        EXPECT_EQ(answer_to(refused, 2), "invalid") << entry;
        EXPECT_EQ(count<SpawnBackend>(refused), 0);
    }
    for (const auto kind : {Kind::register_target, Kind::unregister_target})
        for (const std::uint32_t entry : {0U, 1U, 4U})
            EXPECT_EQ(answer_to(core.request({.kind = kind, .id = 9, .entry = {entry}}, at(0s)), 9),
                      "invalid");
    EXPECT_FALSE(core.saved().backend);
    EXPECT_TRUE(core.saved().targets.empty());
    const auto started = core.request(ask(Kind::start_backend), at(0s));
    EXPECT_EQ(std::get<SpawnBackend>(started[place<SpawnBackend>(started)]).spawn,
              *settings().list.spawn({0}));
    (void)core.request(watch(), at(0s));
    EXPECT_EQ(core.saved().targets, std::vector{*settings().list.target({2})});
}

TEST_F(CoreTest, SaysInItsFileWhetherATargetMayLive) {
    auto core = active();
    EXPECT_FALSE(core.saved().targets_alive);
    (void)core.request(watch(), at(0s));
    EXPECT_TRUE(core.saved().targets_alive);
    (void)core.tick(at(9s));
    EXPECT_TRUE(core.saved().targets_alive);
    EXPECT_EQ(count<Save>(core.targets_clear(at(9s))), 1);
    EXPECT_FALSE(core.saved().targets_alive);
    EXPECT_EQ(count<Save>(core.targets_clear(at(9s))), 0);
    (void)core.node_died(killed_by_9, at(9s));
    (void)core.request(hold(at(20s), 30), at(11s));
    EXPECT_TRUE(core.saved().targets_alive);
}

TEST_F(CoreTest, KeepsAClaimAndRefusesOneThatWouldBreakTheFile) {
    auto core = fresh();
    auto claim = ask(Kind::claim);
    claim.text = "n1-abc";
    const auto actions = core.request(claim, at(0s));
    EXPECT_EQ(answer_to(actions, 2), "ok");
    EXPECT_EQ(count<Save>(actions), 1);
    EXPECT_EQ(core.status().incarnation, "n1-abc");
    claim.text = "a\nb";
    EXPECT_EQ(answer_to(core.request(claim, at(0s)), 2), "invalid");
    EXPECT_EQ(core.status().incarnation, "n1-abc");
}

TEST_F(CoreTest, AlarmsWhenWhatItKilledLives) {
    auto core = active();
    (void)core.tick(at(9s));
    (void)core.node_died(killed_by_9, at(9s));
    EXPECT_THAT(events(core.tick(at(9500ms) - 1ns)),
                testing::Not(testing::Contains("warden.kill_overdue")));
    EXPECT_THAT(events(core.tick(at(9500ms))), testing::Contains("warden.kill_overdue"));
    EXPECT_THAT(events(core.tick(at(9600ms))),
                testing::Not(testing::Contains("warden.kill_overdue")));
}

TEST_F(CoreTest, DoesNotAlarmWhenAllIsDeadInTime) {
    auto core = active();
    (void)core.tick(at(9s));
    (void)core.node_died(killed_by_9, at(9s));
    (void)core.backend_gone(at(9s));
    EXPECT_THAT(events(core.tick(at(9500ms))),
                testing::Not(testing::Contains("warden.kill_overdue")));
}

TEST_F(CoreTest, EndsInOrder) {
    auto core = active();
    EXPECT_EQ(count<TermNode>(core.terminate(at(1s))), 1);
    EXPECT_EQ(count<TermNode>(core.terminate(at(1s))), 0);
    EXPECT_EQ(answer_to(core.request(hold(at(11s), 4), at(2s)), 4), "ok");
    EXPECT_EQ(answer_to(core.request(ask(Kind::start_backend, 5), at(2s)), 5), "conflict");
    (void)core.backend_exited(0, at(2s));
    EXPECT_EQ(exit_status(core.backend_gone(at(2s))), -1);
    EXPECT_EQ(answer_to(core.request(ask(Kind::start_backend, 6), at(2s)), 6), "fenced");
    (void)core.request(hold(Instant{}, 7), at(3s));
    EXPECT_EQ(exit_status(core.node_died(0, at(3s))), 0);
}

TEST_F(CoreTest, KillsTheBackendThatAnOrderlyEndForgot) {
    auto core = active();
    (void)core.terminate(at(1s));
    const auto actions = core.node_died(0, at(2s));
    EXPECT_EQ(count<KillBackend>(actions), 1);
    EXPECT_EQ(exit_status(actions), -1);
    EXPECT_EQ(exit_status(core.backend_gone(at(2s))), 0);
}

TEST_F(CoreTest, StillStrikesWhileItEnds) {
    auto core = active();
    (void)core.terminate(at(1s));
    const auto strike = core.tick(at(9s));
    EXPECT_EQ(count<KillNode>(strike), 1);
    EXPECT_EQ(count<KillBackend>(strike), 1);
    (void)core.node_died(killed_by_9, at(9s));
    EXPECT_EQ(exit_status(core.backend_gone(at(9s))), model::exit_stopped_by_force);
}

TEST_F(CoreTest, StrikesAtTheEndOfItsPatienceEvenADisarmedNodeProcess) {
    auto core = fresh();
    (void)core.request(ask(Kind::disarm), at(0s));
    (void)core.terminate(at(1s));
    EXPECT_EQ(count<KillNode>(core.tick(at(91s) - 1ns)), 0);
    EXPECT_EQ(count<KillNode>(core.tick(at(91s))), 1);
    EXPECT_EQ(exit_status(core.node_died(killed_by_9, at(91s))), model::exit_stopped_by_force);
}

TEST_F(CoreTest, EndsWhenItsTargetsAreGone) {
    auto core = fresh();
    (void)core.request(hold(at(10s)), at(0s));
    (void)core.request(watch(), at(0s));
    (void)core.terminate(at(1s));
    const auto actions = core.node_died(0, at(2s));
    EXPECT_EQ(count<EndTargets>(actions), 1);
    EXPECT_EQ(exit_status(actions), -1) << "the helper that removes addresses ends with the warden";
    EXPECT_EQ(exit_status(core.targets_clear(at(2s))), 0);
}

TEST_F(CoreTest, GivesUpOnTargetsThatStay) {
    auto core = fresh();
    (void)core.request(hold(at(10s)), at(0s));
    (void)core.request(watch(), at(0s));
    (void)core.terminate(at(1s));
    (void)core.node_died(0, at(2s));
    EXPECT_EQ(exit_status(core.tick(at(12s) - 1ns)), -1);
    EXPECT_EQ(exit_status(core.tick(at(12s))), 1);
}

TEST_F(CoreTest, GivesUpOnWhatCannotBeKilled) {
    auto core = active();
    (void)core.terminate(at(1s));
    (void)core.node_died(0, at(2s));
    EXPECT_EQ(exit_status(core.tick(at(12s) - 1ns)), -1);
    EXPECT_EQ(exit_status(core.tick(at(12s))), 1);
}

TEST_F(CoreTest, KillsANodeProcessThatLostItsSocket) {
    auto core = active();
    EXPECT_EQ(count<KillNode>(core.node_broken("closed", at(1s))), 1);
    EXPECT_EQ(count<SpawnNode>(core.node_died(killed_by_9, at(1s))), 1);
}

TEST_F(CoreTest, StrikesWhenAsked) {
    auto core = active();
    const auto strike = core.strike_now(at(1s));
    EXPECT_EQ(count<KillNode>(strike), 1);
    EXPECT_EQ(count<KillBackend>(strike), 1);
}

}  // namespace
}  // namespace warden
