// The verbs that move the lease: promote and demote.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/verbs.h"
#include "tests/cli/verbs_world.h"

namespace cli {
namespace {

using Switchover = model::Spec::Switchover;
using ::testing::HasSubstr;
using ::testing::Not;
TEST_F(Verbs, PromoteRequestsASwitchoverToThisNodeAndWaitsUntilItServes) {
    then([&] {
        ASSERT_TRUE(cluster_.stored_spec().switchover);
        EXPECT_EQ(cluster_.stored_spec().switchover->to, "n2");
        EXPECT_EQ(cluster_.stored_spec().switchover->from, "");
        // The lease is not enough: the data is not promoted yet.
        cluster_.record = model::LeaseRecord{.node_id = "n2", .nonce = "m", .epoch = {4}};
    });
    then([&] {
        EXPECT_THAT(out_, Not(HasSubstr("Successfully")));
        cluster_.lead("n2", 4);
        cluster_.answer("n2", false, "connection refused");
    });
    // Primary is not enough: nobody is served yet.
    then([&] {
        EXPECT_THAT(out_, Not(HasSubstr("Successfully")));
        EXPECT_THAT(err_,
                    HasSubstr("Waiting: n2 has the lease, and its backend does not answer; the "
                              "BackendReady of n2 says: connection refused\n"));
    });
    then([&] {
        cluster_.answer("n2", true);
        cluster_.set_spec({});
    });
    EXPECT_EQ(run(run_promote), exit_done) << err_;
    EXPECT_EQ(out_,
              "Attempting to promote node n2 to leader...\n"
              "✓ Successfully promoted to leader\n");
}

TEST_F(Verbs, PromoteToABackendThatNeverAnswersSaysWhatItWaitedFor) {
    command_.patience = 5s;
    then([&] {
        cluster_.lead("n2", 4);
        cluster_.answer("n2", false, "/opt/backend: No such file or directory");
    });
    EXPECT_EQ(run(run_promote), exit_not_reached);
    EXPECT_THAT(err_,
                HasSubstr("the time is over; the request was withdrawn; a hand-over that had begun "
                          "goes on; n2 has the lease, and its backend does not answer; the "
                          "BackendReady of n2 says: /opt/backend: No such file or directory\n"));
    EXPECT_THAT(out_, Not(HasSubstr("Successfully")));
}

TEST_F(Verbs, PromoteOnALeaderWhoseBackendDoesNotAnswerWaitsForIt) {
    cluster_.lead("n2", 3);
    cluster_.answer("n2", false);
    then([&] { EXPECT_THAT(out_, Not(HasSubstr("Successfully"))); });
    then([&] { cluster_.answer("n2", true); });
    EXPECT_EQ(run(run_promote), exit_done) << err_;
}

// defects.md C06
TEST_F(Verbs, PromoteOnTheLeaderChangesNothing) {
    cluster_.lead("n2", 3);
    EXPECT_EQ(run(run_promote), exit_done);
    EXPECT_THAT(out_, HasSubstr("✓ Successfully promoted to leader\n"));
    EXPECT_FALSE(cluster_.stored_spec().switchover);
    EXPECT_EQ(cluster_.record->node_id, "n2");
}

TEST_F(Verbs, PromoteReportsWhyTheLeaderRefused) {
    then([&] {
        cluster_.status("n1").switchover =
            model::SwitchoverOutcome{"request-1", false, "n2 lags by 40 MB"};
        cluster_.set_spec({});
    });
    EXPECT_EQ(run(run_promote), exit_not_reached);
    EXPECT_THAT(err_, HasSubstr("n1 refused: n2 lags by 40 MB"));
    EXPECT_THAT(out_, Not(HasSubstr("Successfully")));
}

TEST_F(Verbs, ARefusalOfAnOlderRequestIsNotOurs) {
    cluster_.status("n1").switchover = model::SwitchoverOutcome{"request-0", false, "old"};
    then([&] { cluster_.lead("n2", 4); });
    EXPECT_EQ(run(run_promote), exit_done) << err_;
}

TEST_F(Verbs, APausedClusterIsLeftAlone) {
    cluster_.set_spec({.paused = true});
    EXPECT_EQ(run(run_promote), exit_not_reached);
    EXPECT_THAT(err_, HasSubstr("paused"));
    EXPECT_FALSE(cluster_.stored_spec().switchover);
}

TEST_F(Verbs, ARequestThatIsNotFulfilledInTimeIsWithdrawn) {
    command_.patience = 5s;
    EXPECT_EQ(run(run_promote), exit_not_reached);
    EXPECT_THAT(err_, HasSubstr("the time is over; the request was withdrawn"));
    EXPECT_FALSE(cluster_.stored_spec().switchover);
    EXPECT_EQ(clock_.now_, model::Instant{} + 5s);
}

TEST_F(Verbs, ARequestWhoseUserGaveUpIsWithdrawn) {
    bool given_up = false;
    world_.interrupted = [&given_up] { return given_up; };
    then([] {});
    then([&given_up] { given_up = true; });
    EXPECT_EQ(run(run_promote), exit_not_reached);
    EXPECT_THAT(err_, HasSubstr("interrupted; the request was withdrawn"));
    EXPECT_FALSE(cluster_.stored_spec().switchover);
}

TEST_F(Verbs, ARequestThatGotNoAnswerIsResolvedByReading) {
    cluster_.lose_answer = true;
    then([] {});
    then([&] { cluster_.lead("n2", 4); });
    EXPECT_EQ(run(run_promote), exit_done) << err_;
}

TEST_F(Verbs, AnotherOperatorWhoCameFirstIsNotOverwritten) {
    cluster_.before_write = [&] {
        cluster_.set_spec({.switchover = model::Spec::Switchover{.id = "other", .to = "n3"}});
    };
    EXPECT_EQ(run(run_promote), exit_not_reached);
    EXPECT_THAT(err_, HasSubstr("another switchover is under way to n3"));
    EXPECT_EQ(cluster_.stored_spec().switchover->id, "other");
}

TEST_F(Verbs, TheSameRequestOfAnotherIsWaitedForTogether) {
    cluster_.set_spec({.switchover = model::Spec::Switchover{.id = "other", .to = "n2"}});
    then([&] {
        cluster_.status("n1").switchover = model::SwitchoverOutcome{"other", false, "no"};
    });
    EXPECT_EQ(run(run_promote), exit_not_reached);
    EXPECT_THAT(err_, HasSubstr("n1 refused: no"));
}

TEST_F(Verbs, TheRequestOfAnotherIsNotWithdrawn) {
    const Switchover theirs{.id = "other", .to = "n2"};
    cluster_.set_spec({.switchover = theirs});
    command_.patience = 2s;
    EXPECT_EQ(run(run_promote), exit_not_reached);
    EXPECT_THAT(err_, HasSubstr("the time is over; the request is another operator's and stands"));
    EXPECT_EQ(cluster_.stored_spec().switchover, theirs);
}

TEST_F(Verbs, ARequestThatAnotherReplacedIsNotWaitedForAnyLonger) {
    then([&] {
        cluster_.set_spec({.switchover = model::Spec::Switchover{.id = "other", .to = "n1"}});
    });
    EXPECT_EQ(run(run_promote), exit_not_reached);
    EXPECT_THAT(err_, HasSubstr("took the place"));
}

// The lease has moved; the request stays pending until the new leader serves.
TEST_F(Verbs, PromoteRightAfterDemoteWaitsForItsEnd) {
    const Switchover demote{.id = "other", .from = "n2"};
    cluster_.set_spec({.switchover = demote});
    then([&] {
        EXPECT_EQ(cluster_.stored_spec().switchover, demote);
        EXPECT_THAT(err_, HasSubstr("Waiting for the end of the switchover before this one."));
        cluster_.set_spec({});
    });
    then([&] {
        EXPECT_EQ(cluster_.stored_spec().switchover->id, "request-1");
        cluster_.lead("n2", 4);
    });
    EXPECT_EQ(run(run_promote), exit_done) << err_;
}

TEST_F(Verbs, PromoteWhileAnotherNodeBecomesLeaderWaitsForItsEnd) {
    cluster_.set_spec({.switchover = Switchover{.id = "other", .to = "n1"}});  // which leads now
    then([&] {
        EXPECT_EQ(cluster_.stored_spec().switchover->id, "other");
        cluster_.set_spec({});
    });
    then([&] { cluster_.lead("n2", 4); });
    EXPECT_EQ(run(run_promote), exit_done) << err_;
}

TEST_F(Verbs, ASwitchoverThatDoesNotEndIsNotWaitedForWithoutEnd) {
    const Switchover demote{.id = "other", .from = "n3"};
    cluster_.set_spec({.switchover = demote});
    command_.patience = 5s;
    EXPECT_EQ(run(run_promote), exit_not_reached);
    EXPECT_THAT(err_,
                HasSubstr("the time is over; another switchover is under way away from n3 (request "
                          "other); wait for it"));
    EXPECT_EQ(cluster_.stored_spec().switchover, demote);
}

TEST_F(Verbs, ASwitchoverThatHasNotMovedTheLeaseIsNotWaitedFor) {
    for (const auto& other :
         {Switchover{.id = "other", .to = "n3"}, Switchover{.id = "other", .from = "n1"}}) {
        cluster_.set_spec({.switchover = other});
        EXPECT_EQ(run(run_promote), exit_not_reached);
        EXPECT_THAT(err_, HasSubstr("another switchover is under way"));
        EXPECT_EQ(cluster_.stored_spec().switchover, other);
        EXPECT_EQ(clock_.now_, model::Instant{});
    }
}

// Its last published status still says that it leads, until another node does.
TEST_F(Verbs, PromoteOfALeaderThatWasKilledIsNoSuccess) {
    cluster_.lead("n2", 3);
    dead_ = {"n2"};
    EXPECT_EQ(run(run_promote), exit_not_reached);
    EXPECT_THAT(err_, HasSubstr("the daemon of n2 does not answer"));
    EXPECT_THAT(out_, Not(HasSubstr("Successfully")));
}

TEST_F(Verbs, PromoteAfterTheLeaderWasKilledTakesOverWhenItsLeaseIsOver) {
    dead_ = {"n1"};
    then([&] {
        EXPECT_THAT(err_,
                    HasSubstr("The leader n1 does not answer; n2 takes over when its lease has run "
                              "out.\n"));
        EXPECT_EQ(cluster_.stored_spec().switchover->to, "n2");
    });
    then([&] {
        cluster_.lead("n2", 4);
        cluster_.status("n1").role = model::Role::primary;
    });
    EXPECT_EQ(run(run_promote), exit_done) << err_;
    // What the killed one published last is not how it is now.
    EXPECT_THAT(err_, HasSubstr("leader n2, epoch 4; n1 (was PRIMARY); n2 PRIMARY"));
}

// No leader is left to refuse the request: the node itself says what it waits for.
TEST_F(Verbs, PromoteThatNobodyRefusesSaysWhatTheNodeWaitsFor) {
    dead_ = {"n1"};
    command_.patience = 2s;
    cluster_.status("n2").conditions = {{.type = model::ConditionType::lease_held,
                                         .reason = "Following",
                                         .message = "nofailover is set on this node"}};
    EXPECT_EQ(run(run_promote), exit_not_reached);
    EXPECT_THAT(err_, HasSubstr("the LeaseHeld of n2 says: nofailover is set on this node\n"));
}

TEST_F(Verbs, PromoteOfANodeThatLeftIsRefused) {
    cluster_.set_spec({.leave = {"n2"}});
    static_cast<void>(cluster_.erase("n2", (*cluster_.node("n2"))->revision));
    EXPECT_EQ(run(run_promote), exit_not_reached);
    EXPECT_THAT(err_, HasSubstr("n2 left the cluster; let it join again first"));
}

// While its outcome is unknown the request is watched, and withdrawn in the end.
TEST_F(Verbs, ARequestWhoseOutcomeIsUnknownIsWatched) {
    cluster_.lose_answer = true;
    cluster_.after_write = [&] { cluster_.spec_down = true; };
    for (int i = 0; i < 101; ++i)
        then([] {});
    then([&] {
        cluster_.spec_down = false;
        cluster_.lead("n2", 4);
    });
    EXPECT_EQ(run(run_promote), exit_done) << err_;
}

TEST_F(Verbs, PromoteNeedsADaemonHere) {
    dead_ = {"n2"};
    EXPECT_EQ(run(run_promote), exit_not_reached);
    EXPECT_THAT(err_, HasSubstr("the daemon of n2 does not answer"));
    EXPECT_FALSE(cluster_.stored_spec().switchover);
}

TEST_F(Verbs, NatsThatIsAwayForAMomentIsWaitedFor) {
    then([&] { cluster_.down = true; });
    then([&] { EXPECT_THAT(err_, HasSubstr("no NATS server answers")); });
    then([&] {
        cluster_.down = false;
        cluster_.lead("n2", 4);
    });
    EXPECT_EQ(run(run_promote), exit_done) << err_;
}

// defects.md C05
TEST_F(Verbs, DemoteIsDoneWhenTheNodeIsPassiveAndNotBefore) {
    config_.node_id = "n1";
    then([&] {
        EXPECT_EQ(cluster_.stored_spec().switchover->from, "n1");
        EXPECT_EQ(cluster_.stored_spec().switchover->to, "");
        cluster_.record->state = model::LeaseRecord::State::released;
    });
    then([&] {
        EXPECT_THAT(out_, Not(HasSubstr("Successfully")));
        cluster_.lead("n2", 4);
        cluster_.answer("n2", false, "starting");
    });
    then([&] {
        EXPECT_THAT(out_, Not(HasSubstr("Successfully")));
        EXPECT_THAT(err_, HasSubstr("Waiting: n2 has the lease"));
        cluster_.answer("n2", true);
    });
    EXPECT_EQ(run(run_demote), exit_done) << err_;
    EXPECT_EQ(out_,
              "Demoting node n1 from leader...\n"
              "✓ Successfully demoted from leader\n");
}

TEST_F(Verbs, DemoteOfOneThatDoesNotLeadSaysWhoDoes) {
    EXPECT_EQ(run(run_demote), exit_done);
    EXPECT_THAT(out_, HasSubstr("This node is not the current leader (leader is n1)\n"));
    cluster_.record.reset();
    EXPECT_EQ(run(run_demote), exit_done);
    EXPECT_THAT(out_, HasSubstr("No leader currently exists in the cluster\n"));
    EXPECT_FALSE(cluster_.stored_spec().switchover);
}

}  // namespace
}  // namespace cli
