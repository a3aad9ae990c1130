// The vip reconciler over an address table and a warden of the test's own.
#include "reconcilers/vip/vip.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/sim/stand_ins.h"

namespace reconcilers::vip {
namespace {

using model::Errc;
using model::Result;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Phase = RoleView::Phase;

constexpr model::Epoch epoch{3};

/// What happens, in order, whoever does it.
using Calls = std::vector<std::string>;

class FakeAddresses final : public ports::Addresses {
public:
    FakeAddresses(Calls& calls, sim::HandClock& clock) : calls_{calls}, clock_{clock} {}
    Result<ports::AddressesObserved> observe() override {
        if (!broken.empty()) return model::error(Errc::unavailable, broken);
        auto seen = state;
        seen.bound = state.bound && clock_.now() < expires;
        return ports::AddressesObserved{.each = {seen}, .missing = {}};
    }
    Result<void> bind(std::size_t, seconds lifetime) override {
        calls_.push_back("bind " + std::to_string(lifetime.count()));
        clock_.pass(bind_takes);
        if (!refuses.empty()) return model::error(Errc::unavailable, refuses);
        state.bound = true;
        expires = clock_.now() + lifetime;
        return {};
    }
    Result<void> unbind(std::size_t) override {
        calls_.emplace_back("unbind");
        if (!refuses.empty()) return model::error(Errc::unavailable, refuses);
        state.bound = false;
        return {};
    }
    Result<void> probe(std::size_t) override {
        calls_.emplace_back("probe");
        return {};
    }
    Result<void> announce(std::size_t) override {
        calls_.emplace_back("announce");
        return {};
    }
    Result<void> reset_connections(std::size_t) override {
        calls_.emplace_back("reset");
        return model::error(Errc::unavailable, "the kernel cannot");
    }
    void on_change(std::function<void()>) override {}

    ports::AddressObserved state{.interface_exists = true, .carrier = true};
    model::Instant expires{};
    model::Duration bind_takes{};
    std::string refuses;
    std::string broken;

private:
    Calls& calls_;
    sim::HandClock& clock_;
};

class FakeWarden final : public ports::Warden {
public:
    explicit FakeWarden(Calls& calls) : calls_{calls} {}
    Result<void> set_deadline(model::Instant) override { return {}; }
    Result<void> start_backend(model::WardenEntry) override { return {}; }
    Result<void> stop_backend() override { return {}; }
    Result<void> kill_backend() override { return {}; }
    Result<void> disarm() override { return {}; }
    Result<void> claim(const std::string&) override { return {}; }
    Result<void> register_target(model::WardenEntry entry) override {
        calls_.push_back("arm " + std::to_string(entry.number));
        if (!refuses.empty()) return model::error(Errc::unavailable, refuses);
        return {};
    }
    Result<void> unregister_target(model::WardenEntry entry) override {
        calls_.push_back("disarm " + std::to_string(entry.number));
        return {};
    }
    ports::WardenView view() override { return {}; }
    void on_change(std::function<void()>) override {}
    std::string refuses;

private:
    Calls& calls_;
};

class Recorded final : public ports::Events {
public:
    void emit(ports::Level, std::string_view name, const ports::Fields&) override {
        names.emplace_back(name);
    }
    std::vector<std::string> names;
};

class Vip : public testing::Test {
protected:
    Vip() {
        board.role.phase = Phase::holder;
        board.role.lease = model::Lease{
            .epoch = epoch, .valid_until = clock.now() + seconds{10}, .margin = seconds{2}};
        board.role.after_release = true;
        board.replica.promoted = epoch;
    }
    VipView step() {
        calls.clear();
        auto pass = reconciler.step(board);
        wake_at = pass.wake_at;
        return std::move(pass.view);
    }
    void renew() { board.role.lease->valid_until = clock.now() + seconds{10}; }
    void lose_lease() {
        board.role.phase = Phase::fencing;
        board.role.lease.reset();
    }

