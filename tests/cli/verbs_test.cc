#include "cli/verbs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <set>

namespace cli {
namespace {

using namespace std::chrono_literals;
using model::Errc;
using model::Result;
using model::Revision;
using reconcilers::ports::LeaseEntry;
using reconcilers::ports::SpecEntry;
using reconcilers::ports::StatusEntry;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

/// The cluster's records in memory, and what a test does to them while a verb waits.
class Cluster : public reconcilers::ports::ClusterStore, public reconcilers::ports::LeaseStore {
public:
    Result<std::vector<StatusEntry>> nodes() override {
        if (down) return model::error(Errc::unavailable, "no NATS server answers");
        std::vector<StatusEntry> all;
        for (const auto& [id, entry] : nodes_)
            all.push_back(entry);
        return all;
    }
    Result<std::optional<StatusEntry>> node(const std::string& id) override {
        const auto found = nodes_.find(id);
        if (found == nodes_.end()) return std::optional<StatusEntry>{};
        return std::optional{found->second};
    }
    Result<Revision> write(const model::NodeStatus& status, Revision) override {
        nodes_[status.node_id] = {.status = status, .revision = {++revision_}};
        return Revision{revision_};
    }
    Result<void> erase(const std::string& id, Revision expected) override {
        const auto found = nodes_.find(id);
        if (found == nodes_.end() || found->second.revision != expected) {
            return model::error(Errc::conflict, "another revision");
        }
        nodes_.erase(found);
        erased.push_back(id);
        return {};
    }
    Result<SpecEntry> spec() override {
        if (down) return model::error(Errc::unavailable, "no NATS server answers");
        return SpecEntry{spec_, {spec_revision_}};
    }
    Result<Revision> write(const model::Spec& spec, Revision expected) override {
        if (before_write) std::exchange(before_write, nullptr)();
        if (expected.value != spec_revision_) return model::error(Errc::conflict, "was changed");
        spec_ = spec;
        spec_revision_ = ++revision_;
        if (lose_answer) {
            lose_answer = false;
            return model::error(Errc::unknown_outcome, "no answer");
        }
        return Revision{spec_revision_};
    }
    Result<LeaseEntry> read() override {
        if (down) return model::error(Errc::unavailable, "no NATS server answers");
        return LeaseEntry{.record = record, .revision = {1}};
    }
    Result<Revision> write(const model::LeaseRecord&, Revision) override {
        ADD_FAILURE() << "the command line never writes the lease";  // defects.md C06, C07, C08
        return model::error(Errc::invalid, "");
    }
    std::uint64_t session() const override { return 1; }
    void on_change(std::function<void()>) override {}

    void set_spec(const model::Spec& spec) {
        spec_ = spec;
        spec_revision_ = ++revision_;
    }
    model::Spec& wishes() { return spec_; }
    model::NodeStatus& status(const std::string& id) { return nodes_[id].status; }
    void add(const model::NodeStatus& status) { static_cast<void>(write(status, {})); }
    void lead(const std::string& id, std::uint64_t epoch) {
        record = model::LeaseRecord{.node_id = id, .nonce = "n", .epoch = {epoch}};
        for (auto& [each, entry] : nodes_) {
            entry.status.role = each == id ? model::Role::primary : model::Role::passive;
            entry.status.epoch = {epoch};
        }
    }

    std::optional<model::LeaseRecord> record;
    bool down = false;
    bool lose_answer = false;
    std::function<void()> before_write;
    std::vector<std::string> erased;

private:
    std::map<std::string, StatusEntry> nodes_;
    model::Spec spec_;
    std::uint64_t spec_revision_ = 0;
    std::uint64_t revision_ = 0;
};

class TestClock : public reconcilers::ports::Clock {
public:
    model::Instant now() const override { return now_; }
    model::WallTime wall() const override { return {0}; }
    model::Instant now_{};
};

class Verbs : public ::testing::Test {
protected:
    void SetUp() override {
        config_.cluster_id = "prod";
        config_.node_id = "n2";
        config_.wal.replica_path = "/d/replica";
        cluster_.add({.node_id = "n1", .has_database = true, .copy_complete = true});
        cluster_.add({.node_id = "n2", .has_database = true, .copy_complete = true});
        cluster_.lead("n1", 3);
        world_.wait = [this](model::Duration time) {
            clock_.now_ += time;
            if (steps_.empty()) return;
            const auto step = std::move(steps_.front());
            steps_.pop_front();
            step();
        };
        world_.answers = [this](const std::string& node) { return !dead_.contains(node); };
        world_.new_id = [] { return "wish-1"; };
    }

    /// A verb that ends before the test's story does has not waited for what it says it waits for.
    void TearDown() override { EXPECT_TRUE(steps_.empty()) << steps_.size() << " steps were left"; }

    int run(int (*verb)(const Command&, const model::Config&, World&, const Lines&)) {
        out_.clear();
        err_.clear();
        return verb(command_,
                    config_,
                    world_,
                    {[this](std::string_view text) { out_ += text; },
                     [this](std::string_view text) { err_ += text; }});
    }
    void then(std::function<void()> step) { steps_.push_back(std::move(step)); }

