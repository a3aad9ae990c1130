// The verbs about members and their state: leave, remove, pause, resume, join, status, list.
#include "cli/verbs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/cli/verbs_world.h"

namespace cli {
namespace {

using Switchover = model::Spec::Switchover;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
// defects.md C07
TEST_F(Verbs, LeaveAsksTheDaemonAndWaitsUntilItIsGone) {
    config_.node_id = "n1";
    then([&] { EXPECT_THAT(cluster_.stored_spec().leave, testing::ElementsAre("n1")); });
    then([&] { static_cast<void>(cluster_.erase("n1", (*cluster_.node("n1"))->revision)); });
    EXPECT_EQ(run(run_leave), exit_done) << err_;
    EXPECT_EQ(out_,
              "Leaving cluster prod...\n"
              "Stepping down from leadership...\n"
              "✓ Successfully left cluster\n");
}

TEST_F(Verbs, LeaveWithoutADaemonDeletesTheKey) {
    dead_ = {"n2"};
    EXPECT_EQ(run(run_leave), exit_done) << err_;
    EXPECT_THAT(cluster_.erased, testing::ElementsAre("n2"));
    EXPECT_THAT(out_, Not(HasSubstr("Stepping down")));
    EXPECT_EQ(run(run_leave), exit_done) << "leaving twice is leaving";
}

TEST_F(Verbs, LeaveOfANodeThatThereIsNotIsRefused) {
    config_.node_id = "n9";
    dead_ = {"n9"};
    EXPECT_EQ(run(run_leave), exit_failed);
    EXPECT_THAT(err_, HasSubstr("no node \"n9\" is a member of this cluster"));
    EXPECT_THAT(out_, Not(HasSubstr("Successfully")));
    EXPECT_TRUE(cluster_.stored_spec().leave.empty());
}

TEST_F(Verbs, LeaveOfTheLeaderOfAPausedClusterIsRefused) {
    config_.node_id = "n1";
    cluster_.set_spec({.paused = true});
    EXPECT_EQ(run(run_leave), exit_not_reached);
    EXPECT_THAT(err_, HasSubstr("paused"));
    EXPECT_EQ(out_, "Leaving cluster prod...\n");
    EXPECT_TRUE(cluster_.stored_spec().leave.empty());
}

TEST_F(Verbs, RemoveOfANodeThatDiedDeletesItsStatusAndLetsItIdle) {
    command_.subject = "n2";
    config_.node_id = "n1";
    dead_ = {"n2"};
    EXPECT_EQ(run(run_remove), exit_done) << err_;
    EXPECT_EQ(out_, "Removing node n2 from cluster prod...\n✓ Successfully removed node n2\n");
    EXPECT_THAT(err_, HasSubstr("idles until: convex-cluster-manager join --node-id n2\n"));
    EXPECT_THAT(cluster_.erased, testing::ElementsAre("n2"));
    EXPECT_THAT(cluster_.stored_spec().leave, testing::ElementsAre("n2"));
    EXPECT_EQ(run(run_remove), exit_done) << "twice is once";
}

TEST_F(Verbs, RemoveOfANodeThatLivesOrLeadsOrIsNotThereIsRefused) {
    const struct {
        const char* node;
        std::set<std::string> dead;
        int status;
        const char* text;
    } cases[] = {
        {"n2", {}, exit_not_reached, "the daemon of n2 answers; it can leave by itself"},
        {"n1", {"n1"}, exit_not_reached, "n1 leads, by the record"},
        {"n9", {"n9"}, exit_failed, "no node \"n9\" is a member of this cluster"},
    };
    for (const auto& [node, dead, status, text] : cases) {
        command_.subject = node;
        dead_ = dead;
        EXPECT_EQ(run(run_remove), status) << node;
        EXPECT_THAT(err_, HasSubstr(text));
        EXPECT_THAT(out_, Not(HasSubstr("Successfully")));
        EXPECT_TRUE(cluster_.erased.empty());
        EXPECT_TRUE(cluster_.stored_spec().leave.empty());
    }
}

// Its daemon reads the request then, and deletes the status itself.
TEST_F(Verbs, RemoveOfANodeThatComesBackMeanwhileWaitsUntilItHasLeft) {
    command_.subject = "n2";
    dead_ = {"n2"};
    cluster_.after_write = [&] { dead_.clear(); };
    then([&] { EXPECT_TRUE(cluster_.erased.empty()); });
    then([&] { static_cast<void>(cluster_.erase("n2", (*cluster_.node("n2"))->revision)); });
    EXPECT_EQ(run(run_remove), exit_done) << err_;
}

TEST_F(Verbs, PauseAndResumeAreWrittenAndSaid) {
    EXPECT_EQ(run(run_pause), exit_done) << err_;
    EXPECT_EQ(out_, "Pausing cluster prod...\n✓ Successfully paused cluster\n");
    EXPECT_THAT(err_, HasSubstr("Fencing goes on"));
    EXPECT_TRUE(cluster_.stored_spec().paused);
    EXPECT_EQ(run(run_pause), exit_done) << "twice is once";
    EXPECT_EQ(run(run_resume), exit_done) << err_;
    EXPECT_EQ(out_, "Resuming cluster prod...\n✓ Successfully resumed cluster\n");
    EXPECT_EQ(err_, "");
    EXPECT_FALSE(cluster_.stored_spec().paused);
}

TEST_F(Verbs, PauseInTheMiddleOfASwitchoverIsRefused) {
    cluster_.set_spec({.switchover = Switchover{.id = "other", .to = "n2"}});
    EXPECT_EQ(run(run_pause), exit_not_reached);
    EXPECT_THAT(err_, HasSubstr("a switchover is under way to n2 (request other)"));
    EXPECT_THAT(out_, Not(HasSubstr("Successfully")));
    EXPECT_FALSE(cluster_.stored_spec().paused);
}

TEST_F(Verbs, StatusOfANodeThatLeftSaysSo) {
    cluster_.set_spec({.leave = {"n2"}});
    static_cast<void>(cluster_.erase("n2", (*cluster_.node("n2"))->revision));
    EXPECT_EQ(run(run_status), exit_not_reached);
    EXPECT_THAT(out_, HasSubstr("Role:        UNKNOWN (this node left the cluster)\n"));
    EXPECT_EQ(err_,
              "Note: This node left the cluster.\n"
              "      Take it back with: convex-cluster-manager join\n");
}

TEST_F(Verbs, JoinWaitsForTheDaemonsCopyAndTakesBackALeave) {
    cluster_.set_spec({.leave = {"n2", "n9"}});
    cluster_.status("n2").copy_complete = false;
    then([&] {
        EXPECT_THAT(out_, Not(HasSubstr("Data bootstrapped")));
        cluster_.status("n2").copy_complete = true;
    });
    EXPECT_EQ(run(run_join), exit_done) << err_;
    EXPECT_EQ(out_,
              "Joining cluster prod as node n2...\n"
              "✓ Connected to cluster. Current leader: n1\n"
              "\n"
              "Bootstrapping data from cluster snapshot...\n"
              "✓ Data bootstrapped to /d/replica\n"
              "\n"
              "✓ Successfully joined cluster\n");
    EXPECT_THAT(cluster_.stored_spec().leave, testing::ElementsAre("n9"));
}

// defects.md C07
TEST_F(Verbs, JoinOfALeaderlessEmptyClusterTakesNoLease) {
    Cluster empty;
    World world{.cluster = empty, .lease = empty, .clock = clock_};
    world.wait = world_.wait;
    world.answers = [](const std::string&) { return std::nullopt; };
    world.bootstrap = [] { return Result<bool>{false}; };
    const int status = run_join(command_,
                                config_,
                                world,
                                {[this](std::string_view text) { out_ += text; },
                                 [this](std::string_view text) { err_ += text; }});
    EXPECT_EQ(status, exit_done) << err_;
    EXPECT_THAT(out_, HasSubstr("⚠ No leader detected. This node may become leader.\n"));
    EXPECT_THAT(out_,
                HasSubstr("⚠ No snapshots available yet. This node will start with empty data.\n"));
    EXPECT_THAT(out_, HasSubstr("✓ Successfully joined cluster\n"));
}

TEST_F(Verbs, JoinWithoutADaemonFetchesTheSnapshotOrSaysWhatToDo) {
    dead_ = {"n2"};
    EXPECT_EQ(run(run_join), exit_not_reached);
    EXPECT_THAT(err_, HasSubstr("start it"));
    world_.bootstrap = [] { return Result<bool>{true}; };
    EXPECT_EQ(run(run_join), exit_done);
    EXPECT_THAT(out_, HasSubstr("✓ Data bootstrapped to /d/replica\n"));
    world_.bootstrap = []() -> Result<bool> { return model::error(Errc::corrupt, "bad LTX"); };
    EXPECT_EQ(run(run_join), exit_failed);
    EXPECT_THAT(err_, HasSubstr("bad LTX"));
}

// defects.md C33, G09
TEST_F(Verbs, StatusOfADeadDaemonIsNotZeroAndWritesNothing) {
    EXPECT_EQ(run(run_status), exit_done);
    dead_ = {"n2"};
    EXPECT_EQ(run(run_status), exit_not_reached);
    EXPECT_THAT(out_, HasSubstr("UNKNOWN (daemon not responding)"));
    EXPECT_THAT(out_, HasSubstr("Leader:      n1"));
    cluster_.down = true;
    EXPECT_EQ(run(run_status), exit_failed);
    EXPECT_THAT(out_, HasSubstr("(could not query)"));
    EXPECT_THAT(err_, HasSubstr("no NATS server answers"));
}

// A store that takes no writes keeps what was true before.
TEST_F(Verbs, WhatADaemonSaysCountsMoreThanWhatItPublished) {
    cluster_.lead("n2", 3);
    cluster_.status("n2").uptime_ms = 10'000;
    cluster_.status("n2").heartbeat_ms = 3'000;
    cluster_.status("n2").epoch = {3};
    const model::Condition lost{.type = model::ConditionType::lease_held,
                                .status = false,
                                .message = "the lease cannot be written: no space"};
    says_["n2"] = {.node_id = "n2",
                   .role = model::Role::passive,
                   .backend_status = "stopped",
                   .uptime_ms = 40'000,
                   .conditions = {lost}};
    EXPECT_EQ(run(run_status), exit_done);
    EXPECT_THAT(out_,
                HasSubstr("Role:        PASSIVE\n"
                          "Leader:      (none)\n"
                          "Backend:     stopped\n"
                          "No leader:   n2: the lease cannot be written: no space\n"
                          "\n"
                          "NODE"));
    EXPECT_THAT(out_, Not(HasSubstr("PRIMARY")));
    EXPECT_THAT(out_, HasSubstr("n2 published its status 30 s ago for the last time; its epoch"));
    command_.output = Output::json;
    EXPECT_EQ(run(run_status), exit_done);
    EXPECT_THAT(out_, HasSubstr("\"leader\": null"));
    EXPECT_THAT(out_,
                HasSubstr("\"noLeaderBecause\": \"n2: the lease cannot be written: no space\""));
    EXPECT_THAT(out_, HasSubstr("\"publishedAgoMs\": 30000"));
    EXPECT_EQ(run(run_list), exit_done);
    EXPECT_THAT(out_, Not(HasSubstr("PRIMARY")));
    // Nor is it a success to promote it.
    command_.patience = 1s;
    EXPECT_EQ(run(run_promote), exit_not_reached);
    EXPECT_THAT(out_, Not(HasSubstr("Successfully")));
}

// What it cannot write it says.
TEST_F(Verbs, StatusOfADaemonThatHasPublishedNothingIsWhatItAnswers) {
    cluster_.record.reset();
    static_cast<void>(cluster_.erase("n2", (*cluster_.node("n2"))->revision));
    const model::Condition refused{.type = model::ConditionType::lease_held,
                                   .message = "the node id cannot be claimed: no right"};
    says_["n2"] = {.node_id = "n2", .backend_status = "stopped", .conditions = {refused}};
    EXPECT_EQ(run(run_status), exit_done);
    EXPECT_THAT(out_, HasSubstr("Role:        PASSIVE\n"));
    EXPECT_THAT(out_, HasSubstr("No leader:   n2: the node id cannot be claimed: no right\n"));
}

TEST_F(Verbs, StatusWithoutStoreIsWhatThisNodesDaemonSays) {
    cluster_.down = true;
    world_.own_status = [] {
        return model::NodeStatus{.node_id = "n2", .backend_status = "stopped"};
    };
    EXPECT_EQ(run(run_status), exit_failed);
    EXPECT_THAT(out_, HasSubstr("Role:        PASSIVE\n"));
    EXPECT_THAT(err_, HasSubstr("no NATS server answers"));
    command_.output = Output::json;
    EXPECT_EQ(run(run_status), exit_failed);
    EXPECT_THAT(out_, StartsWith("{"));
    EXPECT_THAT(out_, HasSubstr("\"role\": \"PASSIVE\""));
    // Neither store nor daemon answers: JSON or nothing.
    world_.own_status = []() -> Result<model::NodeStatus> {
        return model::error(Errc::unavailable, "connection refused");
    };
    EXPECT_EQ(run(run_status), exit_failed);
    EXPECT_EQ(out_, "");
    command_.output = Output::table;
    EXPECT_EQ(run(run_status), exit_failed);
    EXPECT_THAT(out_, HasSubstr("UNKNOWN (daemon not responding)"));
    EXPECT_THAT(err_, HasSubstr("no NATS server answers"));
}

TEST_F(Verbs, ListAsksEveryNode) {
    dead_ = {"n1"};
    EXPECT_EQ(run(run_list), exit_done);
    EXPECT_THAT(out_, HasSubstr("no answer"));
    command_.output = Output::json;
    EXPECT_EQ(run(run_list), exit_done);
    EXPECT_THAT(out_, StartsWith("[\n"));
    cluster_.down = true;
    EXPECT_EQ(run(run_list), exit_failed);
}

}  // namespace
}  // namespace cli
