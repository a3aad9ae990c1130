#include "cli/failover.h"

#include <gmock/gmock.h>

#include "tests/cli/verbs_world.h"

namespace cli {
namespace {

using Switchover = model::Spec::Switchover;
using ::testing::HasSubstr;
using ::testing::Not;

/// n1 led, and is dead; n2 is asked to lead.
class Failover : public Verbs {
protected:
    void SetUp() override {
        Verbs::SetUp();
        dead_ = {"n1"};
        auto& n1 = cluster_.status("n1");
        n1.position = {{3}, {42}};
        n1.lag = model::Lag{.transactions = 3, .bytes = 900, .ms = 12};
        n1.last_seen = {1'700'000'000'000};
        cluster_.status("n2").position = {{3}, {40}};
        command_.force = true;
        command_.yes = true;
    }
};

TEST_F(Failover, ShowsEveryPositionAndWhatIsLostThenLeads) {
    then([&] {
        const Switchover forced{.id = "request-1", .to = "n2", .force = true};
        EXPECT_EQ(cluster_.stored_spec().switchover, forced);
        cluster_.lead("n2", 4);
        cluster_.answer("n2", false);
    });
    then([&] {
        EXPECT_THAT(out_, Not(HasSubstr("Successfully")));
        cluster_.answer("n2", true);
    });
    EXPECT_EQ(run(run_failover), exit_done) << err_;
    EXPECT_EQ(
        out_,
        "Attempting a failover of cluster prod to node n2...\n"
        "\n"
        "NODE  STATE                     TENURE  TXID              LAST SEEN\n"
        "n1    no answer, has the lease  3       000000000000002a  2023-11-14T22:13:20.000Z\n"
        "n2    running                   3       0000000000000028  -\n"
        "\n"
        "n1 is ahead by 2 transactions: they are read from the log first; those that are not in it "
        "are lost\n"
        "n1 was primary: 3 transactions (900 bytes) of it were not shipped when it was last heard "
        "of (at 2023-11-14T22:13:20.000Z); they, and what it committed after that, are lost to the "
        "cluster\n"
        "What a former primary has and the log does not is set aside there when it comes back; "
        "nothing is deleted.\n"
        "\n"
        "✓ Successfully promoted to leader\n");
    EXPECT_EQ(asked_, "");
}

TEST_F(Failover, IsConfirmedByTheNameOfTheNodeOrTheCluster) {
    command_.yes = false;
    for (const char* const name : {"n2", "prod"}) {
        cluster_.lead("n1", 3);
        cluster_.set_spec({});
        typed_ = name;
        then([&] { cluster_.lead("n2", 4); });
        EXPECT_EQ(run(run_failover), exit_done) << err_;
        EXPECT_THAT(asked_, HasSubstr("Type the name of the node (n2)"));
    }
    cluster_.lead("n1", 3);
    for (const char* const other : {"", "y", "n1", "N2"}) {
        cluster_.set_spec({});
        typed_ = other;
        EXPECT_EQ(run(run_failover), exit_not_reached);
        EXPECT_THAT(err_, HasSubstr("not confirmed; nothing was requested"));
        EXPECT_FALSE(cluster_.stored_spec().switchover);
    }
}

TEST_F(Failover, WithoutATerminalOrYesIsRefused) {
    command_.yes = false;
    EXPECT_EQ(run(run_failover), exit_usage);
    EXPECT_THAT(err_, HasSubstr("--yes"));
    world_.ask = nullptr;
    EXPECT_EQ(run(run_failover), exit_usage);
    EXPECT_FALSE(cluster_.stored_spec().switchover);
}

TEST_F(Failover, FromALeaderThatAnswersIsRefused) {
    dead_.clear();
    EXPECT_EQ(run(run_failover), exit_not_reached);
    EXPECT_THAT(err_,
                HasSubstr("n1 leads, and its daemon answers; a planned switchover (promote)"));
    EXPECT_FALSE(cluster_.stored_spec().switchover);
    // It came back while somebody read what would be lost.
    dead_ = {"n1"};
    command_.yes = false;
    world_.ask = [&](const std::string&) {
        dead_.clear();
        return std::optional<std::string>{"n2"};
    };
    EXPECT_EQ(run(run_failover), exit_not_reached);
    EXPECT_THAT(err_, HasSubstr("n1 leads, and its daemon answers"));
    EXPECT_FALSE(cluster_.stored_spec().switchover);
}

TEST_F(Failover, ToANodeThatCannotLeadIsRefused) {
    cluster_.status("n2").alarm = "the store is behind this node's memory";
    EXPECT_EQ(run(run_failover), exit_not_reached);
    EXPECT_THAT(err_, HasSubstr("n2 needs an operator first"));
    dead_ = {"n1", "n2"};
    EXPECT_EQ(run(run_failover), exit_not_reached);
    EXPECT_THAT(err_, HasSubstr("the daemon of n2 does not answer; start it first"));
    config_.node_id = "n9";
    EXPECT_EQ(run(run_failover), exit_failed);
    EXPECT_THAT(err_, HasSubstr("no node \"n9\" is a member"));
    config_.node_id = "n2";
    cluster_.set_spec({.paused = true});
    EXPECT_EQ(run(run_failover), exit_not_reached);
    EXPECT_THAT(err_, HasSubstr("paused"));
    EXPECT_FALSE(cluster_.stored_spec().switchover);
}

// The node that it asked for may be gone, and who ended requests is.
TEST_F(Failover, TakesThePlaceOfASwitchoverThatNobodyEnds) {
    cluster_.set_spec({.switchover = Switchover{.id = "old", .to = "n3"}});
    then([&] {
        EXPECT_EQ(cluster_.stored_spec().switchover->id, "request-1");
        cluster_.lead("n2", 4);
    });
    EXPECT_EQ(run(run_failover), exit_done) << err_;
}

TEST_F(Failover, ThatDoesNotComeAboutIsWithdrawnAndSaysWhatTheNodeWaitsFor) {
    command_.patience = 2s;
    cluster_.status("n2").conditions = {{.type = model::ConditionType::lease_held,
                                         .reason = "Following",
                                         .message = "the copy is not complete"}};
    EXPECT_EQ(run(run_failover), exit_not_reached);
    EXPECT_THAT(err_, HasSubstr("the LeaseHeld of n2 says: the copy is not complete\n"));
    EXPECT_FALSE(cluster_.stored_spec().switchover);
}

TEST_F(Failover, OnTheLeaderThatServesChangesNothing) {
    cluster_.lead("n2", 4);
    EXPECT_EQ(run(run_failover), exit_done) << err_;
    EXPECT_FALSE(cluster_.stored_spec().switchover);
}

TEST(FailoverReport, SaysWhatIsNotKnownAndWhatIsOfALaterTenure) {
    ClusterView view;
    view.nodes = {{.status = {.node_id = "n1", .position = {{5}, {7}}}},
                  {.status = {.node_id = "n2", .position = {{4}, {40}}}, .answers = true},
                  {.status = {.node_id = "n3"}, .readable = false}};
    const auto text = failover_report(view, "n2");
    EXPECT_THAT(text, HasSubstr("n1 has data of tenure 5, n2 of tenure 4: what is not in the log"));
    EXPECT_THAT(text, HasSubstr("what n3 has cannot be read\n"));
    view.nodes[0].status.role = model::Role::primary;
    EXPECT_THAT(failover_report(view, "n2"),
                HasSubstr("n1 was primary: how much it had not shipped is not known"));
    view.nodes = {view.nodes[1]};
    EXPECT_THAT(failover_report(view, "n2"), HasSubstr("Nothing is known that n2 would lack.\n"));
}

}  // namespace
}  // namespace cli
