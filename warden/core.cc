#include "warden/core.h"

#include <sys/wait.h>

#include <algorithm>
#include <utility>

namespace warden {
namespace {

using model::Duration;
using model::Errc;
using model::EventLevel;
using model::Instant;
using namespace std::chrono_literals;

// A node process that lived this long did not die of what it died of before.
constexpr Duration long_life = 10s;
constexpr Duration first_back_off = 100ms;
constexpr Duration longest_back_off = 5s;

// A kill is final; it is repeated for what a fork may have made at the same moment, and because a
// process in uninterruptible I/O takes its time.
constexpr Duration first_kill_pause = 20ms;
constexpr Duration longest_kill_pause = 1s;

// Once everything was told to die. Not dead by then: nothing that a process can do helps.
constexpr Duration last_wait = 10s;

Duration pause_after(int kills) {
    return std::min(longest_kill_pause, first_kill_pause * (1 << std::min(kills, 6)));
}

std::string to_text(std::int32_t wait_status) {
    if (WIFEXITED(wait_status)) return "exit " + std::to_string(WEXITSTATUS(wait_status));
    if (WIFSIGNALED(wait_status)) return "signal " + std::to_string(WTERMSIG(wait_status));
    return "unknown";
}

std::string in_ms(Duration d) { return std::to_string(model::to_ms(d)); }

}  // namespace

Core::Core(Settings settings, const std::optional<Saved>& before) : settings_{std::move(settings)} {
    if (before && before->boot_id == settings_.boot_id) saved_ = *before;
    saved_.boot_id = settings_.boot_id;
}

// A strike time of zero is long past: no deadline is held.
bool Core::held(Instant now) const { return now < strike_at(); }

Instant Core::strike_at() const {
    if (saved_.valid_until == Instant{}) return Instant{};
    return saved_.valid_until - settings_.margin / 2;
}

Actions Core::begin(Instant now) {
    saved_.valid_until = std::min(saved_.valid_until, now + settings_.ttl);
    // A `process` backend was the child of the warden that died: none of it may be left.
    if (saved_.backend) {
        say(EventLevel::warning,
            "warden.leftover_killed",
            {{"pid", std::to_string(saved_.backend->pid)}, {"cgroup", saved_.backend->cgroup}});
        kill_backend(now);
    }
    if (saved_.valid_until != Instant{} && !held(now)) strike("found_at_start", now);
    // And keep it so, where an earlier warden struck.
    if (!held(now)) end_targets(now);
    act(Save{});
    spawn_node_at_ = now;
    auto actions = take();
    auto more = tick(now);
    actions.insert(
        actions.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
    return actions;
}

Actions Core::tick(Instant now) {
    if (saved_.valid_until != Instant{} && !held(now)) strike("strike_time", now);
    if (alarm_at_ && *alarm_at_ <= now) {
        alarm_at_.reset();
        if (saved_.backend || node_ == Node::killed || end_again_at_)
            say(EventLevel::error,
                "warden.kill_overdue",
                {{"pid", std::to_string(saved_.backend ? saved_.backend->pid : 0)}});
    }
    if (kill_again_at_ && *kill_again_at_ <= now && saved_.backend) kill_backend(now);
    if (end_again_at_ && *end_again_at_ <= now) {
        end_again_at_.reset();
        if (!held(now)) end_targets(now);
    }
    if (stop_by_ && *stop_by_ <= now) {
        stop_by_.reset();
        exit_status_ = 1;
        disarmed_ = false;
        strike("stop_timed_out", now);
        exit_by_ = now + last_wait;
    }
    if (exit_by_ && *exit_by_ <= now) {
        exit_by_.reset();
        say(EventLevel::error, "warden.kill_failed");
        end(1);
    }
    if (spawn_node_at_ && *spawn_node_at_ <= now) {
        spawn_node_at_.reset();
        node_ = Node::running;
        node_since_ = now;
        disarmed_ = false;
        act(SpawnNode{});
        tell_status();
    }
    return take();
}

void Core::strike(std::string_view reason, Instant now) {
    const auto late = saved_.valid_until == Instant{} ? Duration{} : now - strike_at();
    if (saved_.valid_until != Instant{}) {
        // A strike that comes late leaves its kill as much time as one that does not.
        alarm_at_ = std::max(saved_.valid_until, now + settings_.margin / 2) - settings_.margin / 4;
    }
    saved_.valid_until = {};
    const bool spare = node_ != Node::running || disarmed_;
    if (!spare) kill_node();
    const bool had_backend = saved_.backend.has_value();
    if (had_backend) kill_backend(now);
    end_targets(now);
    act(Save{});
    say(EventLevel::warning,
        "warden.struck",
        {{"reason", std::string{reason}},
         {"late_ms", in_ms(late)},
         {"node", spare ? "spared" : "killed"},
         {"backend", had_backend ? "killed" : "absent"}});
    tell_status();
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
    // At an orderly end the socket closes a moment before the process is seen dead.
    if (node_ == Node::running && !stopping_) {
        say(EventLevel::error, "node.broken", {{"reason", std::string{why}}});
        kill_node();
    }
    return take();
}

Actions Core::node_died(std::int32_t wait_status, Instant now) {
    const bool struck = node_ == Node::killed;
    const auto lived = now - node_since_;
    node_ = Node::absent;
    // Its last fork may have come after the first kill (W1).
    if (saved_.backend && !held(now)) kill_backend(now);
    if (!held(now)) end_targets(now);
    // It had fenced itself under this deadline: no successor may adopt what it let go.
    if (disarmed_ && saved_.valid_until != Instant{}) strike("disarmed_node_died", now);

    const bool for_good = WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == exit_for_good;
    if (stopping_ || for_good) {
        say(EventLevel::info, "node.exited", {{"status", to_text(wait_status)}});
        if (wait_status != 0) exit_status_ = for_good ? exit_for_good : 1;
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
    say(struck ? EventLevel::info : EventLevel::error,
        "node.died",
        {{"status", to_text(wait_status)}, {"restart_in_ms", in_ms(back_off)}});
    auto actions = take();
    auto more = tick(now);
    actions.insert(
        actions.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
    return actions;
}

Actions Core::backend_spawned(std::int32_t pid, std::uint64_t start_ticks, Instant now) {
    if (!saved_.backend) return take();
    saved_.backend->pid = pid;
    saved_.backend->start_ticks = start_ticks;
    act(Save{});
    // Between the request and this moment the deadline may have passed.
    if (!held(now)) kill_backend(now);
    tell_status();
    return take();
}

Actions Core::backend_started(Instant) {
    if (start_request_ != 0) {
        say(EventLevel::info,
            "backend.started",
            {{"pid", std::to_string(saved_.backend ? saved_.backend->pid : 0)}});
        answer(std::exchange(start_request_, 0));
    }
    return take();
}

Actions Core::backend_failed(std::string message, Instant now) {
    say(EventLevel::error, "backend.start_failed", {{"reason", message}});
    if (start_request_ != 0)
        answer(std::exchange(start_request_, 0), model::error(Errc::invalid, std::move(message)));
    if (saved_.backend) kill_backend(now);
    return take();
}

Actions Core::backend_exited(std::int32_t wait_status, Instant now) {
    exit_ = wait_status;
    say(EventLevel::info, "backend.exited", {{"status", to_text(wait_status)}});
    // What its first process left behind still holds the database.
    if (saved_.backend) kill_backend(now);
    tell_status();
    return take();
}

Actions Core::backend_gone(Instant now) {
    if (!saved_.backend) return take();
    saved_.backend.reset();
    kill_again_at_.reset();
    kills_ = 0;
    act(Save{});
    tell_status();
    if (stopping_ && node_ == Node::absent) end_when_gone(now);
    return take();
}

Actions Core::backend_seen(Instant now) {
    if (saved_.backend && !held(now)) kill_backend(now);
    return take();
}

Actions Core::targets_seen(Instant now) {
    if (!held(now)) end_targets(now);
    return take();
}

Actions Core::targets_clear(Instant) {
    end_again_at_.reset();
    ends_ = 0;
    return take();
}

Actions Core::terminate(Instant now) {
    if (stopping_) return take();
    stopping_ = true;
    spawn_node_at_.reset();
    say(EventLevel::info, "warden.stopping");
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

// Nobody is left who would step down in order: whatever lives goes now.
void Core::end_when_gone(Instant now) {
    if (saved_.valid_until != Instant{})
        strike("stopped", now);
    else
        end_targets(now);
    if (saved_.backend) {
        if (!kill_again_at_) kill_backend(now);
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
    told_ = status();
    act(Tell{{.id = id, .failure = std::move(failure), .status = told_}});
}

void Core::tell_status() {
    if (node_ != Node::running) return;
    told_ = status();
    act(Tell{{.status = told_}});
}

void Core::say(EventLevel level, std::string_view name, model::EventFields fields) {
    act(Say{level, name, std::move(fields)});
}

Actions Core::take() { return std::exchange(actions_, {}); }

std::optional<Instant> Core::wakeup() const {
    std::optional<Instant> first;
    const auto consider = [&](std::optional<Instant> at) {
        if (at && (!first || *at < *first)) first = at;
    };
    if (saved_.valid_until != Instant{}) consider(strike_at());
    if (saved_.backend) consider(kill_again_at_);
    consider(end_again_at_);
    consider(alarm_at_);
    consider(spawn_node_at_);
    consider(stop_by_);
    consider(exit_by_);
    return first;
}

model::WardenStatus Core::status() const {
    return {.valid_until = saved_.valid_until,
            .backend_running = saved_.backend.has_value(),
            .backend_contained = saved_.backend && !saved_.backend->cgroup.empty(),
            .backend_pid = saved_.backend ? saved_.backend->pid : 0,
            .backend_starts = starts_,
            .backend_exit = exit_,
            .incarnation = saved_.incarnation};
}

}  // namespace warden
