#include "reconcilers/registry/registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

namespace reconcilers::registry {
namespace {

using namespace std::chrono_literals;
using model::Errc;
using model::Result;
using model::Revision;
using model::ServiceHealth;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using State = ports::CheckOutcome::State;

class Store final : public ports::ServiceStore {
public:
    Result<ports::ServiceChanges> changes() override {
        if (down) return model::error(Errc::unavailable, "no connection");
        return std::exchange(next, {});
    }
    Result<Revision> write(const model::ServiceEntry& entry) override {
        if (refuse) return model::error(Errc::unavailable, "no connection");
        written.push_back(entry.name + "/" + entry.node_id + " " +
                          std::string{to_text(entry.health)});
        return Revision{++revision};
    }
    Result<void> erase(const std::string& key, Revision expected) override {
        if (refuse) return model::error(Errc::unavailable, "no connection");
        if (lost) return model::error(Errc::conflict, "another revision");
        erased.push_back(key + " " + std::to_string(expected.value));
        return {};
    }
    void on_change(std::function<void()>) override {}

    bool down = false;
    bool refuse = false;
    bool lost = false;
    ports::ServiceChanges next{.whole = true};
    std::uint64_t revision = 100;
    std::vector<std::string> written;
    std::vector<std::string> erased;
};

class Checks final : public ports::ServiceChecks {
public:
    void start(const std::string& service, const model::ServiceCheck&) override {
        started.push_back(service);
        outcomes[service] = {.state = State::pending, .reason = {}};
    }
    ports::CheckOutcome poll(const std::string& service) override { return outcomes[service]; }
    std::vector<std::string> started;
    std::map<std::string, ports::CheckOutcome> outcomes;
};

class TestClock final : public ports::Clock {
public:
    model::Instant now() const override { return at; }
    model::WallTime wall() const override { return {1}; }
    model::Instant at = model::Instant{} + 100s;
};

class TestEvents final : public ports::Events {
public:
    void emit(ports::Level, std::string_view name, const ports::Fields& fields) override {
        lines.push_back(std::string{name} + (fields.empty() ? "" : " " + fields[0].second));
    }
    std::vector<std::string> lines;
};

model::ServiceEntry entry(std::string name, std::string node) {
    return {.name = std::move(name),
            .node_id = std::move(node),
            .address = "10.0.0.2",
            .port = 80,
            .health = ServiceHealth::passing};
}

class Registry : public testing::Test {
protected:
    Registry() {
        board_.membership.claimed = true;
        board_.membership.current = true;
        board_.membership.members = {"n1", "n2"};
        board_.membership.peers = {{.status = {.node_id = "n2"}, .fresh = true}};
    }
    static Service service(std::string name, bool with_check) {
        Service made{.name = std::move(name), .address = "10.0.0.1", .port = 80};
        if (with_check) made.check = model::ServiceCheck{.interval = 10s, .timeout = 3s};
        return made;
    }
    model::Duration step() {
        auto pass = registry_.step(board_);
        view_ = std::move(pass.view);
        return pass.wake_at - clock_.at;
    }
    void lead() {
        board_.role.phase = RoleView::Phase::holder;
        board_.role.lease = model::Lease{.epoch = {1}, .valid_until = clock_.at + 1h};
    }

