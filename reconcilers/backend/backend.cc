#include "reconcilers/backend/backend.h"

#include <algorithm>
#include <utility>

namespace reconcilers::backend {
namespace {

using model::Instant;
using std::chrono::milliseconds;
using State = ports::BackendObserved::State;

constexpr milliseconds start_probe_interval{50};  // until it is ready for the first time in a run
constexpr milliseconds pending_probe_poll{10};

}  // namespace

BackendReconciler::BackendReconciler(Settings settings, Ports ports)
    : settings_{std::move(settings)}, ports_{ports} {}

/// The outcome of the look that is under way, once.
ports::Health BackendReconciler::take_health() {
    if (!probing_) return {};
    auto health = ports_.probe.poll();
    if (health.state == ports::Health::State::pending) return {};
    probing_ = false;
    memory_.next_probe =
        ports_.clock.now() +
        (memory_.ready || health.state == ports::Health::State::healthy
             ? settings_.health_interval
             : std::min<model::Duration>(start_probe_interval, settings_.health_interval));
    return health;
}

BackendReconciler::Pass BackendReconciler::step(const Board& board) {
    auto observed = ports_.backend.observe();
    const auto now = ports_.clock.now();
    if (!observed) observed = ports::BackendObserved{};
    learn(memory_, settings_, *observed, take_health(), now);
    memory_.ever_ready = memory_.ever_ready || healthy_elsewhere(board);

    const bool alive = observed->state != State::absent;
    if (was_alive_ && !alive) {
        ports_.events.info("backend.ended", {{"exit", observed->last_exit}});
    }
    if (memory_.ready != was_ready_ && alive) {
        ports_.events.emit(memory_.ready ? ports::Level::info : ports::Level::warning,
                           memory_.ready ? "backend.ready" : "backend.unhealthy",
                           {{"reason", memory_.last_failure}});
    }
    was_alive_ = alive;
    was_ready_ = memory_.ready;

    auto plan = plan_backend(memory_, settings_, board, *observed, now);
    auto wake_at = plan.wake_at;
    reason_ = plan.reason;
    if (!std::holds_alternative<std::monostate>(plan.action)) {
        // What it led to is observed in the next pass.
        const bool done = act(plan.action, plan.reason);
        wake_at =
            std::min(wake_at, ports_.clock.now() + (done ? pending_probe_poll : milliseconds{250}));
    }
    if (probing_) wake_at = std::min(wake_at, now + pending_probe_poll);

    BackendView view;
    view.starts = observed->starts;
    view.ready = memory_.ready;
    view.give_up = memory_.failures >= starts_to_give_up;
    view.started_at = memory_.started_at;
    view.stop_asked = memory_.stop_asked;
    view.stuck =
        alive && memory_.kill_asked != Instant{} && now >= memory_.kill_asked + stuck_after;
    view.message = reason_.empty() ? memory_.last_failure : reason_;
    view.dead = !alive && !std::holds_alternative<Start>(plan.action);
    if (view.dead) {
        view.stopped_for = board.replica.stop_wanted;
        if (board.role.phase == RoleView::Phase::draining && board.role.lease) {
            view.drained = board.role.lease->epoch;
        }
    }
    if (observed->state == State::unknown) {
        view.state = BackendView::State::unknown;
    } else if (!alive) {
        view.state =
            memory_.failures > 0 ? BackendView::State::failed : BackendView::State::stopped;
    } else if (memory_.stop_asked != Instant{}) {
        view.state = BackendView::State::stopping;
    } else {
        view.state = memory_.ready ? BackendView::State::running : BackendView::State::starting;
    }
    return {.view = std::move(view), .wake_at = wake_at};
}

bool BackendReconciler::act(const Action& action, const std::string& reason) {
    const auto now = ports_.clock.now();
    model::Result<void> done;
    if (std::holds_alternative<Start>(action)) {
        ports_.events.info("backend.starting");
        done = ports_.backend.start();
        memory_.start_sent = done.has_value();
        if (!done) {
            ++memory_.failures;
            memory_.last_failure = done.error().message;
            memory_.start_after = now + back_off(memory_.failures);
        }
    } else if (const auto* stop = std::get_if<Stop>(&action)) {
        ports_.events.info("backend.stopping", {{"reason", reason}});
        done = ports_.backend.stop();
        if (done) memory_.stop_asked = now;
        if (done) memory_.found_unhealthy = stop->unhealthy;
    } else if (std::holds_alternative<Kill>(action)) {
        if (memory_.kill_asked == Instant{}) {
            ports_.events.warning("backend.killing", {{"reason", reason}});
        }
        done = ports_.backend.kill();
        if (done && memory_.kill_asked == Instant{}) memory_.kill_asked = now;
        if (done && memory_.stop_asked == Instant{}) memory_.stop_asked = now;
    } else if (std::holds_alternative<Probe>(action)) {
        done = ports_.probe.start(settings_.health_url, settings_.health_timeout);
        probing_ = done.has_value();
        memory_.next_probe = now + settings_.health_interval;
    }
    if (!done) ports_.events.warning("backend.action_failed", {{"error", done.error().message}});
    return done.has_value();
}

}  // namespace reconcilers::backend
