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
constexpr milliseconds check_interval{5000};  // between checks of a stopped backend's requirements

}  // namespace

BackendReconciler::BackendReconciler(Settings settings, Ports ports)
    : settings_{std::move(settings)}, ports_{ports} {}

/// The outcome of the health check under way; returned once.
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

    if (!board.role.holds()) memory_.failures = 0;  // a new lease starts with a new restart budget

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
        // The effect of the action is observed in the next pass.
        const bool done = act(plan.action, plan.reason);
        wake_at =
            std::min(wake_at, ports_.clock.now() + (done ? pending_probe_poll : milliseconds{250}));
    }
    if (probing_) wake_at = std::min(wake_at, now + pending_probe_poll);

    if (alive) {
        unfit_because_.clear();  // it runs, so it can run here
        next_check_ = {};
    } else if (now >= next_check_) {
        auto able = ports_.backend.check();
        unfit_because_ = able ? std::string{} : std::move(able).error().message;
        next_check_ = now + check_interval;
    }

    report(observed->concerns);

    BackendView view;
    view.concerns = observed->concerns;
    view.pid = observed->pid;
    view.last_exit = observed->last_exit;
    view.unfit_because = unfit_because_;
    view.starts = observed->starts;
    view.contained = observed->contained;
    view.ready = memory_.ready;
    view.give_up = memory_.failures >= starts_to_give_up;
    view.started_at =
        memory_.started_at == Instant{} ? Instant{} : observed->since.value_or(memory_.started_at);
    view.stop_asked = memory_.stop_asked;
    view.output.stuck =
        alive && memory_.kill_asked != Instant{} && now >= memory_.kill_asked + stuck_after;
    view.message = reason_.empty() ? memory_.last_failure : reason_;
    view.output.off = !alive && !std::holds_alternative<Start>(plan.action);
    if (view.output.off) {
        view.stopped_for = board.replica.stop_wanted;
        if (const auto step_down = board.role.step_down()) view.drained = *step_down;
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

/// Each once, for as long as it is there.
void BackendReconciler::report(const std::vector<ports::BackendConcern>& concerns) {
    for (const auto& concern : concerns) {
        if (std::find(concerns_.begin(), concerns_.end(), concern) == concerns_.end())
            ports_.events.warning("backend.misconfigured",
                                  {{"reason", concern.reason}, {"message", concern.message}});
    }
    concerns_ = concerns;
}

bool BackendReconciler::act(const Action& action, const std::string& reason) {
    const auto now = ports_.clock.now();
    model::Result<void> done;
    if (std::holds_alternative<Start>(action)) {
        ports_.events.info("backend.starting");
        done = ports_.backend.start();
        learn_start(memory_, settings_, done, now);
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