    Calls calls;
    sim::HandClock clock;
    FakeAddresses addresses{calls, clock};
    FakeWarden warden{calls};
    Recorded events;
    Board board;
    model::Instant wake_at{};
    VipReconciler reconciler{
        {.addresses = {{.what = {.at = *model::parse_ip_prefix("192.0.2.7"), .interface = "eth0"},
                        .entry = {5}}},
         .probe = milliseconds{150},
         .link_down = seconds{3},
         .ttl = seconds{10}},
        {.addresses = addresses, .warden = warden, .clock = clock, .events = events}};
};

// defects.md C01: with a virtual address configured, becoming leader never returned.
TEST_F(Vip, IsBoundAndAnnouncedInTheSamePassInWhichTheDataIsPromoted) {
    const auto view = step();
    EXPECT_THAT(calls, ElementsAre("arm 5", "bind 8", "announce", "probe"));
    EXPECT_EQ(view.bound, epoch);
    EXPECT_FALSE(view.output.off);
    EXPECT_THAT(events.names, ElementsAre("vip.bound"));
    (void)step();
    EXPECT_THAT(calls, IsEmpty());
}

// W0: an arming that failed is no arming.
TEST_F(Vip, IsNotBoundBeforeTheWardenHasSaidThatItWatches) {
    warden.refuses = "does not answer";
    const auto view = step();
    EXPECT_THAT(calls, ElementsAre("arm 5"));
    EXPECT_TRUE(view.output.off);
    EXPECT_EQ(view.bound, model::Epoch{});
    EXPECT_THAT(events.names, ElementsAre("vip.action_failed"));
    (void)step();
    EXPECT_THAT(calls, IsEmpty()) << "not again at once";
    warden.refuses.clear();
    clock.until(wake_at);
    clock.pass(milliseconds{100});
    EXPECT_EQ(step().bound, epoch);
    EXPECT_THAT(calls, ElementsAre("arm 5", "bind 8", "announce", "probe"));
}

// W3: the call may have waited for the kernel's lock until the lease was over.
TEST_F(Vip, IsTakenOffAtOnceWhereTheCallEndedAfterTheLease) {
    addresses.bind_takes = seconds{8};  // the fence time
    const auto view = step();
    EXPECT_THAT(calls, ElementsAre("arm 5", "bind 8", "unbind"));
    EXPECT_FALSE(addresses.state.bound);
    EXPECT_EQ(view.bound, model::Epoch{});
    EXPECT_THAT(events.names, Contains("vip.bind_undone"));
}

// W4: the lifetime began when the kernel had done it, not when it was reckoned.
TEST_F(Vip, ItsLifetimeIsShortenedWhereTheCallTookLong) {
    addresses.bind_takes = milliseconds{1200};
    const auto view = step();
    EXPECT_THAT(calls, ElementsAre("arm 5", "bind 8", "bind 7", "bind 6", "unbind"))
        << "each took as long";
    EXPECT_EQ(view.bound, model::Epoch{});
    addresses.bind_takes = milliseconds{10};
    clock.pass(seconds{1});
    renew();
    EXPECT_EQ(step().bound, epoch);
    EXPECT_THAT(calls, ElementsAre("bind 8", "announce", "probe"));
}

TEST_F(Vip, IsExtendedWithEachRenewalAndEndsByItselfWithout) {
    (void)step();
    clock.pass(seconds{3});
    renew();
    (void)step();
    EXPECT_THAT(calls, Contains("bind 8"));
    clock.pass(seconds{5});
    EXPECT_TRUE(step().output.off == false);
    EXPECT_LT(addresses.expires, board.role.lease->valid_until - milliseconds{1082});
}

TEST_F(Vip, ALostLeaseTakesItOffAtOnceAndTheWardenIsNotBotheredAnyMore) {
    (void)step();
    lose_lease();
    const auto view = step();
    EXPECT_THAT(calls, ElementsAre("reset", "unbind", "disarm 5"))
        << "connections that the kernel cannot reset do not keep it";
    EXPECT_TRUE(view.output.off);
    EXPECT_THAT(events.names, ElementsAre("vip.bound", "vip.unbound"));
}

// defects.md M11: the failure to remove it was ignored, and it was forgotten.
TEST_F(Vip, IsNotOffBeforeTheKernelShowsIt) {
    (void)step();
    lose_lease();
    addresses.refuses = "busy";
    auto view = step();
    EXPECT_FALSE(view.output.off);
    clock.until(wake_at);
    EXPECT_FALSE(step().output.off);
    EXPECT_THAT(calls, ElementsAre("reset", "unbind"));
    addresses.refuses.clear();
    EXPECT_TRUE(step().output.off);
    EXPECT_THAT(calls, Contains("disarm 5"));
}

// defects.md M11: left over by a process that died.
TEST_F(Vip, WhatAnEarlierProcessLeftIsTakenOff) {
    addresses.state.bound = true;
    addresses.expires = clock.now() + seconds{60};
    board.role.phase = Phase::follower;
    board.role.lease.reset();
    EXPECT_TRUE(step().output.off);
    EXPECT_THAT(calls, ElementsAre("reset", "unbind"));
}

// defects.md M12, G07, G13: a lost address was reported and never bound again; and it bounced.
TEST_F(Vip, IsBackInThePassAfterSomebodyDeletedIt) {
    (void)step();
    addresses.state.bound = false;
    EXPECT_EQ(step().bound, epoch);
    EXPECT_THAT(calls, ElementsAre("bind 8", "announce", "probe"));
    EXPECT_THAT(events.names, ElementsAre("vip.bound", "vip.vanished", "vip.bound"));
}

// What cannot be observed ends with its lifetime, and with the lease.
TEST_F(Vip, WhatCannotBeObservedIsNotTakenForBoundAndAnotherNodeMayServe) {
    EXPECT_EQ(step().bound, epoch);
    addresses.broken = "netlink: no answer";
    auto view = step();
    EXPECT_EQ(view.bound, epoch) << "the kernel keeps it for its lifetime";
    EXPECT_EQ(view.unfit_because, "");
    clock.pass(seconds{3});
    renew();
    view = step();
    EXPECT_EQ(view.bound, epoch);
    EXPECT_THAT(view.unfit_because, HasSubstr("cannot be observed: netlink: no answer"));
    EXPECT_EQ(view.give_up, view.unfit_because);
    clock.pass(seconds{5});
    renew();
    view = step();
    EXPECT_EQ(view.bound, model::Epoch{});
    EXPECT_FALSE(view.each.at(0).bound);
    EXPECT_FALSE(view.output.off) << "nor is it known to be off";
}

TEST_F(Vip, WhatCannotBeObservedIsTakenOffUnseen) {
    (void)step();
    addresses.broken = "netlink: no answer";
    lose_lease();
    EXPECT_FALSE(step().output.off);
    EXPECT_THAT(calls, ElementsAre("reset", "unbind"));
    EXPECT_FALSE(addresses.state.bound);
    (void)step();
    EXPECT_THAT(calls, IsEmpty()) << "once";
}

TEST_F(Vip, NothingIsOffThatCannotBeLookedAt) {
    board.role.phase = Phase::follower;
    board.role.lease.reset();
    EXPECT_TRUE(step().output.off);
    addresses.broken = "netlink: no answer";
    EXPECT_FALSE(step().output.off);
    (void)step();
    EXPECT_THAT(events.names, ElementsAre("vip.observe_failed")) << "once";
    addresses.broken.clear();
    EXPECT_TRUE(step().output.off);
}

TEST_F(Vip, AnotherOwnerIsReportedOnceAndItsEndToo) {
    board.role.after_release = false;
    (void)step();
    EXPECT_THAT(calls, ElementsAre("probe"));
    addresses.state.other = ports::OtherOwner{.mac = {2, 0, 0, 0, 0, 9}, .at = clock.now()};
    clock.pass(milliseconds{150});
    auto view = step();
    EXPECT_THAT(view.conflict, HasSubstr("02:00:00:00:00:09"));
    EXPECT_TRUE(view.output.off);
    (void)step();
    EXPECT_THAT(events.names, ElementsAre("vip.conflict"));
    clock.pass(seconds{1});
    (void)step();
    EXPECT_THAT(calls, ElementsAre("probe"));
    clock.pass(milliseconds{75});
    (void)step();
    clock.pass(milliseconds{75});
    renew();
    EXPECT_EQ(step().bound, epoch);
    EXPECT_THAT(events.names, Contains("vip.conflict_over"));
}

}  // namespace
}  // namespace reconcilers::vip
