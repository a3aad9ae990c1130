#include "warden/core.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "model/exit_status.h"

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
            .cgroup = "/cg",
            .list = {.items = {model::Spawn{.command = {"/bin/backend"}, .dir = "/"},
                               model::Spawn{.command = {"none"}, .dir = "/", .refused = "no user"},
                               model::WardenTarget{.kind = model::WardenTarget::Kind::address,
                                                   .name = "192.0.2.7/32",
                                                   .interface = "eth0"},
                               model::WardenTarget{.name = "/cg/unit"}}}};
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
        if (const auto* reply = std::get_if<Reply>(&action); reply && reply->answer.id == id)
            return reply->answer.failure ? std::string{model::to_text(reply->answer.failure->code)}
                                         : "ok";
    return "none";
}

std::vector<std::string> events(const Actions& actions) {
    std::vector<std::string> names;
    for (const auto& action : actions)
        if (const auto* event = std::get_if<LogEvent>(&action)) names.emplace_back(event->name);
    return names;
}

int exit_status(const Actions& actions) {
    for (const auto& action : actions)
        if (const auto* exit = std::get_if<Exit>(&action)) return exit->status;
    return -1;
}

WardenRequest hold(Instant until, std::uint64_t id = 1) {
    return {.kind = WardenRequest::Kind::set_deadline, .id = id, .valid_until = until};
}

WardenRequest ask(WardenRequest::Kind kind, std::uint64_t id = 2) {
    return {.kind = kind, .id = id};
}

using Kind = WardenRequest::Kind;

WardenRequest watch(std::uint64_t id = 20) {
    return {.kind = Kind::register_target, .id = id, .entry = {2}};
}

class CoreTest : public testing::Test {
protected:
    // A core with a running node process.
    Core fresh(const std::optional<Saved>& before = {}) {
        Core core{settings(), before};
        EXPECT_EQ(count<SpawnNode>(core.begin(at(0s))), 1);
        return core;
    }
    // A core with a running backend, too, under a deadline with strike time 9 s.
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
    ASSERT_EQ(core.saved().leftovers.size(), 1U);
    EXPECT_EQ(core.saved().leftovers.front().cgroup, "/cg");
    EXPECT_EQ(core.saved().leftovers.front().token, "old-1");
    // The deadline stays: the node process may adopt the lease.
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
    // A quarter of the margin, as after any other strike.
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

// Of another configuration: a unit that is nobody's any more is not killed at each of its starts.
TEST_F(Before, ForgetsWhatItsListDoesNotNameOnceThatHasEnded) {
    auto watched = saved();
    watched.targets = {{.name = "/cg/of-another"}, *settings().list.target({2})};
    Core core{settings(), watched};
    (void)core.begin(at(1s));
    (void)core.targets_clear(at(2s));
    EXPECT_EQ(core.saved().targets.size(), 2U) << "the lease goes on";
    (void)core.tick(at(9s));
    EXPECT_EQ(count<Save>(core.targets_clear(at(9s))), 1);
    EXPECT_EQ(core.saved().targets, std::vector{*settings().list.target({2})});
}

TEST_F(Before, IgnoresAnotherBoot) {
    auto other = saved();
    other.boot_id = "another boot";
    Core core{settings(), other};
    const auto actions = core.begin(at(1s));
    EXPECT_EQ(count<KillBackend>(actions), 0);
    EXPECT_EQ(core.status(), model::WardenStatus{.backend_contained = true});
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
    EXPECT_TRUE(core.saved().leftovers.empty());
}

TEST_F(Before, EndsWhatTwoFilesName) {
    Core core{settings(), saved()};
    auto other = saved();
    other.valid_until = at(50s);
    other.incarnation = "another";
    other.backend->token = "older-1";
    other.targets = {{.name = "/cg/unit"}};
    core.inherit(other);
    auto of_another_boot = other;
    of_another_boot.boot_id = "another";
    core.inherit(of_another_boot);
    EXPECT_EQ(count<KillBackend>(core.begin(at(1s))), 1);
    ASSERT_EQ(core.saved().leftovers.size(), 2U);
    EXPECT_EQ(core.saved().leftovers.back().token, "older-1");
    EXPECT_EQ(core.saved().targets.size(), 1U);
    // Deadline and claim come from the first file.
    EXPECT_EQ(core.status().valid_until, at(10s));
    EXPECT_EQ(core.status().incarnation, "n1-abc");
}

TEST_F(Before, HandsOnWhatItCouldNotKillEither) {
    Core first{settings(), saved()};
    (void)first.begin(at(0s));
    Core second{settings(), first.saved()};
    EXPECT_EQ(count<KillBackend>(second.begin(at(1s))), 1);
    EXPECT_EQ(second.saved().leftovers, first.saved().leftovers);
}

}  // namespace
}  // namespace warden
