// change_spec and erase_member against every answer that a store can give.
#include "control/change.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <utility>

#include "control/operations.h"
#include "tests/support/result.h"

namespace control {
namespace {

using namespace std::chrono_literals;
using model::Errc;
using model::error;
using model::Result;
using model::Revision;
using model::Spec;
using reconcilers::ports::SpecEntry;
using reconcilers::ports::StatusEntry;
using test_support::code_of;
using ::testing::HasSubstr;

/// One record of each kind; the test sets how the next requests end.
class FakeStore final : public reconcilers::ports::ClusterStore {
public:
    Result<std::vector<StatusEntry>> nodes() override { return std::vector<StatusEntry>{}; }
    Result<std::optional<StatusEntry>> node(const std::string&) override {
        ++reads;
        if (unreachable) return error(Errc::unavailable, "no server");
        return status;
    }
    Result<Revision> write(const model::NodeStatus&, Revision) override {
        return error(Errc::invalid, "no operator writes a status");
    }
    Result<void> erase(const std::string&, Revision expected) override {
        ++writes;
        if (refuse) return *refuse;
        if (before_write) std::exchange(before_write, nullptr)();
        const bool applies = status && status->revision == expected;
        if (applies && !lose_request) status.reset();
        if (lose_request || std::exchange(lose_answer, false)) {
            return error(Errc::unknown_outcome, "no answer");
        }
        if (!applies) return error(Errc::conflict, "wrong last sequence");
        return {};
    }
    Result<SpecEntry> spec() override {
        ++reads;
        if (unreadable) return error(Errc::corrupt, "spec is no object");
        if (unreachable) return error(Errc::unavailable, "no server");
        return entry;
    }
    Result<Revision> write(const Spec& spec, Revision expected) override {
        ++writes;
        if (refuse) return *refuse;
        if (before_write) {
            auto once = before_write;
            if (!each_time) before_write = nullptr;
            once();
        }
        const bool applies = entry.revision == expected;
        if (lose_request) {
            delayed = {spec, expected};
            return error(Errc::unknown_outcome, "no answer");
        }
        if (applies) set(spec);
        if (std::exchange(lose_answer, false)) return error(Errc::unknown_outcome, "no answer");
        if (!applies) return error(Errc::conflict, "wrong last sequence");
        return entry.revision;
    }
    void on_change(std::function<void()>) override {}

    void set(const Spec& spec) { entry = {.spec = spec, .revision = {entry.revision.value + 1}}; }
    /// A delayed request arrives now.
    void deliver() {
        if (delayed && delayed->second == entry.revision) set(delayed->first);
        delayed.reset();
    }

    SpecEntry entry;
    std::optional<StatusEntry> status;
    std::function<void()> before_write;
    bool each_time = false;
    bool lose_answer = false;   // of the next request
    bool lose_request = false;  // of every one
    bool unreachable = false;
    bool unreadable = false;
    std::optional<model::Error> refuse;
    std::optional<std::pair<Spec, Revision>> delayed;
    int reads = 0;
    int writes = 0;
};

class FakeClock final : public reconcilers::ports::Clock {
public:
    model::Instant now() const override { return time; }
    model::WallTime wall() const override { return {}; }
    model::Instant time{1h};
};

class Change : public ::testing::Test {
protected:
    Result<Spec> change(const Operation& operation) {
        return change_spec(store_, operation, attempts_);
    }
    Result<Spec> ask() {
        return change(
            [](Spec spec) { return request_switchover(std::move(spec), {.id = "a", .to = "n2"}); });
    }
    [[nodiscard]] bool stands() const {
        return store_.entry.spec.switchover && store_.entry.spec.switchover->id == "a";
    }

