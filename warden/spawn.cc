#include "warden/spawn.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string_view>

#include "warden/group.h"

namespace warden {
namespace {

constexpr int node_fd = 3;

std::vector<char*> pointers(const std::vector<std::string>& texts) {
    std::vector<char*> to;
    to.reserve(texts.size() + 1);
    for (const auto& text : texts)
        to.push_back(const_cast<char*>(text.c_str()));  // execve's signature, not its deed
    to.push_back(nullptr);
    return to;
}

std::optional<int> resource_of(std::string_view name) {
    if (name == "nofile") return RLIMIT_NOFILE;
    if (name == "core") return RLIMIT_CORE;
    if (name == "as") return RLIMIT_AS;
    if (name == "nproc") return RLIMIT_NPROC;
    return {};
}

// Everything below runs in the child, between fork and exec. The warden has one thread, so that
// nothing of it can be in an odd state here.

[[noreturn]] void fail(int report, const char* stage) {
    SpawnFailure failure{.reason = errno};
    std::strncpy(failure.stage, stage, sizeof failure.stage - 1);
    [[maybe_unused]] const auto written = ::write(report, &failure, sizeof failure);
    ::_exit(127);
}

void reset_signals() {
    struct sigaction fresh {};
    fresh.sa_handler = SIG_DFL;
    for (int number = 1; number < NSIG; ++number)
        ::sigaction(number, &fresh, nullptr);
    // The two that glibc keeps to itself and refuses to touch; its posix_spawn, which make uses,
    // hands them on ignored. Zeros are the kernel's form of the default action.
    constexpr std::array<unsigned long, 4> kernel_default{};
    for (const int number : {32, 33})
        ::syscall(SYS_rt_sigaction, number, kernel_default.data(), nullptr, sizeof(unsigned long));
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

void reset_oom_score(const Origin& origin) {
    const int fd = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd < 0) return;
    [[maybe_unused]] const auto written =
        ::write(fd, origin.oom_score_adj.data(), origin.oom_score_adj.size());
    ::close(fd);
}

void reset_scheduling() {
    const sched_param normal{};
    ::sched_setscheduler(0, SCHED_OTHER, &normal);
    ::setpriority(PRIO_PROCESS, 0, 0);
}

// The last thing before exec: a change of user clears it.
void die_with(pid_t parent, int report) {
    if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) fail(report, "PR_SET_PDEATHSIG");
    // The warden may have died before that.
    if (::getppid() != parent) ::_exit(127);
}

// Not by CLONE_INTO_CGROUP: Linux 6.18 compares the parent's count of kills with the new cgroup's,
// and kills a child that enters a cgroup which was killed before.
void join(const std::string& cgroup, int report) {
    const int fd = ::open((cgroup + "/cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC);
    if (fd < 0 || ::write(fd, "0", 1) != 1) fail(report, "join cgroup");
    ::close(fd);
}

// Leaves 0, 1, 2, `report` (moved to 4) and, for the node process, its socket (3).
int keep_descriptors(int socket, int report) {
    const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (null < 0 || ::dup2(null, STDIN_FILENO) < 0) fail(report, "/dev/null");
    // Out of the way first: either may be 3 or 4 already.
    const int socket_high = socket < 0 ? -1 : ::fcntl(socket, F_DUPFD_CLOEXEC, 10);
    const int report_high = ::fcntl(report, F_DUPFD_CLOEXEC, 10);
    if (report_high < 0 || (socket >= 0 && socket_high < 0)) fail(report, "dup");
    if (::dup3(report_high, node_fd + 1, O_CLOEXEC) < 0) fail(report_high, "dup");
    if (socket >= 0 && ::dup2(socket_high, node_fd) < 0) fail(node_fd + 1, "dup");
    if (socket < 0) ::close(node_fd);
    if (::syscall(SYS_close_range, node_fd + 2, ~0U, 0) != 0) fail(node_fd + 1, "close_range");
    return node_fd + 1;
}

void become_user(const model::Spawn& spawn, int report) {
    if (!spawn.change_user) return;
    const std::vector<gid_t> groups{spawn.groups.begin(), spawn.groups.end()};
    if (::setgroups(groups.size(), groups.data()) != 0) fail(report, "setgroups");
    if (::setresgid(spawn.gid, spawn.gid, spawn.gid) != 0) fail(report, "setgid");
    if (::setresuid(spawn.uid, spawn.uid, spawn.uid) != 0) fail(report, "setuid");
}

// Runs `child` in a process of its own, which it never returns from.
model::Result<Child> make_child(const std::function<void(int report)>& child) {
    const auto failed = [](std::string_view what) {
        return model::error(model::Errc::unavailable,
                            std::string{what} + ": " + std::strerror(errno));
    };
    int report[2] = {-1, -1};
    if (::pipe2(report, O_CLOEXEC | O_NONBLOCK) != 0) return failed("pipe");
    const pid_t pid = ::fork();
    if (pid == 0) {
        child(report[1]);
        ::_exit(127);
    }
    auto failure = failed("fork");
    ::close(report[1]);
    if (pid < 0) {
        ::close(report[0]);
        return failure;
    }
    return Child{.pid = pid, .failure_fd = report[0]};
}

}  // namespace

std::string to_text(const SpawnFailure& failure) {
    return std::string{failure.stage} + ": " + std::strerror(failure.reason);
}

model::Result<Child> spawn_node(const std::vector<std::string>& command,
                                const std::vector<std::string>& env,
                                int socket,
                                const Origin& origin) {
    auto arguments = command;
    arguments.emplace_back("--fd");
    arguments.push_back(std::to_string(node_fd));
    const auto argv = pointers(arguments);
    const auto envp = pointers(env);
    const pid_t parent = ::getpid();
    return make_child([&](int report) {
        ::setsid();
        reset_signals();
        reset_scheduling();
        reset_oom_score(origin);
        report = keep_descriptors(socket, report);
        die_with(parent, report);
        ::execvpe(argv.front(), argv.data(), envp.data());
        fail(report, "exec");
    });
}

model::Result<Child> spawn_backend(const model::Spawn& spawn,
                                   const std::string& token,
                                   const std::string& cgroup,
                                   const Origin& origin) {
    auto env = spawn.env;
    env.push_back(std::string{token_variable} + "=" + token);
    const auto argv = pointers(spawn.command);
    const auto envp = pointers(env);
    const pid_t parent = ::getpid();
    return make_child([&](int report) {
        ::setsid();
        // Until it has changed its user; then once more.
        die_with(parent, report);
        if (!cgroup.empty()) join(cgroup, report);
        reset_signals();
        reset_scheduling();
        reset_oom_score(origin);
        report = keep_descriptors(-1, report);
        ::umask(022);
        for (const auto& [name, value] : spawn.limits) {
            const auto resource = resource_of(name);
            errno = EINVAL;
            const rlimit limit{value, value};
            if (!resource || ::setrlimit(static_cast<__rlimit_resource_t>(*resource), &limit) != 0)
                fail(report, "setrlimit");
        }
        // What the daemon may do to addresses is none of the backend's business.
        ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
        become_user(spawn, report);
        if (::chdir(spawn.dir.c_str()) != 0) fail(report, "chdir");
        die_with(parent, report);
        ::execve(argv.front(), argv.data(), envp.data());
        fail(report, "exec");
    });
}

}  // namespace warden
