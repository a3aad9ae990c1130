#include "reconcilers/registry/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace reconcilers::registry {
namespace {

using namespace std::chrono_literals;
using model::Instant;
using model::ServiceHealth;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using State = ports::CheckOutcome::State;

constexpr NodeState passive{
    .primary = false, .backend_ready = false, .leads = false, .present = true};
constexpr NodeState primary{.primary = true, .backend_ready = true, .leads = true, .present = true};

Service service(std::string name) {
    return {.name = std::move(name),
            .address = "10.0.0.1",
            .port = 80,
            .protocol = "http",
            .path = "",
            .metadata = {},
            .tags = {},
            .bound_to_primary = false,
            .internal = false,
            .check = {}};
}
Service bound(std::string name) {
    auto made = service(std::move(name));
    made.bound_to_primary = true;
    return made;
}
Service checked(Service made) {
    made.check = model::ServiceCheck{.host = "10.0.0.1", .port = 80, .path = "/"};
    return made;
}
Verdicts verdict(const std::string& name, State state, std::string reason = {}) {
    return {{name, {.state = state, .reason = std::move(reason)}}};
}

std::pair<ServiceHealth, std::string> health(const Service& service,
                                             const NodeState& node,
                                             const Verdicts& verdicts = {}) {
    const auto entry = desired_entry("n1", service, node, verdicts);
    if (!entry) return {ServiceHealth::critical, "(none)"};
    return {entry->health, entry->health_reason};
}

// defects.md M20: what is bound to the primary is on standby elsewhere.
TEST(RegistryPlan, M20_AServiceBoundToThePrimaryIsPassingThereAndStandbyElsewhere) {
    using Health = std::pair<ServiceHealth, std::string>;
    EXPECT_EQ(health(bound("http"), primary), (Health{ServiceHealth::passing, ""}));
    EXPECT_EQ(health(bound("http"), passive),
              (Health{ServiceHealth::standby, "this node is not the primary"}));
    auto without_backend = primary;
    without_backend.backend_ready = false;
    EXPECT_EQ(health(bound("http"), without_backend),
              (Health{ServiceHealth::critical, "the backend does not answer"}));
    EXPECT_EQ(health(service("metrics"), passive), (Health{ServiceHealth::passing, ""}));
}

// defects.md M14: health is what a check found, and no constant.
TEST(RegistryPlan, M14_HealthIsWhatTheCheckFound) {
    const auto given = checked(service("metrics"));
    EXPECT_EQ(desired_entry("n1", given, passive, {}), std::nullopt) << "nothing was found yet";
    EXPECT_EQ(health(given, passive, verdict("metrics", State::passing)).first,
              ServiceHealth::passing);
    EXPECT_EQ(health(given, passive, verdict("metrics", State::warning, "429")),
              (std::pair{ServiceHealth::warning, std::string{"429"}}));
    EXPECT_EQ(health(given, passive, verdict("metrics", State::critical, "refused")),
              (std::pair{ServiceHealth::critical, std::string{"refused"}}));
}

// defects.md M20: one failing check touches that service alone.
TEST(RegistryPlan, M20_OneFailingCheckTouchesThatServiceAlone) {
    const auto verdicts = verdict("a", State::critical, "refused");
    const auto actions = plan_registry({.node_id = "n1",
                                        .node = passive,
                                        .services = {checked(service("a")), service("b")},
                                        .verdicts = verdicts},
                                       {},
                                       {},
                                       {7});
    ASSERT_EQ(actions.size(), 2U);
    EXPECT_EQ(std::get<Write>(actions[0]).entry.health, ServiceHealth::critical);
    EXPECT_EQ(std::get<Write>(actions[1]).entry.health, ServiceHealth::passing);
}

TEST(RegistryPlan, AServiceOnStandbyIsNotLookedAt) {
    EXPECT_FALSE(wants_check(checked(bound("http")), passive));
    EXPECT_TRUE(wants_check(checked(bound("http")), primary));
    EXPECT_TRUE(wants_check(checked(service("metrics")), passive));
    EXPECT_FALSE(wants_check(service("metrics"), passive));
    EXPECT_EQ(health(checked(bound("http")), passive).first, ServiceHealth::standby);
}

class RegistryPlanOfThree : public testing::Test {
protected:
    void store(const std::string& node, const std::string& name, std::uint64_t revision) {
        auto entry = *desired_entry(node, service(name), passive, {});
        entry.registered_at = {1};
        entry.updated_at = {1};
        stored_[model::service_key(name, node)] = {entry, {revision}};
    }
    std::vector<Action> plan(const NodeState& node) {
        return plan_registry({.node_id = "n1", .node = node, .services = services_, .verdicts = {}},
                             stored_,
                             silent_,
                             {9});
    }
    std::vector<Service> services_{service("a")};
    Stored stored_;
    Silent silent_;
};

TEST_F(RegistryPlanOfThree, WhatStandsThereIsNotWrittenAgain) {
    store("n1", "a", 1);
    EXPECT_THAT(plan(passive), IsEmpty());
    // An entry that was removed, or tells another health, is.
    stored_.clear();
    EXPECT_EQ(plan(passive).size(), 1U);
}

TEST_F(RegistryPlanOfThree, AChangeKeepsTheTimeOfRegistration) {
    store("n1", "a", 1);
    services_[0].port = 81;
    const auto actions = plan(passive);
    ASSERT_EQ(actions.size(), 1U);
    const auto& entry = std::get<Write>(actions[0]).entry;
    EXPECT_EQ(entry.registered_at, model::WallTime{1});
    EXPECT_EQ(entry.updated_at, model::WallTime{9});
}

TEST_F(RegistryPlanOfThree, AChangeOfRoleIsWritten) {
    store("n1", "a", 1);
    const auto actions = plan(primary);
    ASSERT_EQ(actions.size(), 1U);
    EXPECT_EQ(std::get<Write>(actions[0]).entry.role, "PRIMARY");
}

TEST_F(RegistryPlanOfThree, WhatIsNoLongerConfiguredOrHasNoNodeGoes) {
    store("n1", "a", 1);
    store("n1", "old", 2);
    EXPECT_THAT(plan(passive), ElementsAre(Action{Erase{"old/n1", {2}}}));
    auto leaving = passive;
    leaving.present = false;
    EXPECT_THAT(plan(leaving),
                ElementsAre(Action{Erase{"a/n1", {1}}}, Action{Erase{"old/n1", {2}}}));
}

TEST_F(RegistryPlanOfThree, OnlyTheLeaderRemovesWhatSilentNodesLeft) {
    store("n1", "a", 1);
    store("n2", "a", 2);
    store("n3", "a", 3);
    silent_ = {{"n2", "node n2 is silent"}};
    EXPECT_THAT(plan(passive), IsEmpty());
    auto leader = passive;
    leader.leads = true;
    EXPECT_THAT(plan(leader), ElementsAre(Action{Erase{"a/n2", {2}}}));
}

// defects.md C26: what a dead node said last is not shown for ever.
TEST_F(RegistryPlanOfThree, C26_ReadersSeeASilentNodesEntriesAsCriticalAndItsRoleAsUnknown) {
    store("n1", "b", 1);
    store("n2", "a", 2);
    silent_ = {{"n2", "node n2 is silent"}};
    const auto shown = visible(stored_, silent_);
    ASSERT_EQ(shown.size(), 2U);
    EXPECT_EQ(shown[0].name, "a");
    EXPECT_EQ(shown[0].health, ServiceHealth::critical);
    EXPECT_EQ(shown[0].role, "UNKNOWN");
    EXPECT_EQ(shown[1].health, ServiceHealth::passing);
}

class RegistryPresence : public testing::Test {
protected:
    RegistryPresence() {
        for (const auto* node : {"n1", "n2", "gone"}) {
            auto entry = *desired_entry(node, service("a"), passive, {});
            stored_[model::service_key("a", node)] = {entry, {1}};
        }
    }
    void observe(Instant now, bool fresh, bool current = true) {
        Peer peer{.status = {.node_id = "n2", .heartbeat_ms = 2000}, .fresh = fresh};
        presence_.observe({"n1", "n2"}, {peer}, current, now);
    }
    Silent at(Instant now) { return presence_.silent(stored_, "n1", now); }

