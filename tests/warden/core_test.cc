#include "warden/core.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace warden {
namespace {

using model::Duration;
using model::Errc;
using model::Instant;
using model::WardenRequest;
using namespace std::chrono_literals;

constexpr Duration ttl = 10s;
constexpr Duration margin = 2s;
constexpr int killed_by_9 = 9;  // wait statuses
constexpr int exited_with_1 = 1 << 8;

Instant at(Duration since) { return Instant{1000s + since}; }

Settings settings() {
    return {.ttl = ttl,
            .margin = margin,
            .stop_timeout = 90s,
            .boot_id = "boot",
            .run = "run",
            .cgroup = "/cg"};
}

template <typename A>
int count(const Actions& actions) {
    return static_cast<int>(std::count_if(actions.begin(), actions.end(), [](const Action& action) {
        return std::holds_alternative<A>(action);
    }));
}

template <typename A>
std::size_t place(const Actions& actions) {
    return static_cast<std::size_t>(
        std::find_if(actions.begin(),
                     actions.end(),
                     [](const Action& action) { return std::holds_alternative<A>(action); }) -
        actions.begin());
}

// The answer to request `id`: its error, "ok", or "none".
std::string answer_to(const Actions& actions, std::uint64_t id) {
    for (const auto& action : actions)
        if (const auto* tell = std::get_if<Tell>(&action); tell && tell->answer.id == id)
            return tell->answer.failure ? std::string{model::to_text(tell->answer.failure->code)}
                                        : "ok";
    return "none";
}

std::vector<std::string> events(const Actions& actions) {
    std::vector<std::string> names;
    for (const auto& action : actions)
        if (const auto* say = std::get_if<Say>(&action)) names.emplace_back(say->name);
    return names;
}

int exit_status(const Actions& actions) {
    for (const auto& action : actions)
        if (const auto* exit = std::get_if<Exit>(&action)) return exit->status;
    return -1;
}

WardenRequest hold(Instant until, std::uint64_t id = 1) {
    return {.kind = WardenRequest::Kind::hold_until, .id = id, .valid_until = until};
}

WardenRequest ask(WardenRequest::Kind kind, std::uint64_t id = 2) {
    WardenRequest request{.kind = kind, .id = id};
    if (kind == WardenRequest::Kind::start_backend)
        request.spawn = {.command = {"/bin/backend"}, .dir = "/"};
    return request;
}

using Kind = WardenRequest::Kind;

class CoreTest : public testing::Test {
protected:
    // A core whose node process runs.
    Core fresh(const std::optional<Saved>& before = {}) {
        Core core{settings(), before};
        EXPECT_EQ(count<SpawnNode>(core.begin(at(0s))), 1);
        return core;
    }
    // ... and whose backend runs under a deadline with strike time 9 s.
    Core active() {
        auto core = fresh();
        EXPECT_EQ(answer_to(core.request(hold(at(10s)), at(0s)), 1), "ok");
        const auto actions = core.request(ask(Kind::start_backend), at(0s));
        EXPECT_EQ(count<SpawnBackend>(actions), 1);
        EXPECT_EQ(count<KillBackend>(core.backend_spawned(4711, 99, at(0s))), 0);
        EXPECT_EQ(answer_to(core.backend_started(at(0s)), 2), "ok");
        return core;
    }
};

TEST_F(CoreTest, StrikesAtTheStrikeTimeAndNotBefore) {
    auto core = active();
    EXPECT_EQ(core.wakeup(), at(9s));
    EXPECT_EQ(count<KillNode>(core.tick(at(9s) - 1ns)), 0);
    const auto strike = core.tick(at(9s));
    EXPECT_EQ(count<KillNode>(strike), 1);
    EXPECT_EQ(count<KillBackend>(strike), 1);
    // The kills come before anything that may take time.
    EXPECT_LT(place<KillNode>(strike), place<Save>(strike));
    EXPECT_LT(place<KillBackend>(strike), place<Save>(strike));
    EXPECT_EQ(core.saved().valid_until, Instant{});
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
    // The loop reads messages first: this one was there, and validity had not ended.
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
    // And without an event, again and again until nothing of it lives.
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
    // One that lived is started at once.
    EXPECT_EQ(count<SpawnNode>(core.node_died(exited_with_1, now + 10s)), 1);
}

TEST_F(CoreTest, EndsWhenTheNodeProcessSaysThatRestartingCannotHelp) {
    auto core = active();
    const auto actions = core.node_died(exit_for_good << 8, at(1s));
    EXPECT_EQ(count<KillBackend>(actions), 1);
    EXPECT_EQ(count<SpawnNode>(actions), 0);
    EXPECT_EQ(exit_status(core.backend_gone(at(1s))), exit_for_good);
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

TEST_F(CoreTest, StopsAndKillsOnRequest) {
    auto core = active();
    EXPECT_EQ(count<StopBackend>(core.request(ask(Kind::stop_backend), at(1s))), 1);
    EXPECT_EQ(count<KillBackend>(core.request(ask(Kind::kill_backend), at(1s))), 1);
    (void)core.backend_gone(at(1s));
    const auto again = core.request(ask(Kind::kill_backend), at(1s));
    EXPECT_EQ(count<KillBackend>(again), 0);
    EXPECT_EQ(answer_to(again, 2), "ok");
}

TEST_F(CoreTest, TellsWhyACommandCannotBeRun) {
    auto core = fresh();
    (void)core.request(hold(at(10s)), at(0s));
    (void)core.request(ask(Kind::start_backend), at(0s));
    const auto actions = core.backend_failed("exec: Permission denied", at(0s));
    EXPECT_EQ(answer_to(actions, 2), "invalid");
}

WardenRequest watch(std::uint64_t id = 20) {
    return {.kind = Kind::watch,
            .id = id,
            .target = {
                .kind = model::WardenTarget::Kind::address, .name = "192.0.2.7/32", .ifindex = 1}};
}

TEST_F(CoreTest, EndsWhatItWatchesAtTheStrikeTimeAndNotBefore) {
    auto core = active();
    const auto watched = core.request(watch(), at(0s));
    EXPECT_EQ(answer_to(watched, 20), "ok");
    EXPECT_EQ(count<EndTargets>(watched), 0);
    EXPECT_LT(place<Save>(watched), place<Tell>(watched));
    EXPECT_EQ(count<EndTargets>(core.tick(at(9s) - 1ns)), 0);
    EXPECT_EQ(count<EndTargets>(core.targets_seen(at(9s) - 1ns)), 0);
    const auto strike = core.tick(at(9s));
    EXPECT_EQ(count<EndTargets>(strike), 1);
    EXPECT_LT(place<KillBackend>(strike), place<EndTargets>(strike));
    EXPECT_EQ(count<EndTargets>(core.node_died(killed_by_9, at(9s))), 1);
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
    forget.kind = Kind::forget;
    EXPECT_EQ(answer_to(core.request(forget, at(1s)), 22), "ok");
    EXPECT_TRUE(core.saved().targets.empty());
    EXPECT_EQ(answer_to(core.request(forget, at(1s)), 22), "ok");
    EXPECT_EQ(count<EndTargets>(core.tick(at(9s))), 0);
}

TEST_F(CoreTest, WatchesThirtyTwoThings) {
    auto core = active();
    auto request = watch();
    for (std::uint32_t i = 1; i <= 32; ++i) {
        request.target.ifindex = i;
        EXPECT_EQ(answer_to(core.request(request, at(0s)), 20), "ok");
    }
    request.target.ifindex = 33;
    EXPECT_EQ(answer_to(core.request(request, at(0s)), 20), "invalid");
    request.target = {.name = "/a\nb"};
    EXPECT_EQ(answer_to(core.request(request, at(0s)), 20), "invalid");
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
    EXPECT_EQ(exit_status(core.backend_gone(at(9s))), 1);
}

TEST_F(CoreTest, StrikesAtTheEndOfItsPatienceEvenADisarmedNodeProcess) {
    auto core = fresh();
    (void)core.request(ask(Kind::disarm), at(0s));
    (void)core.terminate(at(1s));
    EXPECT_EQ(count<KillNode>(core.tick(at(91s) - 1ns)), 0);
    EXPECT_EQ(count<KillNode>(core.tick(at(91s))), 1);
    EXPECT_EQ(exit_status(core.node_died(killed_by_9, at(91s))), 1);
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

// W6
class Before : public CoreTest {
protected:
    static Saved saved() {
        return {.boot_id = "boot",
                .valid_until = at(10s),
                .incarnation = "n1-abc",
                .backend =
                    Saved::Backend{.token = "old-1", .cgroup = "/cg", .pid = 7, .start_ticks = 5}};
    }
};

TEST_F(Before, KillsAnEarlierWardensBackendBeforeItStartsTheNodeProcess) {
    Core core{settings(), saved()};
    const auto actions = core.begin(at(1s));
    EXPECT_EQ(count<KillBackend>(actions), 1);
    EXPECT_LT(place<KillBackend>(actions), place<SpawnNode>(actions));
    EXPECT_EQ(core.saved().backend->cgroup, "/cg");
    EXPECT_EQ(core.saved().backend->token, "old-1");
    // The deadline goes on: the node process may adopt.
    EXPECT_EQ(core.status().valid_until, at(10s));
    EXPECT_EQ(core.status().incarnation, "n1-abc");
    EXPECT_TRUE(core.status().backend_running);
    EXPECT_EQ(answer_to(core.request(ask(Kind::start_backend), at(1s)), 2), "conflict");
    (void)core.backend_gone(at(1s));
    EXPECT_EQ(count<SpawnBackend>(core.request(ask(Kind::start_backend), at(1s))), 1);
}

TEST_F(Before, StrikesWhereTheStrikeTimePassedMeanwhile) {
    Core early{settings(), saved()};
    (void)early.begin(at(9s) - 1ns);
    EXPECT_EQ(early.status().valid_until, at(10s));
    Core late{settings(), saved()};
    EXPECT_THAT(events(late.begin(at(9s))), testing::Contains("warden.struck"));
    EXPECT_EQ(late.status().valid_until, Instant{});
}

TEST_F(Before, GivesTheKillOfALeftoverItsTimeBeforeItAlarms) {
    Core core{settings(), saved()};
    const auto begun = events(core.begin(at(60s)));
    EXPECT_THAT(begun, testing::Contains("warden.struck"));
    EXPECT_THAT(begun, testing::Not(testing::Contains("warden.kill_overdue")));
    // A quarter of the margin, as behind any other strike.
    EXPECT_THAT(events(core.tick(at(60'500ms) - 1ns)),
                testing::Not(testing::Contains("warden.kill_overdue")));
    EXPECT_THAT(events(core.tick(at(60'500ms))), testing::Contains("warden.kill_overdue"));
}

TEST_F(Before, EndsWhatAnEarlierWardenWatched) {
    auto watched = saved();
    watched.targets = {{.name = "/cg/unit"}};
    Core early{settings(), watched};
    EXPECT_EQ(count<EndTargets>(early.begin(at(9s) - 1ns)), 0);
    EXPECT_EQ(count<EndTargets>(early.tick(at(9s))), 1);
    Core late{settings(), watched};
    EXPECT_GE(count<EndTargets>(late.begin(at(9s))), 1);
    watched.valid_until = {};
    Core without{settings(), watched};
    EXPECT_EQ(count<EndTargets>(without.begin(at(0s))), 1);
}

TEST_F(Before, IgnoresAnotherBoot) {
    auto other = saved();
    other.boot_id = "another boot";
    Core core{settings(), other};
    const auto actions = core.begin(at(1s));
    EXPECT_EQ(count<KillBackend>(actions), 0);
    EXPECT_EQ(core.status(), model::WardenStatus{});
    EXPECT_EQ(core.saved().boot_id, "boot");
}

TEST_F(Before, ClampsTheDeadlineThatItFinds) {
    auto wild = saved();
    wild.valid_until = at(1000s);
    Core core{settings(), wild};
    (void)core.begin(at(1s));
    EXPECT_EQ(core.status().valid_until, at(11s));
}

TEST_F(Before, KillsAgainUntilTheLeftoverIsGone) {
    Core core{settings(), saved()};
    (void)core.begin(at(0s));
    EXPECT_EQ(count<KillBackend>(core.tick(at(1s))), 1);
    (void)core.backend_gone(at(1s));
    EXPECT_EQ(count<KillBackend>(core.tick(at(3s))), 0);
    EXPECT_FALSE(core.saved().backend);
}

}  // namespace
}  // namespace warden
