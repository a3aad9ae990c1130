#include "reconcilers/vip/vip.h"

#include <algorithm>
#include <utility>

namespace reconcilers::vip {
namespace {

using model::Errc;
using model::Instant;
using model::Result;
using std::chrono::milliseconds;

constexpr int most_rounds_in_a_pass = 6;  // of observing and acting
constexpr int most_bind_attempts = 3;
constexpr milliseconds retry_interval{100};
constexpr milliseconds observe_again{50};

std::size_t address_of(const Action& action) {
    return std::visit([](const auto& what) { return what.address; }, action);
}

}  // namespace

VipReconciler::VipReconciler(Settings settings, Ports ports)
    : settings_{std::move(settings)}, ports_{ports}, reported_(settings_.addresses.size()) {
    last_.configured = true;
    last_.unfit_because = "the virtual addresses were not looked at yet";
    last_.reason = "Unknown";
}

/// Observes again after it has acted, so that the view shows the effect at once: others wait for
/// it.
VipReconciler::Pass VipReconciler::step(const Board& board) {
    if (board.role.phase == RoleView::Phase::draining && !last_.give_up.empty())
        memory_.offered = true;
    Instant wake_at{};
    bool failed = false;
    for (int round = 0; round < most_rounds_in_a_pass; ++round) {
        const auto observed = ports_.addresses.observe();
        const auto now = ports_.clock.now();
        if (!observed) {
            unobserved(board, observed.error(), now);
            return {.view = last_, .wake_at = now + observe_again};
        }
        observe_error_.clear();
        unobserved_since_ = {};
        learn(memory_, settings_, board, *observed, now, ports_.clock.wall());
        last_ = view(memory_, settings_, board, *observed, now);
        report_changes(board, *observed);
        const auto plan = plan_vip(memory_, settings_, board, *observed, now);
        wake_at = plan.wake_at;
        // What is done in the last round is seen by the next pass.
        const bool last_round = round + 1 == most_rounds_in_a_pass;
        if (plan.actions.empty() || failed || last_round) break;
        failed = !act(plan.actions);
        wake_at = ports_.clock.now();
    }
    if (failed) wake_at = std::min(wake_at, ports_.clock.now() + retry_interval);
    return {.view = last_, .wake_at = wake_at};
}

/// Neither on nor off is known: what was seen bound counts for as long as the kernel surely keeps
/// it, and is taken off unseen where it must not be.
void VipReconciler::unobserved(const Board& board, const model::Error& why, Instant now) {
    if (why.message != observe_error_) {
        observe_error_ = why.message;
        ports_.events.error("vip.observe_failed", {{"error", observe_error_}});
    }
    if (unobserved_since_ == Instant{}) unobserved_since_ = now;
    last_.output.off = false;
    last_.drained = {};
    last_.reason = "Unknown";
    last_.message = observe_error_;
    const auto want = wanted(board, now);
    for (std::size_t i = 0; i < memory_.each.size(); ++i) {
        auto& memory = memory_.each.at(i);
        if (want == Want::off && memory.was_bound && run(Unbind{.address = i, .reset = true}))
            memory.was_bound = false;
        if (memory.was_bound && now < memory.expires_at) continue;
        last_.bound = {};
        if (i < last_.each.size()) last_.each.at(i).bound = false;
    }
    if (now < unobserved_since_ + settings_.link_down) return;
    last_.unfit_because = "the virtual addresses cannot be observed: " + observe_error_;
    if (want == Want::bound) last_.give_up = last_.unfit_because;
}

/// A failure ends the actions for that address alone. False: there was one.
bool VipReconciler::act(const std::vector<Action>& actions) {
    std::vector<char> failed(settings_.addresses.size());
    bool good = true;
    for (const auto& action : actions) {
        const auto i = address_of(action);
        if (failed.at(i) != 0) continue;
        auto done = std::visit([this](const auto& what) { return run(what); }, action);
        auto& memory = memory_.each.at(i);
        if (done) continue;
        failed.at(i) = 1;
        good = false;
        memory.retry_at = ports_.clock.now() + retry_interval;
        if (done.error().message == memory.error) continue;  // reported
        memory.error = done.error().message;
        ports_.events.error("vip.action_failed", {{"address", name(i)}, {"error", memory.error}});
    }
    return good;
}

/// W0: awaited; an address that the warden does not watch is not bound.
Result<void> VipReconciler::run(const Arm& arm) {
    auto armed = ports_.warden.register_target(settings_.addresses.at(arm.address).entry);
    if (!armed) return std::move(armed).error().during("put it under the warden's deadline");
    memory_.each.at(arm.address).armed = true;
    return {};
}

Result<void> VipReconciler::run(const Disarm& disarm) {
    // Also where no answer comes: the warden may have done it.
    memory_.each.at(disarm.address).armed = false;
    auto done = ports_.warden.unregister_target(settings_.addresses.at(disarm.address).entry);
    if (!done) return std::move(done).error().during("take it from the warden's deadline");
    return {};
}

Result<void> VipReconciler::run(const Bind& bind) {
    auto& memory = memory_.each.at(bind.address);
    auto bound = bind_in_time(bind);
    if (!bound) return bound;
    memory.bound_for = bind.lease.valid_until;
    memory.error.clear();
    return {};
}

/// W3, W4: the lease is compared with the clock immediately before and after the call, which may
/// have waited for long in the kernel; the lifetime then began later than was reckoned.
Result<void> VipReconciler::bind_in_time(const Bind& bind) {
    const auto& lease = bind.lease;
    auto& memory = memory_.each.at(bind.address);
    bool called = false;
    for (int attempt = 0; attempt < most_bind_attempts; ++attempt) {
        const auto before = ports_.clock.now();
        const auto time = lifetime(lease.valid_until, before, settings_.tick);
        if (before >= lease.fence_at() || time < std::chrono::seconds{1}) break;
        called = true;
        auto bound = ports_.addresses.bind(bind.address, time);
        const auto after = ports_.clock.now();
        if (after >= lease.fence_at()) break;
        if (!bound) return bound;
        memory.bound_at = before;
        if (memory.held_since == Instant{}) memory.held_since = before;
        memory.expires_at = before + time;
        if (after + time + lateness(time, settings_.tick) <= lease.valid_until) return {};
    }
    if (!called) return model::error(Errc::fenced, "the lease ends");
    (void)ports_.addresses.unbind(bind.address);
    reported_.at(bind.address).unbinding = true;
    ports_.events.warning("vip.bind_undone", {{"address", name(bind.address)}});
    return model::error(Errc::fenced, "the lease ended meanwhile");
}

Result<void> VipReconciler::run(const Unbind& unbind) {
    reported_.at(unbind.address).unbinding = true;
    // Best effort: what it cannot end, the next holder's host answers with a reset.
    if (unbind.reset) (void)ports_.addresses.reset_connections(unbind.address);
    auto unbound = ports_.addresses.unbind(unbind.address);
    if (unbound) memory_.each.at(unbind.address).error.clear();
    return unbound;
}

Result<void> VipReconciler::run(const Probe& probe) {
    auto& memory = memory_.each.at(probe.address);
    if (probe.first) {
        memory.probe_from = ports_.clock.now();
        memory.probes = 0;
    }
    ++memory.probes;
    auto sent = ports_.addresses.probe(probe.address);
    if (sent) return {};
    if (probe.first) memory.probe_from = {};
    return std::move(sent).error().during("ask who has it");
}

/// Best effort: an answer is a conflict, and none proves nothing.
Result<void> VipReconciler::run(const Ask& ask) {
    memory_.each.at(ask.address).asked_at = ports_.clock.now();
    (void)ports_.addresses.probe(ask.address);
    return {};
}

Result<void> VipReconciler::run(const Announce& announce) {
    auto& memory = memory_.each.at(announce.address);
    auto sent = ports_.addresses.announce(announce.address);
    if (!sent) return std::move(sent).error().during("announce it");
    if (announce.first) memory.announcements.begin(ports_.clock.now());
    memory.announcements.sent();
    memory.held_in = announce.epoch;
    ++memory.announced;
    memory.error.clear();
    return {};
}

void VipReconciler::report_changes(const Board& board, const ports::AddressesObserved& observed) {
    const auto want = wanted(board, ports_.clock.now());
    const bool wants = want == Want::bound || want == Want::keep;
    for (std::size_t i = 0; i < observed.each.size(); ++i) {
        const auto& seen = observed.each.at(i);
        const auto& memory = memory_.each.at(i);
        auto& reported = reported_.at(i);
        const bool was = std::exchange(reported.bound, seen.bound);
        if (!was && seen.bound) {
            ports_.events.info(
                "vip.bound",
                {{"address", name(i)}, {"interface", settings_.addresses.at(i).what.interface}});
        } else if (was && !seen.bound) {
            const bool ours = std::exchange(reported.unbinding, false) || !wants;
            ports_.events.emit(ours ? ports::Level::info : ports::Level::warning,
                               ours ? "vip.unbound" : "vip.vanished",
                               {{"address", name(i)}});
        }
        const bool carrier = memory.no_carrier_since == Instant{};
        if (std::exchange(reported.carrier, carrier) != carrier) {
            ports_.events.emit(
                carrier ? ports::Level::info : ports::Level::warning,
                carrier ? "vip.link_back" : "vip.link_lost",
                {{"interface", settings_.addresses.at(i).what.interface}, {"address", name(i)}});
        }
    }
    report_conflicts();
}

void VipReconciler::report_conflicts() {
    for (std::size_t i = 0; i < last_.each.size(); ++i) {
        const auto& now = last_.each.at(i).conflict;
        auto& before = reported_.at(i).conflict;
        if (now == before) continue;
        before = now;
        if (now.empty()) {
            ports_.events.info("vip.conflict_over", {{"address", name(i)}});
        } else {
            ports_.events.warning("vip.conflict", {{"address", name(i)}, {"reason", now}});
        }
    }
}

std::string VipReconciler::name(std::size_t address) const {
    return to_text(settings_.addresses.at(address).what.at);
}

}  // namespace reconcilers::vip
