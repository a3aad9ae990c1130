#include "warden/core.h"

#include <sys/wait.h>

#include <algorithm>
#include <utility>

#include "model/exit_status.h"

namespace warden {
namespace {

using model::Duration;
using model::Errc;
using model::EventLevel;
using model::Instant;
using namespace std::chrono_literals;

// A node process that lived this long is restarted without a delay.
constexpr Duration long_life = 10s;
constexpr Duration first_back_off = 100ms;
constexpr Duration longest_back_off = 5s;

// SIGKILL is repeated for processes that were forked at the same moment, and because a process in
// uninterruptible I/O dies late.
constexpr Duration first_kill_pause = 20ms;
constexpr Duration longest_kill_pause = 1s;

// Wait after everything was killed. What is not dead then cannot be helped by this process.
constexpr Duration last_wait = 10s;

Duration pause_after(int kills) {
    return std::min(longest_kill_pause, first_kill_pause * (1 << std::min(kills, 6)));
}

std::string in_ms(Duration d) { return std::to_string(model::to_ms(d)); }

// The order of each kind of action. A kind without a place does not compile.
struct Place {
    int operator()(const KillNode&) const { return 0; }
    int operator()(const KillBackend&) const { return 0; }
    int operator()(const EndTargets&) const { return 1; }
    int operator()(const StopBackend&) const { return 2; }
    int operator()(const TermNode&) const { return 2; }
    int operator()(const Save&) const { return 3; }
    int operator()(const WatchTargets&) const { return 4; }
    int operator()(const SpawnNode&) const { return 4; }
    int operator()(const SpawnBackend&) const { return 4; }
    int operator()(const Reply&) const { return 5; }
    int operator()(const LogEvent&) const { return 6; }
    int operator()(const Exit&) const { return 7; }
};

bool comes_before(const Action& one, const Action& other) {
    return std::visit(Place{}, one) < std::visit(Place{}, other);
}

}  // namespace

void ActionQueue::add(Actions actions) {
    std::reverse(actions.begin(), actions.end());
    waiting_.insert(waiting_.begin(),
                    std::make_move_iterator(actions.begin()),
                    std::make_move_iterator(actions.end()));
    // Sorted backwards, since actions are taken from the end; stable, so that equal ones keep their
    // order.
    std::stable_sort(waiting_.begin(), waiting_.end(), [](const Action& one, const Action& other) {
        return comes_before(other, one);
    });
}

std::optional<Action> ActionQueue::next() {
    if (waiting_.empty()) return {};
    std::optional<Action> first{std::move(waiting_.back())};
    waiting_.pop_back();
    return first;
}

Core::Core(Settings settings, const std::optional<Saved>& before) : settings_{std::move(settings)} {
    if (before && before->boot_id == settings_.boot_id) {
        saved_.valid_until = before->valid_until;
        saved_.incarnation = before->incarnation;
        inherit(*before);
    }
    saved_.boot_id = settings_.boot_id;
    saved_.warden = settings_.warden;
    saved_.cgroup = settings_.cgroup;
}

// A `process` backend was a child of the dead warden: none of it may remain.
void Core::inherit(const Saved& other) {
    if (other.boot_id != settings_.boot_id) return;
    auto& left = saved_.leftovers;
    if (other.backend) left.push_back(*other.backend);
    left.insert(left.end(), other.leftovers.begin(), other.leftovers.end());
    saved_.targets_alive = saved_.targets_alive || other.targets_alive;
    for (const auto& target : other.targets)
        if (std::find(saved_.targets.begin(), saved_.targets.end(), target) == saved_.targets.end())
            saved_.targets.push_back(target);
}

// A zero strike time is in the past: no deadline is set.
bool Core::held(Instant now) const { return now < strike_at(); }

Instant Core::strike_at() const {
    if (saved_.valid_until == Instant{}) return Instant{};
    return saved_.valid_until - settings_.margin / 2;
}

Actions Core::begin(Instant now) {
    saved_.valid_until = std::min(saved_.valid_until, now + settings_.ttl);
    for (const auto& each : saved_.leftovers)
        log_event(EventLevel::warning,
                  "warden.leftover_killed",
                  {{"pid", std::to_string(each.pid)}, {"cgroup", each.cgroup}});
    if (any_backend()) kill_backend(now);
    if (saved_.valid_until != Instant{} && !held(now)) strike("found_at_start", now);
    // Keep targets ended, where an earlier warden struck.
    if (!held(now)) end_targets(now);
    act(Save{});
    spawn_node_at_ = now;
    check_time(now);
    return take();
}

Actions Core::tick(Instant now) {
    check_time(now);
    return take();
}

void Core::check_time(Instant now) {
    if (saved_.valid_until != Instant{} && !held(now)) strike("strike_time", now);
    if (alarm_at_ && *alarm_at_ <= now) {
        alarm_at_.reset();
        if (any_backend() || node_ == Node::killed || end_again_at_)
            log_event(EventLevel::error,
                      "warden.kill_overdue",
                      {{"pid", std::to_string(backend_pid())}, {"reason", unproven_}});
    }
    if (kill_again_at_ && *kill_again_at_ <= now && any_backend()) kill_backend(now);
    if (end_again_at_ && *end_again_at_ <= now) {
        end_again_at_.reset();
        if (!held(now)) end_targets(now);
    }
    if (stop_by_ && *stop_by_ <= now) {
        stop_by_.reset();
        exit_status_ = model::exit_stopped_by_force;
        disarmed_ = false;
        strike("stop_timed_out", now);
        exit_by_ = now + last_wait;
    }
    if (exit_by_ && *exit_by_ <= now) {
        exit_by_.reset();
        log_event(EventLevel::error, "warden.kill_failed");
        end(1);
    }
    if (spawn_node_at_ && *spawn_node_at_ <= now) {
        spawn_node_at_.reset();
        node_ = Node::running;
        node_since_ = now;
        disarmed_ = false;
        act(SpawnNode{});
        notify_status();
    }
}

void Core::strike(std::string_view reason, Instant now) {
    const auto late = saved_.valid_until == Instant{} ? Duration{} : now - strike_at();
    if (saved_.valid_until != Instant{}) {
        // After a late strike, the kill has as much time as after one in time.
        alarm_at_ = std::max(saved_.valid_until, now + settings_.margin / 2) - settings_.margin / 4;
    }
    saved_.valid_until = {};
    const bool spare = node_ != Node::running || disarmed_;
    if (!spare) kill_node();
    const bool had_backend = any_backend();
    if (had_backend) kill_backend(now);
    end_targets(now);
    act(Save{});
    log_event(EventLevel::warning,
              "warden.struck",
              {{"reason", std::string{reason}},
               {"late_ms", in_ms(late)},
               {"node", spare ? "spared" : "killed"},
               {"backend", had_backend ? "killed" : "absent"}});
    notify_status();
}

void Core::kill_node() {
    node_ = Node::killed;
    act(KillNode{});
}

void Core::kill_backend(Instant now) {
    act(KillBackend{});
    kill_again_at_ = now + pause_after(kills_++);
}

void Core::end_targets(Instant now) {
    if (saved_.targets.empty()) return;
    act(EndTargets{});
    end_again_at_ = now + pause_after(ends_++);
}

Actions Core::node_broken(std::string_view why, Instant) {
    // In an orderly shutdown the socket closes a moment before the process is reaped.
    if (node_ == Node::running && !stopping_) {
        log_event(EventLevel::error, "node.broken", {{"reason", std::string{why}}});
        kill_node();
    }
    return take();
}

Actions Core::node_died(std::int32_t wait_status, Instant now) {
    const bool struck = node_ == Node::killed;
    const auto lived = now - node_since_;
    node_ = Node::absent;
    // Something that it started may have appeared after the first kill (W1).
    if (any_backend() && !held(now)) kill_backend(now);
    if (!held(now)) end_targets(now);
    // It had fenced itself under this deadline: no successor may adopt that lease.
    if (disarmed_ && saved_.valid_until != Instant{}) strike("disarmed_node_died", now);

    const bool for_good =
        WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == model::exit_for_good;
    if (stopping_ || for_good) {
        log_event(EventLevel::info, "node.exited", {{"status", model::exit_text(wait_status)}});
        if (wait_status != 0)
            exit_status_ = for_good ? model::exit_for_good : model::exit_stopped_by_force;
        stopping_ = true;
        stop_by_.reset();
        end_when_gone(now);
        return take();
    }
    if (lived >= long_life) rapid_deaths_ = 0;
    const auto back_off =
        rapid_deaths_ == 0
            ? Duration{}
            : std::min(longest_back_off, first_back_off * (1 << std::min(rapid_deaths_ - 1, 6)));
    ++rapid_deaths_;
    spawn_node_at_ = now + back_off;
    log_event(struck ? EventLevel::info : EventLevel::error,
              "node.died",
              {{"status", model::exit_text(wait_status)}, {"restart_in_ms", in_ms(back_off)}});
    check_time(now);
    return take();
}

Actions Core::backend_spawned(std::int32_t pid, std::uint64_t start_ticks, Instant now) {
    if (!saved_.backend) return take();
    saved_.backend->pid = pid;
    saved_.backend->start_ticks = start_ticks;
    act(Save{});
    // The deadline may have passed between request and start.
    if (!held(now)) kill_backend(now);
    notify_status();
    return take();
}

Actions Core::backend_started(Instant) {
    if (start_request_ != 0) {
        log_event(EventLevel::info,
                  "backend.started",
                  {{"pid", std::to_string(saved_.backend ? saved_.backend->pid : 0)}});
        answer(std::exchange(start_request_, 0));
    }
    return take();
}

Actions Core::backend_failed(std::string message, Instant now) {
    log_event(EventLevel::error, "backend.start_failed", {{"reason", message}});
    if (start_request_ != 0)
        answer(std::exchange(start_request_, 0), model::error(Errc::invalid, std::move(message)));
    if (saved_.backend) kill_backend(now);
    return take();
}

Actions Core::backend_exited(std::int32_t wait_status, Instant now) {
    exit_ = wait_status;
    log_event(EventLevel::info, "backend.exited", {{"status", model::exit_text(wait_status)}});
    // Processes left behind by its main process still use the database.
    if (saved_.backend) kill_backend(now);
    notify_status();
    return take();
}

Actions Core::backend_gone(Instant now) {
    if (!any_backend()) return take();
    saved_.backend.reset();
    saved_.leftovers.clear();
    kill_again_at_.reset();
    kills_ = 0;
    if (!std::exchange(unproven_reason_, {}).empty())
        log_event(EventLevel::info, "warden.death_proven");
    unproven_.clear();
    act(Save{});
    notify_status();
    if (stopping_ && node_ == Node::absent) end_when_gone(now);
    return take();
}

Actions Core::backend_seen(Instant now) {
    unproven_.clear();
    if (any_backend() && !held(now)) kill_backend(now);
    if (status() != last_sent_) notify_status();
    return take();
}

Actions Core::backend_unknown(std::string why, Instant now) {
    if (!any_backend()) return take();
    if (!kill_again_at_) kill_backend(now);
    // A search that is under way in between shows it as alive for a moment, which is no news.
    if (why != std::exchange(unproven_reason_, why))
        log_event(EventLevel::error,
                  "warden.death_unproven",
                  {{"pid", std::to_string(backend_pid())}, {"reason", why}});
    unproven_ = std::move(why);
    if (status() != last_sent_) notify_status();
    return take();
}

Actions Core::targets_seen(Instant now) {
    if (!held(now)) end_targets(now);
    return take();
}

Actions Core::targets_clear(Instant now) {
    end_again_at_.reset();
    ends_ = 0;
    // Targets of an earlier warden that this one's list does not name: ended once, then dropped.
    const auto foreign = [this](const model::WardenTarget& target) {
        return std::none_of(
            settings_.list.items.begin(), settings_.list.items.end(), [&](const auto& item) {
                const auto* const listed = std::get_if<model::WardenTarget>(&item);
                return listed != nullptr && *listed == target;
            });
    };
    const bool dropped = !held(now) && std::erase_if(saved_.targets, foreign) > 0;
    if (saved_.targets_alive || dropped) {
        saved_.targets_alive = false;
        act(Save{});
    }
    if (stopping_ && node_ == Node::absent) end_when_gone(now);
    return take();
}

// W0: what is not watched is not armed, and must not be bound.
Actions Core::targets_watched(const WatchTargets& request, std::string failure) {
    if (failure.empty()) {
        answer(request.request);
        return take();
    }
    log_event(EventLevel::error, "warden.watch_failed", {{"reason", failure}});
    answer(request.request, model::error(Errc::unavailable, "it cannot be watched: " + failure));
    return take();
}

Actions Core::terminate(Instant now) {
    if (stopping_) return take();
    stopping_ = true;
    spawn_node_at_.reset();
    log_event(EventLevel::info, "warden.stopping");
    if (node_ == Node::absent) {
        end_when_gone(now);
    } else {
        act(TermNode{});
        stop_by_ = now + settings_.stop_timeout;
    }
    return take();
}

Actions Core::strike_now(Instant now) {
    strike("asked", now);
    return take();
}

// No node process is left for an orderly step-down: everything still alive is killed now.
void Core::end_when_gone(Instant now) {
    if (saved_.valid_until != Instant{})
        strike("stopped", now);
    else if (saved_.targets_alive && !end_again_at_)
        end_targets(now);
    if (any_backend() && !kill_again_at_) kill_backend(now);
    if (any_backend() || saved_.targets_alive) {
        if (!exit_by_) exit_by_ = now + last_wait;
        return;
    }
    end(exit_status_);
}

void Core::end(int status) {
    act(Save{});
    act(Exit{status});
}

void Core::answer(std::uint64_t id, std::optional<model::Error> failure) {
    last_sent_ = status();
    act(Reply{{.id = id, .failure = std::move(failure), .status = last_sent_}});
}

void Core::notify_status() {
    if (node_ != Node::running) return;
    last_sent_ = status();
    act(Reply{{.status = last_sent_}});
}

void Core::log_event(EventLevel level, std::string_view name, model::EventFields fields) {
    act(LogEvent{level, name, std::move(fields)});
}

Actions Core::take() {
    std::stable_sort(actions_.begin(), actions_.end(), comes_before);
    return std::exchange(actions_, {});
}

std::optional<Instant> Core::wakeup() const {
    std::optional<Instant> first;
    const auto consider = [&](std::optional<Instant> at) {
        if (at && (!first || *at < *first)) first = at;
    };
    if (saved_.valid_until != Instant{}) consider(strike_at());
    if (any_backend()) consider(kill_again_at_);
    consider(end_again_at_);
    consider(alarm_at_);
    consider(spawn_node_at_);
    consider(stop_by_);
    consider(exit_by_);
    return first;
}

std::int32_t Core::backend_pid() const {
    if (saved_.backend) return saved_.backend->pid;
    return saved_.leftovers.empty() ? 0 : saved_.leftovers.front().pid;
}

model::WardenStatus Core::status() const {
    model::WardenStatus status{.valid_until = saved_.valid_until,
                               .backend_running = any_backend(),
                               .backend_unknown = !unproven_.empty(),
                               .backend_pid = backend_pid(),
                               .backend_starts = starts_,
                               .backend_exit = exit_,
                               .incarnation = saved_.incarnation};
    status.backend_contained = !settings_.cgroup.empty();
    if (const auto& backend = saved_.backend) {
        status.backend_contained = !backend->cgroup.empty();
        status.backend_start_ticks = backend->start_ticks;
        status.backend_cgroup = backend->cgroup;
    }
    return status;
}

}  // namespace warden