    Cluster cluster_;
    TestClock clock_;
    World world_{.cluster = cluster_, .lease = cluster_, .clock = clock_};
    std::deque<std::function<void()>> steps_;
    std::set<std::string> dead_;
    model::Config config_;
    Command command_;
    std::string out_;
    std::string err_;
};

TEST_F(Verbs, PromoteWishesForThisNodeAndWaitsUntilItServes) {
    then([&] {
        ASSERT_TRUE(cluster_.wishes().switchover);
        EXPECT_EQ(cluster_.wishes().switchover->to, "n2");
        EXPECT_EQ(cluster_.wishes().switchover->from, "");
        // The lease alone is not enough: the data is not promoted yet.
        cluster_.record = model::LeaseRecord{.node_id = "n2", .nonce = "m", .epoch = {4}};
    });
    then([&] { EXPECT_THAT(out_, Not(HasSubstr("Successfully"))); });
    then([&] {
        cluster_.lead("n2", 4);
        cluster_.set_spec({});
    });
    EXPECT_EQ(run(run_promote), exit_done) << err_;
    EXPECT_EQ(out_,
              "Attempting to promote node n2 to leader...\n"
              "✓ Successfully promoted to leader\n");
}

// defects.md C06
TEST_F(Verbs, PromoteOnTheLeaderChangesNothing) {
    cluster_.lead("n2", 3);
    EXPECT_EQ(run(run_promote), exit_done);
    EXPECT_THAT(out_, HasSubstr("✓ Successfully promoted to leader\n"));
    EXPECT_FALSE(cluster_.wishes().switchover);
    EXPECT_EQ(cluster_.record->node_id, "n2");
}

TEST_F(Verbs, PromoteTellsWhyTheLeaderRefused) {
    then([&] {
        cluster_.status("n1").switchover =
            model::SwitchoverOutcome{"wish-1", false, "n2 lags by 40 MB"};
        cluster_.set_spec({});
    });
    EXPECT_EQ(run(run_promote), exit_not_reached);
    EXPECT_THAT(err_, HasSubstr("n1 refused: n2 lags by 40 MB"));
    EXPECT_THAT(out_, Not(HasSubstr("Successfully")));
}

TEST_F(Verbs, ARefusalOfAnOlderWishIsNotOurs) {
    cluster_.status("n1").switchover = model::SwitchoverOutcome{"wish-0", false, "old"};
    then([&] { cluster_.lead("n2", 4); });
    EXPECT_EQ(run(run_promote), exit_done) << err_;
}

TEST_F(Verbs, APausedClusterIsLeftAlone) {
    cluster_.set_spec({.paused = true});
    EXPECT_EQ(run(run_promote), exit_not_reached);
    EXPECT_THAT(err_, HasSubstr("paused"));
    EXPECT_FALSE(cluster_.wishes().switchover);
}

TEST_F(Verbs, AWishThatIsNotFulfilledInTimeIsTakenBack) {
    command_.patience = 5s;
    EXPECT_EQ(run(run_promote), exit_not_reached);
    EXPECT_THAT(err_, HasSubstr("the time is over; the wish was taken back"));
    EXPECT_FALSE(cluster_.wishes().switchover);
    EXPECT_EQ(clock_.now_, model::Instant{} + 5s);
}

TEST_F(Verbs, AWishWhoseUserGaveUpIsTakenBack) {
    bool given_up = false;
    world_.interrupted = [&given_up] { return given_up; };
    then([] {});
    then([&given_up] { given_up = true; });
    EXPECT_EQ(run(run_promote), exit_not_reached);
    EXPECT_THAT(err_, HasSubstr("interrupted; the wish was taken back"));
    EXPECT_FALSE(cluster_.wishes().switchover);
}

TEST_F(Verbs, AWishThatGotNoAnswerIsSettledByReading) {
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
    EXPECT_EQ(cluster_.wishes().switchover->id, "other");
}

TEST_F(Verbs, TheSameWishOfAnotherIsWaitedForTogether) {
    cluster_.set_spec({.switchover = model::Spec::Switchover{.id = "other", .to = "n2"}});
    then([&] {
        cluster_.status("n1").switchover = model::SwitchoverOutcome{"other", false, "no"};
    });
    EXPECT_EQ(run(run_promote), exit_not_reached);
    EXPECT_THAT(err_, HasSubstr("n1 refused: no"));
}

TEST_F(Verbs, AWishThatAnotherReplacedIsNotWaitedForAnyLonger) {
    then([&] {
        cluster_.set_spec({.switchover = model::Spec::Switchover{.id = "other", .to = "n1"}});
    });
    EXPECT_EQ(run(run_promote), exit_not_reached);
    EXPECT_THAT(err_, HasSubstr("took the place"));
}

TEST_F(Verbs, PromoteNeedsADaemonHere) {
    dead_ = {"n2"};
    EXPECT_EQ(run(run_promote), exit_not_reached);
    EXPECT_THAT(err_, HasSubstr("the daemon of n2 does not answer"));
    EXPECT_FALSE(cluster_.wishes().switchover);
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
        EXPECT_EQ(cluster_.wishes().switchover->from, "n1");
        EXPECT_EQ(cluster_.wishes().switchover->to, "");
        cluster_.record->state = model::LeaseRecord::State::released;
    });
    then([&] {
        EXPECT_THAT(out_, Not(HasSubstr("Successfully")));
        cluster_.lead("n2", 4);
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
    EXPECT_FALSE(cluster_.wishes().switchover);
}

// defects.md C07
TEST_F(Verbs, LeaveAsksTheDaemonAndWaitsUntilItIsGone) {
    config_.node_id = "n1";
    then([&] { EXPECT_THAT(cluster_.wishes().leave, testing::ElementsAre("n1")); });
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
    EXPECT_THAT(cluster_.wishes().leave, testing::ElementsAre("n9"));
}

// defects.md C07
TEST_F(Verbs, JoinOfALeaderlessEmptyClusterTakesNoLease) {
    Cluster empty;
    World world{.cluster = empty, .lease = empty, .clock = clock_};
    world.wait = world_.wait;
    world.answers = [](const std::string&) { return false; };
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
