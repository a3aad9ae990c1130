#include "adapters/linux/second_belt.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

namespace adapters::linux_host {
namespace {

using reconcilers::ports::Level;
using std::chrono::milliseconds;

// Where no descriptor for a timer was to be had.
constexpr milliseconds poll_interval{50};

// A kill is final; it is repeated for what a fork may have made at the same moment, and because a
// process in uninterruptible I/O takes its time.
milliseconds pause_after(int kills) {
    return std::min(milliseconds{1000}, milliseconds{10} * (1 << std::min(kills, 7)));
}

std::string in_ms(model::Duration d) { return std::to_string(model::to_ms(d)); }

BackendIdentity identity_of(const reconcilers::ports::WardenView& view) {
    if (!view.backend_running) return {};
    return {.pid = view.backend_pid,
            .start_ticks = view.backend_start_ticks,
            .cgroup = view.backend_cgroup};
}

}  // namespace

SecondBelt::SecondBelt(Settings settings, WardenClient& warden, reconcilers::ports::Events& events)
    : settings_{std::move(settings)},
      warden_{warden},
      events_{events},
      timer_{::timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK)},
      news_{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)},
      hold_{settings_.warden},
      thread_{[this] { run(); }} {
    warden_.on_heard([this] { wake(); });
    wake();
}

SecondBelt::~SecondBelt() {
    warden_.on_heard({});
    stop_ = true;
    wake();
    thread_.join();
}

void SecondBelt::wake() const {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto sent = ::write(news_.get(), &one, sizeof one);
}

void SecondBelt::run() {
    while (!stop_)
        wait(turn());
}

void SecondBelt::wait(std::optional<model::Instant> until) const {
    itimerspec when{};
    if (until) {
        // Zero would disarm it.
        const auto since_boot = std::max(until->time_since_epoch(), model::Duration{1});
        const auto whole = std::chrono::floor<std::chrono::seconds>(since_boot);
        when.it_value.tv_sec = whole.count();
        when.it_value.tv_nsec = (since_boot - whole).count();
    }
    ::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &when, nullptr);
    std::array<pollfd, 2> wait{pollfd{.fd = timer_.get(), .events = POLLIN, .revents = 0},
                               pollfd{.fd = news_.get(), .events = POLLIN, .revents = 0}};
    const bool woken = timer_.open() && news_.open();
    ::poll(wait.data(), wait.size(), woken ? -1 : static_cast<int>(poll_interval.count()));
    // Both are non-blocking.
    std::uint64_t count = 0;
    if (::read(timer_.get(), &count, sizeof count) < 0) count = 0;
    if (::read(news_.get(), &count, sizeof count) < 0) count = 0;
}

std::optional<model::Instant> SecondBelt::turn() {
    auto heard = warden_.heard();
    // These two say that nothing was heard.
    heard.view.silent = false;
    heard.view.struck.clear();
    const bool news = heard.view != last_.view;
    last_ = std::move(heard);
    if (news) {
        hold_.take(identity_of(last_.view));
        struck_ = false;
        proven_ = false;
        overdue_ = false;
        kills_ = 0;
    }
    if (proven_) return std::nullopt;
    const auto now = clock_.now();
    const auto plan = model::plan_belt(last_.watch, settings_.margin, now);
    if (!plan.strike) return plan.again;

    auto kill = hold_.kill();
    if (settings_.also && !settings_.also()) {
        kill.dead = false;
        if (kill.left.empty()) kill.left = "what does not descend from the warden";
    }
    if (!std::exchange(struck_, true)) {
        struck_at_ = now;
        report(kill, plan.reason, now - plan.due);
    }
    proven_ = kill.dead;
    if (proven_ && kills_ > 0) {
        events_.info("belt.death_proven",
                     {{"pid", std::to_string(hold_.identity().pid)},
                      {"after_ms", in_ms(clock_.now() - struck_at_)}});
    }
    if (proven_) return std::nullopt;
    if (now >= struck_at_ + settings_.margin / 4 && !std::exchange(overdue_, true)) {
        events_.error("belt.kill_overdue",
                      {{"pid", std::to_string(hold_.identity().pid)}, {"reason", kill.left}});
    }
    return now + pause_after(kills_++);
}

/// The lines wait in memory for their writer: this thread does not.
void SecondBelt::report(const BackendHold::Kill& kill,
                        std::string_view reason,
                        model::Duration late) {
    const auto& backend = hold_.identity();
    events_.error("belt.struck",
                  {{"reason", std::string{reason}},
                   {"late_ms", in_ms(late)},
                   {"warden", std::to_string(settings_.warden)},
                   {"pid", std::to_string(backend.pid)},
                   {"cgroup", backend.cgroup},
                   {"signalled", std::to_string(kill.signalled)}});
    warden_.note_struck(kill.signalled == 0
                            ? "nothing of a backend was there to be killed"
                            : "backend of pid " + std::to_string(backend.pid) + " was killed");
}

}  // namespace adapters::linux_host