    Store store_;
    Checks checks_;
    TestClock clock_;
    TestEvents events_;
    Board board_;
    RegistryView view_;
    RegistryReconciler registry_{
        {.node_id = "n1", .heartbeat = 1s, .services = {service("a", false), service("b", true)}},
        {.store = store_, .checks = checks_, .clock = clock_, .events = events_}};
};

TEST_F(Registry, WritesAtTheStartAndThenOnlyWhatChanged) {
    EXPECT_EQ(step(), 20ms) << "a check is under way";
    EXPECT_THAT(store_.written, ElementsAre("a/n1 passing"));
    checks_.outcomes["b"] = {.state = State::passing, .reason = {}};
    step();
    EXPECT_THAT(store_.written, ElementsAre("a/n1 passing", "b/n1 passing"));
    store_.written.clear();
    for (int beat = 0; beat < 9; ++beat) {
        clock_.at += 1s;
        step();
    }
    EXPECT_THAT(store_.written, IsEmpty()) << "no beat of its own";
    EXPECT_THAT(checks_.started, ElementsAre("b"));
    clock_.at += 1s;
    step();
    EXPECT_THAT(checks_.started, ElementsAre("b", "b"));
    checks_.outcomes["b"] = {.state = State::critical, .reason = "refused"};
    step();
    EXPECT_THAT(store_.written, ElementsAre("b/n1 critical"));
    EXPECT_THAT(
        events_.lines,
        ElementsAre("service.registered a", "service.registered b", "service.health_changed b"));
    ASSERT_EQ(view_.services->size(), 2U);
    EXPECT_EQ(view_.own, 2U);
}

TEST_F(Registry, WritesNothingBeforeItHasReadWhatIsThere) {
    store_.down = true;
    step();
    EXPECT_FALSE(view_.read);
    EXPECT_THAT(store_.written, IsEmpty());
    store_.down = false;
    step();
    EXPECT_TRUE(view_.read);
    EXPECT_THAT(store_.written, ElementsAre("a/n1 passing"));
}

TEST_F(Registry, AnEntryThatIsRemovedComesBackWithTheNode) {
    step();
    store_.written.clear();
    store_.next.erased = {{"a/n1", {200}}};
    step();
    EXPECT_THAT(store_.written, ElementsAre("a/n1 passing"));
}

TEST_F(Registry, WhatWasSaidBeforeTheLastWordIsNoNews) {
    step();  // revision 101
    store_.written.clear();
    store_.next.erased = {{"a/n1", {50}}};
    store_.next.written = {{entry("a", "n1"), {51}}};
    step();
    EXPECT_THAT(store_.written, IsEmpty());
}

TEST_F(Registry, AFailureIsReportedOnceAndTriedAgain) {
    store_.refuse = true;
    EXPECT_EQ(step(), 20ms);
    step();
    clock_.at += 500ms;
    step();
    EXPECT_THAT(events_.lines, ElementsAre("service.write_failed no connection"));
    store_.refuse = false;
    step();
    EXPECT_THAT(store_.written, IsEmpty()) << "not before its time";
    clock_.at += 500ms;
    step();
    EXPECT_THAT(store_.written, ElementsAre("a/n1 passing"));
}

TEST_F(Registry, TheLeaderRemovesWhatSilentNodesLeft) {
    store_.next.written = {{entry("x", "n2"), {7}}, {entry("y", "n2"), {8}}};
    lead();
    step();
    EXPECT_THAT(store_.erased, IsEmpty());
    board_.membership.peers[0].fresh = false;
    step();
    clock_.at += 1s;
    store_.lost = true;
    step();
    EXPECT_EQ(view_.services->at(2).health, ServiceHealth::critical) << view_.services->at(2).name;
    store_.lost = false;
    step();
    EXPECT_THAT(store_.erased, ElementsAre("x/n2 7", "y/n2 8"));
    EXPECT_EQ(view_.services->size(), 1U);
}

TEST_F(Registry, BadRecordsAreSkippedCountedAndNamed) {
    store_.next.written = {{entry("x", "n2"), {7}}};
    store_.next.unreadable = {{"junk", {8}, "junk: the key is not <service>/<node>"}};
    step();
    ASSERT_EQ(view_.unreadable->size(), 1U);
    EXPECT_EQ(view_.unreadable->at(0).key, "junk");
    EXPECT_EQ(view_.services->size(), 2U);
    EXPECT_THAT(events_.lines, testing::Contains("service.skipped junk"));
    // A record that was good and no longer is; then it is repaired.
    store_.next.unreadable = {{"x/n2", {9}, "x/n2: no JSON"}};
    step();
    EXPECT_EQ(view_.unreadable->size(), 2U);
    EXPECT_EQ(view_.services->size(), 1U);
    store_.next.written = {{entry("x", "n2"), {10}}};
    store_.next.erased = {{"junk", {11}}};
    step();
    EXPECT_THAT(*view_.unreadable, IsEmpty());
    EXPECT_EQ(view_.services->size(), 2U);
}

TEST_F(Registry, ACleanStopAndALeaveRemoveItsOwn) {
    step();
    store_.next.written = {{entry("x", "n2"), {7}}};
    board_.shutdown = true;
    step();
    EXPECT_THAT(store_.erased, ElementsAre("a/n1 101"));
    EXPECT_EQ(view_.own, 0U);
}

TEST_F(Registry, APassIsShort) {
    for (int i = 0; i < 40; ++i)
        store_.next.written.push_back({entry("s" + std::to_string(i), "n1"), {7}});
    EXPECT_EQ(step(), 0ms);
    EXPECT_EQ(store_.written.size() + store_.erased.size(), 32U);
    step();
    EXPECT_EQ(store_.written.size() + store_.erased.size(), 41U);
}

}  // namespace
}  // namespace reconcilers::registry
