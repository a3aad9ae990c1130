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
#include <type_traits>
#include <utility>

#include "warden/group.h"
#include "warden/state_file.h"

namespace warden {
namespace {

using model::Errc;
using model::EventLevel;
using model::Instant;

// So that a node process that never stops talking can't keep the timer from being looked at.
constexpr int messages_per_turn = 64;

model::Error failed(std::string_view what) {
    const int reason = errno;
    return model::error(Errc::invalid, std::string{what} + ": " + std::strerror(reason));
}

void close_fd(int& fd) {
    if (fd >= 0) ::close(fd);
    fd = -1;
}

std::vector<std::string> environment() {
    std::vector<std::string> env;
    for (char** at = environ; *at != nullptr; ++at)
        env.emplace_back(*at);
    return env;
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
           Notify& notify,
           Lines& lines)
    : options_{options},
      core_{core},
      origin_{std::move(origin)},
      cgroup_{std::move(cgroup)},
      notify_{notify},
      lines_{lines},
      packet_(model::warden_message_limit) {}

Loop::~Loop() {
    close_node();
    close_fd(backend_failure_);
    close_fd(cgroup_events_);
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
    sigset_t wanted;
    ::sigemptyset(&wanted);
    for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGCHLD})
        ::sigaddset(&wanted, number);
    signals_ = ::signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
    if (signals_ < 0) return failed("signalfd");
    if (::sigprocmask(SIG_BLOCK, &wanted, nullptr) != 0) return failed("sigprocmask");
    if (auto opened = targets_.open(); !opened) return opened;
    for (const int fd : {timer_, signals_, targets_.fd()})
        if (auto watched = watch(fd, EPOLLIN); !watched) return watched;
    if (cgroup_.empty()) return {};
    cgroup_events_ = ::open((cgroup_ + "/cgroup.events").c_str(), O_RDONLY | O_CLOEXEC);
    if (cgroup_events_ < 0) return failed("open " + cgroup_ + "/cgroup.events");
    return watch(cgroup_events_, EPOLLPRI);
}

model::Result<int> Loop::run() {
    if (auto opened = open(); !opened) return std::move(opened).error();
    perform(core_.begin(boot_now()));
    notify_.send("READY=1");
    feed_watchdog();
    while (!exit_)
        turn();
    notify_.send("STOPPING=1");
    return *exit_;
}

// One order, whatever woke it: a message that waits counts even when the timer fired first (W0),
// and what was said before a death is heard before it.
void Loop::turn() {
    set_timer();
    epoll_event events[8];
    if (::epoll_wait(epoll_, events, 8, -1) < 0 && errno != EINTR) {
        perform(core_.strike_now(boot_now()));  // can't happen; nobody would watch the deadline
        exit_ = 1;
        return;
    }
    read_node();
    read_signals();
    read_backend_failure();
    look_at_backend();
    look_at_targets();
    std::uint64_t fired = 0;
    [[maybe_unused]] const auto got = ::read(timer_, &fired, sizeof fired);
    perform(core_.tick(boot_now()));
    feed_watchdog();
}