    FakeStore store_;
    FakeClock clock_;
    int waits_ = 0;
    std::function<void()> meanwhile_;
    Attempts attempts_{.clock = clock_, .wait = [this](model::Duration time) {
                           ++waits_;
                           clock_.time += time;
                           if (meanwhile_) meanwhile_();
                       }};
};

TEST_F(Change, IsWrittenOnceAndGivenBackAsItStands) {
    store_.set({.leave = {"n9"}});
    const auto spec = ask();
    ASSERT_TRUE(spec) << spec.error().message;
    EXPECT_EQ(*spec, store_.entry.spec);
    EXPECT_TRUE(stands());
    EXPECT_EQ(store_.writes, 1);
    EXPECT_EQ(waits_, 0);
}

TEST_F(Change, OfNothingWritesNothing) {
    store_.set({.switchover = Switchover{.id = "other", .to = "n2"}});
    const auto spec = ask();
    ASSERT_TRUE(spec);
    EXPECT_EQ(spec->switchover->id, "other");
    EXPECT_EQ(store_.writes, 0);
}

TEST_F(Change, ThatIsRefusedWritesNothingAndIsNotTriedAgain) {
    store_.set({.paused = true});
    const auto refused = ask();
    EXPECT_EQ(code_of(refused), Errc::conflict);
    EXPECT_EQ(refused.error().message, "the cluster is paused; resume it first");
    EXPECT_EQ(store_.reads, 1);
    EXPECT_EQ(store_.writes, 0);
}

TEST_F(Change, IsAppliedToWhatAnotherWroteMeanwhile) {
    store_.before_write = [this] { store_.set({.leave = {"n9"}}); };
    ASSERT_TRUE(ask());
    EXPECT_TRUE(stands());
    EXPECT_EQ(store_.entry.spec.leave, std::vector<std::string>{"n9"});
    EXPECT_EQ(store_.writes, 2);
}

TEST_F(Change, IsJudgedAnewByWhatAnotherWroteMeanwhile) {
    store_.before_write = [this] { store_.set({.paused = true}); };
    EXPECT_EQ(code_of(ask()), Errc::conflict);
    EXPECT_FALSE(stands());
}

TEST_F(Change, WhoseAnswerWasLostIsFoundByReading) {
    store_.lose_answer = true;
    ASSERT_TRUE(ask());
    EXPECT_EQ(store_.writes, 1) << "what had arrived is not sent again";
    EXPECT_TRUE(stands());
}

TEST_F(Change, ThatGotLostItselfIsSentAgain) {
    store_.lose_request = true;
    meanwhile_ = [this] { store_.lose_request = false; };
    ASSERT_TRUE(ask());
    EXPECT_EQ(store_.writes, 2);
    EXPECT_TRUE(stands());
    store_.deliver();  // the first one arrives late, and is refused
    EXPECT_EQ(store_.entry.revision, Revision{1});
}

TEST_F(Change, ThatArrivesLateIsFoundByTheNextTry) {
    store_.lose_request = true;
    meanwhile_ = [this] {
        store_.lose_request = false;
        store_.before_write = [this] { store_.deliver(); };
    };
    ASSERT_TRUE(ask());
    EXPECT_TRUE(stands());
    EXPECT_EQ(store_.writes, 2) << "the second is refused, and the first found";
    EXPECT_EQ(store_.entry.revision, Revision{1});
}

// The request was sent and the store stopped answering: the outcome must be reported as unknown.
TEST_F(Change, WhoseOutcomeStaysUnknownSaysSo) {
    store_.lose_request = true;
    meanwhile_ = [this] { store_.unreachable = true; };
    EXPECT_EQ(code_of(ask()), Errc::unknown_outcome);
    EXPECT_EQ(store_.writes, 1);
}

// Another write came after the revision that the lost request expected: it can never be applied.
TEST_F(Change, ThatCanNeverArriveAnyMoreIsNoDoubt) {
    store_.lose_request = true;
    meanwhile_ = [this] {
        if (waits_ == 1) store_.set({.leave = {"n9"}});
        store_.lose_request = false;
        store_.refuse = error(Errc::unavailable, "not sent");
    };
    EXPECT_EQ(code_of(ask()), Errc::unavailable);
}

TEST_F(Change, EndsAfterItsTries) {
    store_.each_time = true;
    store_.before_write = [this] { store_.set(store_.entry.spec); };
    const auto never = ask();
    EXPECT_EQ(code_of(never), Errc::unavailable);
    EXPECT_THAT(never.error().message, HasSubstr("write the request: others came first"));
    EXPECT_EQ(store_.writes, attempts_.most);
    EXPECT_EQ(waits_, attempts_.most - 1);
}

TEST_F(Change, EndsInItsTime) {
    store_.unreachable = true;
    attempts_.limit = 250ms;
    const auto began = clock_.time;
    EXPECT_EQ(code_of(ask()), Errc::unavailable);
    EXPECT_EQ(store_.reads, 4) << "at 0, 100, 200 and 250 ms";
    EXPECT_EQ(clock_.time, began + 250ms);
}

TEST_F(Change, OfASpecThatCannotBeReadIsNotTried) {
    store_.unreadable = true;
    const auto failed = ask();
    EXPECT_EQ(code_of(failed), Errc::corrupt);
    EXPECT_THAT(failed.error().message, HasSubstr("spec is no object"));
    EXPECT_EQ(store_.reads, 1);
    EXPECT_EQ(store_.writes, 0);
}

TEST_F(Change, ThatTheStoreCannotTakeIsNotTriedAgain) {
    store_.refuse = error(Errc::invalid, "larger than the server takes");
    EXPECT_EQ(code_of(ask()), Errc::invalid);
    EXPECT_EQ(store_.writes, 1);
}

class Erase : public Change {
protected:
    Erase() { set_status(7); }
    void set_status(std::uint64_t revision) {
        store_.status = StatusEntry{.status = {.node_id = "n3"}, .revision = {revision}};
    }
    Result<void> erase() { return erase_member(store_, "n3", attempts_); }
};

TEST_F(Erase, DeletesTheStatus) {
    EXPECT_TRUE(erase());
    EXPECT_FALSE(store_.status);
    EXPECT_TRUE(erase()) << "twice is once";
    EXPECT_EQ(store_.writes, 1);
}

TEST_F(Erase, WhoseAnswerWasLostIsFoundByReading) {
    store_.lose_answer = true;
    EXPECT_TRUE(erase());
    EXPECT_EQ(store_.writes, 1);
}

TEST_F(Erase, ThatGotLostItselfIsSentAgain) {
    store_.lose_request = true;
    meanwhile_ = [this] { store_.lose_request = false; };
    EXPECT_TRUE(erase());
    EXPECT_FALSE(store_.status);
}

TEST_F(Erase, OfANodeThatWritesIsRefused) {
    store_.before_write = [this] { set_status(8); };
    const auto refused = erase();
    EXPECT_EQ(code_of(refused), Errc::conflict);
    EXPECT_THAT(refused.error().message, HasSubstr("its daemon runs"));
    EXPECT_TRUE(store_.status);
}

TEST_F(Erase, WhoseOutcomeStaysUnknownSaysSo) {
    store_.lose_request = true;
    EXPECT_EQ(code_of(erase()), Errc::unknown_outcome);
    EXPECT_EQ(store_.writes, attempts_.most);
    store_.unreachable = true;
    EXPECT_EQ(code_of(erase()), Errc::unavailable);
}

}  // namespace
}  // namespace control
