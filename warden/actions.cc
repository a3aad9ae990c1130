// What the loop does at the core's request.
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>
#include <type_traits>
#include <utility>

#include "warden/descriptor.h"
#include "warden/loop.h"
#include "warden/proc.h"
#include "warden/state_file.h"

namespace warden {
namespace {

using model::EventLevel;

// journal  JOURNAL_STREAM of the descriptor that the node process writes to; "": unchanged
std::vector<std::string> environment(const std::string& journal) {
    constexpr std::string_view name = "JOURNAL_STREAM=";
    std::vector<std::string> env;
    for (char** at = environ; *at != nullptr; ++at) {
        env.emplace_back(*at);
        if (!journal.empty() && env.back().compare(0, name.size(), name) == 0)
            env.back().replace(name.size(), std::string::npos, journal);
    }
    return env;
}

}  // namespace

void Loop::perform(Actions actions) {
    queue_.add(std::move(actions));
    if (std::exchange(performing_, true)) return;
    while (const auto action = queue_.next())
        carry_out(*action);
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
            } else if constexpr (std::is_same_v<What, WatchTargets>) {
                auto watched = targets_.follow(core_.saved().targets);
                perform(core_.targets_watched(
                    what, watched ? std::string{} : std::move(watched).error().message));
            } else if constexpr (std::is_same_v<What, Reply>) {
                reply(what.answer);
            } else if constexpr (std::is_same_v<What, LogEvent>) {
                lines_.write(what);
            } else if constexpr (std::is_same_v<What, Exit>) {
                exit_ = what.status;
            }
        },
        action);
}

void Loop::spawn_node() {
    int pair[2] = {-1, -1};
    // Reported as an exit with status 127: there was no process.
    const auto give_up = [this](const std::string& why) {
        lines_.write({EventLevel::error, "node.spawn_failed", {{"reason", why}}});
        perform(core_.node_died(127 << 8, boot_now()));
    };
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
        give_up(std::string{"socketpair: "} + std::strerror(errno));
        return;
    }
    auto child = warden::spawn_node(options_.node,
                                    environment(lines_.journal_stream()),
                                    pair[1],
                                    lines_.node_output(),
                                    origin_);
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
    searched_.reset();
    program_ = action.spawn.command.front();
    // If this warden died, the next one would not find it.
    if (save_failed_ && cgroup_path_.empty()) {
        perform(
            core_.backend_failed("not started: the warden's state file cannot be written, and no "
                                 "cgroup holds the backend",
                                 boot_now()));
        return;
    }
    auto child = warden::spawn_backend(
        action.spawn, action.token, cgroup_path_, lines_.backend_output(), origin_);
    if (!child) {
        perform(core_.backend_failed(child.error().message, boot_now()));
        return;
    }
    backend_ = child->pid;
    backend_failure_ = child->failure_fd;
    if (!watch(backend_failure_, EPOLLIN)) ::kill(backend_, SIGKILL);
    perform(core_.backend_spawned(backend_, start_ticks(backend_).value_or(0), boot_now()));
}

// First by signals, which do not block; then by the cgroup, all at once, and by descent. Processes
// that escaped these are searched by token in a helper, because that may block on a process that
// hangs.
void Loop::kill_backend() {
    // Not reaped yet, so the pid cannot be reused.
    if (backend_ > 0) {
        ::kill(-backend_, SIGKILL);
        ::kill(backend_, SIGKILL);
    }
    tree_.kill_children(others());
    cgroup_.kill();
    for (const auto& each : core_.saved().leftovers)
        kill_leftover(each);
    tree_.kill_descendants(others());
    search_tokens();
    auto life = backend_life();
    if (life.dead())
        backend_gone();
    else if (life.unknown())
        perform(core_.backend_unknown(std::move(life.why), boot_now()));
}

void Loop::search_tokens() {
    if (search_.under_way()) return;
    auto backends = core_.saved().leftovers;
    if (const auto& backend = core_.saved().backend) backends.push_back(*backend);
    if (backends.empty()) return;
    if (!search_.start(
            origin_, boot_now(), [&backends] { return to_text(kill_by_token(backends)); }))
        return;
    if (!watch(search_.fd(), EPOLLIN)) return;  // then it is read in the next turn
}

// Addresses by a helper, because the kernel may block on rtnl; then the cgroups, whose kill is the
// one call that may block here.
void Loop::end_targets() {
    const auto& targets = core_.saved().targets;
    const bool addresses = has_addresses(targets);
    const bool removing = unbind_.under_way();
    const bool started = addresses && !removing && unbind_.start(origin_, boot_now(), [&targets] {
        return remove_addresses(targets);
    });
    auto stuck = end_cgroups(targets);
    if (!addresses) {
        report_targets(std::move(stuck));
    } else if (removing) {
        unbind_again_ = true;
        if (boot_now() - unbind_.since() > errand_patience)
            report_targets("the kernel does not answer for the addresses");
    } else if (!started) {
        report_targets("no helper to remove the addresses can be started");
    } else {
        (void)watch(unbind_.fd(), EPOLLIN);  // else it is noticed when reaped
    }
}

void Loop::report_targets(std::string stuck) {
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

void Loop::reply(const model::WardenAnswer& answer) {
    if (node_socket_ < 0) return;
    const auto packet = model::encode(answer);
    const auto sent =
        ::send(node_socket_, packet.data(), packet.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    // The node process does not read: it is stopped or hangs. The status follows with its next
    // request.
    unsent_status_ = sent < 0;
}

// A state file that cannot be written is no reason to drop the lease: this warden enforces it from
// memory, and a later one finds an older, shorter deadline. It is reported once.
void Loop::save() {
    (void)targets_.follow(core_.saved().targets);  // who registers one asks whether it worked
    auto saved = save_state(options_.state_file, core_.saved());
    if (!saved && !save_failed_)
        lines_.write(
            {EventLevel::error, "warden.save_failed", {{"reason", saved.error().message}}});
    save_failed_ = !saved;
}

}  // namespace warden
