#include "adapters/dbus/unit_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

namespace adapters::dbus {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

UnitState fine() {
    UnitState state;
    state.load = "loaded";
    state.active = "inactive";
    state.sub = "dead";
    state.file = "disabled";
    state.slice = "system.slice";
    state.restart = "no";
    state.kill_mode = "control-group";
    state.result = "success";
    return state;
}

std::vector<std::string> reasons(const UnitState& state) {
    std::vector<std::string> all;
    for (const auto& each : concerns_of("b.service", state))
        all.push_back(each.reason);
    return all;
}

TEST(UnitState, ANameIsCompletedAsSystemctlDoes) {
    EXPECT_EQ(unit_name("convex-backend"), "convex-backend.service");
    EXPECT_EQ(unit_name("convex@1.service"), "convex@1.service");
}

TEST(UnitState, ASliceIsBelowThoseItsNameBeginsWith) {
    EXPECT_EQ(cgroup_in("system.slice", "b.service"), "/system.slice/b.service");
    EXPECT_EQ(cgroup_in("a-b-c.slice", "b.service"), "/a.slice/a-b.slice/a-b-c.slice/b.service");
    EXPECT_EQ(cgroup_in("-.slice", "b.service"), "/b.service");
    EXPECT_EQ(cgroup_in("", "b.service"), "");
}

// "deactivating" is not dead, and neither is one that is about to start.
TEST(UnitState, IsAtRestWhereNothingOfItIsOrIsToBe) {
    auto state = fine();
    EXPECT_TRUE(at_rest(state));
    state.active = "failed";
    EXPECT_TRUE(at_rest(state));
    state.job_waits = true;
    EXPECT_FALSE(at_rest(state));
    state = fine();
    for (const auto* const active : {"active", "activating", "deactivating", "reloading", ""}) {
        state.active = active;
        EXPECT_FALSE(at_rest(state)) << active;
    }
}

TEST(UnitState, AnExitIsTheProcessesWithTheUnitsVerdictWhereThatSaysMore) {
    auto state = fine();
    EXPECT_EQ(last_exit(state), "");
    state.exit_code = CLD_EXITED;
    state.exit_status = 3;
    state.result = "exit-code";
    EXPECT_EQ(last_exit(state), "exit 3");
    state.exit_code = CLD_KILLED;
    state.exit_status = 9;
    state.result = "oom-kill";
    EXPECT_EQ(last_exit(state), "signal 9 (KILL), oom-kill");
    state = fine();
    state.result = "timeout";
    EXPECT_EQ(last_exit(state), "timeout");
}

TEST(UnitState, AFailedStartIsNamed) {
    auto state = fine();
    EXPECT_THAT(start_failure("timeout", true, state), HasSubstr("timed out"));
    EXPECT_THAT(start_failure("dependency", false, state), HasSubstr("requires"));
    EXPECT_THAT(start_failure("skipped", false, state), HasSubstr("Condition"));
    EXPECT_THAT(start_failure("done", false, state), HasSubstr("Condition"));
    EXPECT_THAT(start_failure("canceled", false, state), HasSubstr("stop of others"));
    EXPECT_THAT(start_failure("failed", true, state), HasSubstr("start job: failed"));
    EXPECT_THAT(start_failure("failed", false, state), HasSubstr("start limit hit"));
    state.result = "start-limit-hit";
    EXPECT_THAT(start_failure("failed", true, state), HasSubstr("start limit hit"));
}

TEST(UnitState, WhatKeepsItFromStartingIsNamedAlone) {
    EXPECT_EQ(why_not_startable("b.service", fine()).reason, "");
    auto alias = fine();
    alias.id = "b.service";
    EXPECT_EQ(why_not_startable("b.service", alias).reason, "");
    alias.id = "main.service";
    EXPECT_EQ(why_not_startable("b.service", alias).reason, "UnitIsAlias");
    EXPECT_THAT(why_not_startable("b.service", alias).message,
                HasSubstr("set backend.serviceName to main.service"));
    auto state = fine();
    state.restart = "always";
    state.load = "not-found";
    EXPECT_THAT(reasons(state), ElementsAre("UnitMissing"));
    state.load = "masked";
    EXPECT_THAT(reasons(state), ElementsAre("UnitMasked"));
    state.load = "bad-setting";
    state.load_error = "Unit has a bad unit file setting.";
    EXPECT_THAT(reasons(state), ElementsAre("UnitUnloadable"));
    EXPECT_THAT(concerns_of("b.service", state).front().message, HasSubstr("bad unit file"));
}

TEST(UnitState, WhatWorksAgainstTheManagerIsWarnedOf) {
    EXPECT_THAT(reasons(fine()), IsEmpty());
    auto state = fine();
    state.file = "enabled";
    EXPECT_THAT(reasons(state), ElementsAre("UnitEnabled"));
    state.file = "static";
    EXPECT_THAT(reasons(state), IsEmpty());
    state.restart = "on-failure";
    state.triggered_by = {"b.socket", "b.timer"};
    state.kill_mode = "none";
    state.result = "start-limit-hit";
    EXPECT_THAT(
        reasons(state),
        ElementsAre("UnitTriggered", "UnitRestarts", "UnitLeavesProcesses", "UnitStartLimitHit"));
    EXPECT_THAT(concerns_of("b.service", state).front().message, HasSubstr("b.socket, b.timer"));
    state.kill_mode = "mixed";
    EXPECT_THAT(reasons(state), ElementsAre("UnitTriggered", "UnitRestarts", "UnitStartLimitHit"));
}

}  // namespace
}  // namespace adapters::dbus
