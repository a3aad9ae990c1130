#include "adapters/dbus/unit_backend.h"

#include <csignal>
#include <ctime>
#include <utility>

namespace adapters::dbus {

using model::Errc;
using model::Result;
using reconcilers::ports::BackendConcern;
using reconcilers::ports::BackendObserved;
using State = BackendObserved::State;

namespace {

bool no_answer(const model::Error& failure) {
    return failure.code == Errc::unavailable || failure.code == Errc::unknown_outcome;
}

}  // namespace

UnitBackend::UnitBackend(Settings settings,
                         UnitLink& link,
                         reconcilers::ports::Warden& warden,
                         const reconcilers::ports::Clock& clock)
    : settings_{std::move(settings)},
      path_{settings_.cgroup_root + settings_.cgroup},
      link_{link},
      warden_{warden},
      clock_{clock} {}

Result<void> UnitBackend::watch() {
    if (watched_) return {};
    auto watched = warden_.register_target(settings_.entry);
    if (!watched) return std::move(watched).error().during("have the warden watch the unit");
    watched_ = true;
    return {};
}

Result<void> UnitBackend::start() {
    if (auto watched = watch(); !watched) return watched;
    const auto view = warden_.view();
    if (view.lost) return model::error(Errc::fenced, "start backend: the warden is gone");
    // The warden would kill it at once.
    if (view.valid_until == model::Instant{} || clock_.now() >= view.valid_until)
        return model::error(Errc::fenced, "start backend: no strike time is ahead");
    const auto seen = link_.seen();
    if (auto why = obstacle(seen); !why.reason.empty())
        return model::error(seen.read ? Errc::invalid : Errc::unavailable, std::move(why.message));
    auto started = link_.start();
    if (started) return {};
    auto failure = std::move(started).error().during("start " + settings_.unit);
    if (failure.code == Errc::not_found) failure.code = Errc::invalid;
    return failure;
}

Result<void> UnitBackend::stop() {
    auto stopped = link_.stop();
    if (stopped || stopped.error().code == Errc::not_found) return {};
    // What systemd would have done first.
    if (no_answer(stopped.error()) && signal_cgroup(path_, SIGTERM) > 0) return {};
    return std::move(stopped).error().during("stop " + settings_.unit);
}

Result<void> UnitBackend::kill() {
    kill_cgroup(path_);
    auto killed = link_.kill();
    if (killed || killed.error().code == Errc::not_found || no_answer(killed.error())) return {};
    return std::move(killed).error().during("kill " + settings_.unit);
}

CgroupLife UnitBackend::life(const UnitSeen& seen) const {
    const auto expected = cgroup_life(path_);
    const auto& reported = seen.state.cgroup;
    if (expected == CgroupLife::populated || reported.empty() || reported == settings_.cgroup)
        return expected;
    const auto other = cgroup_life(settings_.cgroup_root + reported);
    return other == CgroupLife::empty ? expected : other;
}

/// systemd's clock for this stands still while the machine sleeps, and ours does not.
std::optional<model::Instant> UnitBackend::since(const UnitState& state) const {
    if (state.active_since == 0 || state.active != "active") return {};
    timespec at{};
    ::clock_gettime(CLOCK_MONOTONIC, &at);
    const auto now = std::chrono::seconds{at.tv_sec} + std::chrono::nanoseconds{at.tv_nsec};
    const auto age = now - std::chrono::microseconds{static_cast<std::int64_t>(state.active_since)};
    return clock_.now() - age;
}

Result<BackendObserved> UnitBackend::observe() {
    // Until it is, what is started by others stays alive without a lease.
    const auto watched = watch();
    const auto view = warden_.view();
    if (view.lost) return model::error(Errc::fenced, "observe backend: the warden is gone");
    const auto seen = link_.seen();
    const auto life = this->life(seen);
    BackendObserved observed{.state = State::unknown};
    if (life == CgroupLife::populated || (seen.read && !at_rest(seen.state)))
        observed.state = State::running;
    else if (life == CgroupLife::empty && seen.read)
        observed.state = State::absent;
    const bool here = !settings_.cgroup_root.empty() && misplaced(seen.state).reason.empty();
    // Of a hierarchy that is not systemd's, or seen from another namespace: the path is not there.
    const bool visible = seen.state.active != "active" || seen.state.main_pid == 0 ||
                         cgroup_life(path_) == CgroupLife::populated;
    if (seen.read && watched) observed.contained = here && visible;
    observed.unguarded = seen.read && !here && observed.state == State::running;
    observed.pid = seen.state.main_pid;
    observed.starts = seen.starts;
    observed.last_exit = seen.start_failure.empty() ? last_exit(seen.state) : seen.start_failure;
    observed.since = since(seen.state);
    observed.concerns = concerns_of(settings_.unit, seen.state);
    if (auto why = obstacle(seen); !why.reason.empty()) observed.concerns = {std::move(why)};
    return observed;
}

BackendConcern UnitBackend::misplaced(const UnitState& state) const {
    if (auto why = why_not_startable(settings_.unit, state); why.reason == "UnitIsAlias")
        return why;
    const auto at = state.cgroup.empty() ? cgroup_in(state.slice, settings_.unit) : state.cgroup;
    if (at.empty() || at == settings_.cgroup) return {};
    return {"UnitElsewhere",
            "systemd has " + settings_.unit + " in the cgroup " + at + ", the warden watches " +
                settings_.cgroup + ": restart the daemon, which asks again"};
}

BackendConcern UnitBackend::obstacle(const UnitSeen& seen) const {
    if (settings_.cgroup_root.empty())
        return {"NoCgroup2",
                "no cgroup2 is mounted, by which the warden ends the unit: boot with "
                "systemd.unified_cgroup_hierarchy=1, or use backend.process"};
    if (!seen.read)
        return {"SystemdUnreachable",
                seen.trouble.empty()
                    ? "what systemd says of " + settings_.unit + " is not known yet"
                    : seen.trouble};
    if (auto why = why_not_startable(settings_.unit, seen.state); !why.reason.empty()) return why;
    return misplaced(seen.state);
}

Result<void> UnitBackend::check() {
    if (auto why = obstacle(link_.seen()); !why.reason.empty())
        return model::error(Errc::invalid, std::move(why.message));
    if (!watched_) return model::error(Errc::invalid, "the warden does not watch the unit yet");
    return {};
}

}  // namespace adapters::dbus
