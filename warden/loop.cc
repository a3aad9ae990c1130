#include "warden/loop.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <utility>

#include "warden/descriptor.h"
#include "warden/priority.h"
#include "warden/proc.h"

namespace warden {
namespace {

using model::Errc;
using model::Instant;

// How often a node process that was killed and is not reported dead is checked.
constexpr auto check_interval = std::chrono::seconds{1};

// Limit, so that a node process that sends without pause cannot delay the check of the timer.
constexpr int messages_per_turn = 64;

model::Error failed(std::string_view what) {
    const int reason = errno;
    return model::error(Errc::invalid, std::string{what} + ": " + std::strerror(reason));
}

}  // namespace

Instant boot_now() {
    timespec at{};
    ::clock_gettime(CLOCK_BOOTTIME, &at);
    return Instant{std::chrono::seconds{at.tv_sec} + std::chrono::nanoseconds{at.tv_nsec}};
}

Loop::Loop(const Options& options,
           Core& core,
           Origin origin,
           std::string cgroup,
           int signals,
           Notify& notify,
           Lines& lines)
    : options_{options},
      core_{core},
      origin_{std::move(origin)},
      cgroup_path_{std::move(cgroup)},
      notify_{notify},
      lines_{lines},
      signals_{signals},
      packet_(model::warden_message_limit) {}

Loop::~Loop() {
    close_node();
    close_fd(backend_failure_);
    close_fd(signals_);
    close_fd(timer_);
    close_fd(epoll_);
}

model::Result<void> Loop::watch(int fd, std::uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) return failed("epoll_ctl");
    return {};
}

model::Result<void> Loop::open() {
    epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
    if (epoll_ < 0) return failed("epoll_create1");
    timer_ = ::timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    if (timer_ < 0) return failed("timerfd_create");
    if (auto opened = tree_.open(); !opened) return opened;
    strangers_ = tree_.children();
    if (auto opened = cgroup_.open(cgroup_path_); !opened) return opened;
    if (auto opened = targets_.open(); !opened) return opened;
    for (const int fd : {timer_, signals_, targets_.fd()})
        if (auto watched = watch(fd, EPOLLIN); !watched) return watched;
    if (cgroup_.events() < 0) return {};
    return watch(cgroup_.events(), EPOLLPRI);
}

model::Result<void> Loop::begin() {
    if (auto opened = open(); !opened) return opened;
    perform(core_.begin(boot_now()));
    return {};
}

int Loop::run() {
    notify_.send("READY=1");
    feed_watchdog();
    while (!exit_)
        turn();
    notify_.send("STOPPING=1");
    return *exit_;
}

// The order is fixed, whatever woke the loop. Waiting messages count even when the timer fired
// first (W0), and messages sent before a death are read before it is handled. Then the time, before
// anything that needs a check.
void Loop::turn() {
    set_timer();
    epoll_event events[8];
    if (::epoll_wait(epoll_, events, 8, -1) < 0 && errno != EINTR) {
        // cannot happen; without poll the deadline would not be enforced
        perform(core_.strike_now(boot_now()));
        exit_ = 1;
        return;
    }
    read_node();
    std::uint64_t fired = 0;
    [[maybe_unused]] const auto got = ::read(timer_, &fired, sizeof fired);
    perform(core_.tick(boot_now()));
    read_signals();
    read_backend_failure();
    read_errands();
    find_unreaped();
    check_backend();
    check_targets();
    lines_.check_time(boot_now());
    feed_watchdog();
}

void Loop::set_timer() {
    auto at = core_.wakeup();
    for (const auto other : {feed_at_, check_at_, lines_.wakeup()})
        if (other && (!at || *other < *at)) at = other;
    if (at == timer_at_) return;
    itimerspec when{};
    if (at) {
        // A zero time would disarm the timer.
        const auto since_boot = std::max(at->time_since_epoch(), model::Duration{1});
        const auto whole = std::chrono::floor<std::chrono::seconds>(since_boot);
        when.it_value.tv_sec = whole.count();
        when.it_value.tv_nsec = (since_boot - whole).count();
    }
    ::timerfd_settime(timer_, TFD_TIMER_ABSTIME, &when, nullptr);
    timer_at_ = at;
}

void Loop::feed_watchdog() {
    const auto period = notify_.watchdog_period();
    if (!period) return;
    const auto now = boot_now();
    if (feed_at_ && now < *feed_at_) return;
    notify_.send("WATCHDOG=1");
    feed_at_ = now + *period;
}

void Loop::read_node() {
    for (int i = 0; i < messages_per_turn && node_socket_ >= 0; ++i) {
        const auto got =
            ::recv(node_socket_, packet_.data(), packet_.size(), MSG_DONTWAIT | MSG_TRUNC);
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) break;
        if (got <= 0) {
            // It closed the socket, or died, which the signal shows, too. Without a socket it
            // cannot set a deadline, so it is not allowed to live on.
            close_node();
            perform(core_.node_broken("it closed its socket", boot_now()));
            return;
        }
        const auto size = static_cast<std::size_t>(got);
        auto request = size > packet_.size() ? model::error(Errc::invalid, "request is too large")
                                             : model::decode_warden_request({packet_.data(), size});
        if (!request) {
            perform(core_.node_broken(request.error().message, boot_now()));
            return;
        }
        perform(core_.request(*request, boot_now()));
    }
    if (unsent_status_ && node_socket_ >= 0) reply({.status = core_.status()});
}