void Loop::set_timer() {
    auto at = core_.wakeup();
    if (feed_at_ && (!at || *feed_at_ < *at)) at = feed_at_;
    if (at == timer_at_) return;
    itimerspec when{};
    if (at) {
        // Zero would disarm it.
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
            // It closed the socket, or died: then the signal says so too. Without a socket it can't
            // hold a deadline, so it does not get to live on.
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
    if (unsent_status_ && node_socket_ >= 0) tell({.status = core_.status()});
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
            case SIGHUP:
                if (node_ > 0) ::kill(node_, SIGHUP);
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

// Every child, so that the warden may also be process 1 of a container, which inherits orphans.
void Loop::reap() {
    int status = 0;
    for (pid_t pid = 0; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
        if (pid == node_) {
            node_ = 0;
            close_node();
            perform(core_.node_died(status, boot_now()));
        } else if (pid == backend_) {
            read_backend_failure();
            backend_ = 0;
            perform(core_.backend_exited(status, boot_now()));
        }
    }
}

void Loop::read_backend_failure() {
    if (backend_failure_ < 0) return;
    SpawnFailure failure;
    const auto got = ::read(backend_failure_, &failure, sizeof failure);
    if (got < 0) return;
    close_fd(backend_failure_);
    if (got == static_cast<ssize_t>(sizeof failure))
        perform(core_.backend_failed(to_text(failure), boot_now()));
    else
        perform(core_.backend_started(boot_now()));
}

void Loop::look_at_backend() {
    // The read rearms the event.
    char text[256];
    if (cgroup_events_ >= 0) [[maybe_unused]]
        const auto got = ::pread(cgroup_events_, text, sizeof text, 0);
    const auto& backend = core_.saved().backend;
    if (!backend || backend_ != 0) return;
    perform(group_lives(*backend) ? core_.backend_seen(boot_now())
                                  : core_.backend_gone(boot_now()));
}

void Loop::look_at_targets() {
    if (targets_.changed()) perform(core_.targets_seen(boot_now()));
}

void Loop::perform(Actions actions) {
    std::move(actions.begin(), actions.end(), std::back_inserter(actions_));
    if (std::exchange(performing_, true)) return;
    while (!actions_.empty()) {
        const auto action = std::move(actions_.front());
        actions_.pop_front();
        carry_out(action);
    }
    performing_ = false;
}

void Loop::carry_out(const Action& action) {
    std::visit(
        [this](const auto& what) {
            using What = std::decay_t<decltype(what)>;
            if constexpr (std::is_same_v<What, KillNode>) {
                kill_node();
            } else if constexpr (std::is_same_v<What, TermNode>) {
                if (node_ > 0) ::kill(node_, SIGTERM);
            } else if constexpr (std::is_same_v<What, SpawnNode>) {
                spawn_node();
            } else if constexpr (std::is_same_v<What, SpawnBackend>) {
                spawn_backend(what);
            } else if constexpr (std::is_same_v<What, StopBackend>) {
                if (backend_ > 0) ::kill(backend_, SIGTERM);
            } else if constexpr (std::is_same_v<What, KillBackend>) {
                kill_backend();
            } else if constexpr (std::is_same_v<What, EndTargets>) {
                end_targets();
            } else if constexpr (std::is_same_v<What, Save>) {
                save();
            } else if constexpr (std::is_same_v<What, Tell>) {
                tell(what.answer);
            } else if constexpr (std::is_same_v<What, Say>) {
                lines_.write(what);
            } else if constexpr (std::is_same_v<What, Exit>) {
                exit_ = what.status;
            }
        },
        action);
}

void Loop::spawn_node() {
    int pair[2] = {-1, -1};
    // A wait status as of an exit with 127: there was no process.
    const auto give_up = [this](const std::string& why) {
        lines_.write({EventLevel::error, "node.spawn_failed", {{"reason", why}}});
        perform(core_.node_died(127 << 8, boot_now()));
    };
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
        give_up(failed("socketpair").message);
        return;
    }
    auto child = warden::spawn_node(options_.node, environment(), pair[1], origin_);
    ::close(pair[1]);
    if (!child) {
        ::close(pair[0]);
        give_up(child.error().message);
        return;
    }
    node_ = child->pid;
    node_socket_ = pair[0];
    node_failure_ = child->failure_fd;
    unsent_status_ = false;
    if (!watch(node_socket_, EPOLLIN)) kill_node();
}

void Loop::spawn_backend(const SpawnBackend& action) {
    auto child = warden::spawn_backend(action.spawn, action.token, cgroup_, origin_);
    if (!child) {
        perform(core_.backend_failed(child.error().message, boot_now()));
        return;
    }
    backend_ = child->pid;
    backend_failure_ = child->failure_fd;
    if (!watch(backend_failure_, EPOLLIN)) ::kill(backend_, SIGKILL);
    perform(core_.backend_spawned(backend_, start_ticks(backend_).value_or(0), boot_now()));
}

void Loop::kill_backend() {
    // Not reaped yet, so that both numbers are still its own.
    if (backend_ > 0) {
        ::kill(-backend_, SIGKILL);
        ::kill(backend_, SIGKILL);
    }
    const auto& backend = core_.saved().backend;
    if (!backend) return;
    kill_group(*backend);
    if (backend_ == 0 && !group_lives(*backend)) perform(core_.backend_gone(boot_now()));
}

void Loop::end_targets() {
    auto stuck = targets_.end(core_.saved().targets);
    if (stuck.empty()) {
        perform(core_.targets_clear(boot_now()));
    } else if (stuck != stuck_) {
        lines_.write({EventLevel::error, "warden.target_stuck", {{"reason", stuck}}});
    }
    stuck_ = std::move(stuck);
}

void Loop::kill_node() {
    if (node_ > 0) ::kill(node_, SIGKILL);
    close_node();
}

void Loop::close_node() {
    close_fd(node_socket_);
    if (node_failure_ >= 0) {
        SpawnFailure failure;
        if (::read(node_failure_, &failure, sizeof failure) == static_cast<ssize_t>(sizeof failure))
            lines_.write({EventLevel::error, "node.spawn_failed", {{"reason", to_text(failure)}}});
    }
    close_fd(node_failure_);
}

void Loop::tell(const model::WardenAnswer& answer) {
    if (node_socket_ < 0) return;
    const auto packet = model::encode(answer);
    const auto sent =
        ::send(node_socket_, packet.data(), packet.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    // It does not read: stopped, or stuck. The news follows with its next request.
    unsent_status_ = sent < 0;
}

// A state that can't be written is no reason to drop the lease: this warden enforces it from
// memory, and the next one finds an older, shorter deadline. It is a reason to say so, once.
void Loop::save() {
    targets_.follow(core_.saved().targets);
    auto saved = save_state(options_.state_file, core_.saved());
    if (!saved && !save_failed_)
        lines_.write(
            {EventLevel::error, "warden.save_failed", {{"reason", saved.error().message}}});
    save_failed_ = !saved;
}

}  // namespace warden