    Presence presence_{1s};
    Stored stored_;
    const Instant begin_ = Instant{} + 100s;
};

// defects.md M14: a member that is gone does not stay.
TEST_F(RegistryPresence, M14_ANodeIsSilentAfterFourOfItsHeartbeatsOrWhereItIsNoMember) {
    EXPECT_THAT(at(begin_), IsEmpty()) << "nothing is known";
    observe(begin_, true);
    EXPECT_EQ(at(begin_), (Silent{{"gone", "node gone is no member"}}));
    EXPECT_EQ(presence_.next(begin_), std::nullopt);
    // Three of its heartbeats went by without a word, as the membership counts.
    observe(begin_, false);
    EXPECT_EQ(presence_.next(begin_), begin_ + 2s);
    EXPECT_FALSE(at(begin_ + 2s - 1ns).contains("n2"));
    EXPECT_TRUE(at(begin_ + 2s).contains("n2"));
    observe(begin_ + 3s, true);
    EXPECT_FALSE(at(begin_ + 3s).contains("n2"));
}

// Else a leader that cannot read would remove what all the others say.
TEST_F(RegistryPresence, WhoCannotReadTheStoreCallsNobodySilent) {
    observe(begin_, false);
    observe(begin_ + 10s, false, false);
    EXPECT_THAT(at(begin_ + 10s), IsEmpty());
    observe(begin_ + 11s, false);
    EXPECT_FALSE(at(begin_ + 12s).contains("n2")) << "the count begins anew";
    EXPECT_TRUE(at(begin_ + 13s).contains("n2"));
}

TEST_F(RegistryPresence, ANodeNeverCallsItselfSilent) {
    presence_.observe({}, {}, true, begin_);
    EXPECT_FALSE(at(begin_).contains("n1"));
}

TEST(RegistryStanding, FollowsTheLeaseAndTheData) {
    Board board;
    board.membership.claimed = true;
    EXPECT_EQ(node_state(board, "n1", Instant{}), passive);
    board.role.phase = RoleView::Phase::holder;
    model::Lease lease;
    lease.epoch = {3};
    lease.valid_until = Instant{} + 10s;
    board.role.lease = lease;
    auto leads = passive;
    leads.leads = true;
    EXPECT_EQ(node_state(board, "n1", Instant{}), leads);
    board.replica.promoted = {3};
    board.backend.ready = true;
    EXPECT_EQ(node_state(board, "n1", Instant{}), primary);
    EXPECT_FALSE(node_state(board, "n1", Instant{} + 10s).primary) << "the lease is over";
    board.membership.spec.leave = {"n2"};
    EXPECT_TRUE(node_state(board, "n1", Instant{}).present);
    board.membership.spec.leave = {"n1"};
    EXPECT_FALSE(node_state(board, "n1", Instant{}).present);
    board.membership.spec.leave = {};
    board.shutdown = true;
    EXPECT_FALSE(node_state(board, "n1", Instant{}).present);
}

}  // namespace
}  // namespace reconcilers::registry