void Loop::read_signals() {
    signalfd_siginfo info{};
    while (::read(signals_, &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
        switch (static_cast<int>(info.ssi_signo)) {
            case SIGTERM:
            case SIGINT:
                notify_.send("STOPPING=1");
                perform(core_.terminate(boot_now()));
                break;
            case SIGUSR1:
                perform(core_.strike_now(boot_now()));
                break;
            case SIGCHLD:
                reap();
                break;
            default:
                break;
        }
    }
}

// All children: orphans of the backend are the warden's, too.
void Loop::reap() {
    int status = 0;
    const auto next = [&status] {
        const NormalPriority normal;
        return ::waitpid(-1, &status, WNOHANG);
    };
    for (pid_t pid = 0; (pid = next()) > 0;) {
        strangers_.erase(pid);
        if (lines_.reaped(pid, boot_now()) || search_.reaped(pid)) continue;
        if (unbind_.reaped(pid)) {
            if (std::exchange(unbind_again_, false)) perform(core_.targets_seen(boot_now()));
            continue;
        }
        if (pid == node_)
            node_ended(status);
        else if (pid == backend_)
            backend_ended(status);
    }
}

void Loop::node_ended(int status) {
    node_ = 0;
    close_node();
    perform(core_.node_died(status, boot_now()));
}

void Loop::backend_ended(int status) {
    read_backend_failure();
    backend_ = 0;
    perform(core_.backend_exited(status, boot_now()));
}

// A process that is traced can be reaped, and its death is reported, only after its tracer has
// waited for it, which a debugger at its prompt does not do. It is as dead as any other.
void Loop::find_unreaped() {
    const auto ended = [](pid_t pid) {
        const NormalPriority normal;
        const auto stat = process_stat(pid);
        return stat && stat->ended() ? std::optional{stat->exit_status} : std::nullopt;
    };
    // Those whose death is only not handled yet are not among them.
    if ((node_ > 0 && ended(node_)) || (backend_ > 0 && ended(backend_))) reap();
    if (node_ > 0)
        if (const auto status = ended(node_)) node_ended(*status);
    if (backend_ > 0)
        if (const auto status = ended(backend_)) backend_ended(*status);
    check_at_.reset();
    if (node_ > 0 && node_socket_ < 0) check_at_ = boot_now() + check_interval;
}

void Loop::read_backend_failure() {
    if (backend_failure_ < 0) return;
    SpawnFailure failure;
    const auto got = ::read(backend_failure_, &failure, sizeof failure);
    if (got < 0) return;
    close_fd(backend_failure_);
    if (got == static_cast<ssize_t>(sizeof failure))
        perform(core_.backend_failed(program_ + ": " + to_text(failure), boot_now()));
    else
        perform(core_.backend_started(boot_now()));
}

void Loop::read_errands() {
    if (const auto result = search_.result()) {
        auto search = parse_token_search(result->text);
        if (result->whole && search)
            searched_ = std::move(*search);
        else
            searched_.reset();
    }
    if (const auto result = unbind_.result(); result && !unbind_again_) {
        auto stuck = end_cgroups(core_.saved().targets);
        if (stuck.empty()) stuck = result->whole ? result->text : "the removal was cut short";
        report_targets(std::move(stuck));
    }
}

Others Loop::others() const {
    auto all = strangers_;
    all.insert(lines_.helpers().begin(), lines_.helpers().end());
    all.insert({node_, search_.pid(), unbind_.pid()});
    return all;
}

// Liveness of what earlier wardens left. It does not descend from this warden: the kernel shows
// whether its main process and its cgroup are alive, and a search shows who else has its token.
Life Loop::leftovers_life() const {
    auto life = dead();
    bool tokens = false;
    bool contained = true;
    for (const auto& each : core_.saved().leftovers) {
        life = both(std::move(life), leftover_life(each));
        tokens = tokens || !each.token.empty();
        contained = contained && !each.cgroup.empty();
    }
    if (!life.dead() || !tokens) return life;
    if (searched_ && searched_->killed > 0) return alive();
    if (searched_ && searched_->hidden == 0) return life;
    // An empty cgroup is proof enough where the search hangs on a process that escaped and cannot
    // be read.
    const bool stuck = search_.under_way() && boot_now() - search_.since() > errand_patience;
    if (contained && (searched_ || stuck)) return life;
    if (searched_) return unknown(searched_->why);
    return stuck ? unknown("the search for its processes hangs") : alive();
}

Life Loop::backend_life() const {
    const NormalPriority normal;
    auto life = leftovers_life();
    if (!core_.saved().backend) return life;
    if (backend_ > 0) return alive();  // not reaped
    return both(std::move(life), both(tree_.life(others()), cgroup_.life()));
}

void Loop::check_backend() {
    const auto& saved = core_.saved();
    if (cgroup_.events() >= 0) (void)cgroup_.life();  // the read rearms the event
    if (backend_ > 0 || (!saved.backend && saved.leftovers.empty())) return;
    auto life = backend_life();
    if (life.alive()) {
        perform(core_.backend_seen(boot_now()));
    } else if (life.unknown()) {
        perform(core_.backend_unknown(std::move(life.why), boot_now()));
    } else {
        backend_gone();
    }
}

void Loop::backend_gone() {
    // Wardens that were killed leave their cgroups behind, empty by now.
    for (const auto& each : core_.saved().leftovers)
        if (!each.cgroup.empty() && each.cgroup != cgroup_path_) remove_cgroup(each.cgroup);
    perform(core_.backend_gone(boot_now()));
}

void Loop::check_targets() {
    if (targets_.changed()) perform(core_.targets_seen(boot_now()));
}

}  // namespace warden
