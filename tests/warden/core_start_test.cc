// What the core does first with what earlier wardens left.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/warden/core_world.h"
#include "warden/core.h"

namespace warden {
namespace {

using namespace core_world;

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
