#include "warden/spawn.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
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
        // execve's signature lacks const; it does not write
        to.push_back(const_cast<char*>(text.c_str()));
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

// Everything below runs in the child, between fork and exec. The warden has one thread, so that the
// child's memory is in a consistent state.

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
    // The two signals that glibc reserves and does not let be changed; its posix_spawn, which make
    // uses, passes them on ignored. Zeros are SIG_DFL in the kernel's format.
    constexpr std::array<unsigned long, 4> kernel_default{};
    for (const int number : {32, 33})
        ::syscall(SYS_rt_sigaction, number, kernel_default.data(), nullptr, sizeof(unsigned long));
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

// Called first; and again after a change of user, which clears it.
void die_with(pid_t parent, int report) {
    if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) fail(report, "PR_SET_PDEATHSIG");
    // The warden may have died before the prctl.
    if (::getppid() != parent) ::_exit(127);
}

// Not CLONE_INTO_CGROUP: Linux 6.18 compares the parent's kill counter with that of the new cgroup,
// and kills a child that enters a cgroup which was killed before.
void join(const std::string& cgroup, int report) {
    const int fd = ::open((cgroup + "/cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC);
    if (fd < 0 || ::write(fd, "0", 1) != 1) fail(report, "join cgroup");
    ::close(fd);
}

// Keeps 0, 1, 2, `report` (moved to 4) and, for the node process, its socket (3).
int keep_descriptors(int socket, int output, int report) {
    const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (null < 0 || ::dup2(null, STDIN_FILENO) < 0) fail(report, "/dev/null");
    if (::dup2(output, STDERR_FILENO) < 0) fail(report, "dup");
    // The node process keeps its stdout: it is the output of the command that the user typed.
    if (socket < 0 && ::dup2(output, STDOUT_FILENO) < 0) fail(report, "dup");
    // Both are first moved away, since either may be 3 or 4 already.
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

// A bare name is looked up here, at each start and in the child, where a slow disk delays nothing:
// a program that was installed later is found.
[[noreturn]] void become_program(const model::Spawn& spawn,
                                 const std::vector<char*>& argv,
                                 const std::vector<char*>& envp,
                                 int report) {
    const auto& name = spawn.command.front();
    if (name.front() == '/') {
        ::execve(name.c_str(), argv.data(), envp.data());
        fail(report, "exec");
    }
    int reason = ENOENT;
    for (const auto& directory : spawn.path) {
        ::execve((directory + "/" + name).c_str(), argv.data(), envp.data());
        // A file that may not be executed is skipped, and reported only if there is no other.
        if (errno == EACCES) reason = EACCES;
        if (errno != ENOENT && errno != ENOTDIR && errno != EACCES) fail(report, "exec");
    }
    errno = reason;
    fail(report, "not found in PATH");
}

// Raises the limit of open files to what the machine allows.
void raise_descriptors() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

// Runs `child`, which must not return, in a new process.
model::Result<Child> create_child(const std::function<void(int report)>& child) {
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
                                int output,
                                const Origin& origin) {
    auto arguments = command;
    arguments.emplace_back("--fd");
    arguments.push_back(std::to_string(node_fd));
    const auto argv = pointers(arguments);
    const auto envp = pointers(env);
    const pid_t parent = ::getpid();
    return create_child([&](int report) {
        die_with(parent, report);
        // Before anything that may block: this child must not keep the locks of a warden that died.
        report = keep_descriptors(socket, output, report);
        ::setsid();
        reset_signals();
        reset_scheduling();
        reset_oom_score(origin);
        raise_descriptors();
        ::execvpe(argv.front(), argv.data(), envp.data());
        fail(report, "exec");
    });
}

model::Result<Child> spawn_backend(const model::Spawn& spawn,
                                   const std::string& token,
                                   const std::string& cgroup,
                                   int output,
                                   const Origin& origin) {
    auto env = spawn.env;
    env.push_back(std::string{token_variable} + "=" + token);
    const auto argv = pointers(spawn.command);
    const auto envp = pointers(env);
    const pid_t parent = ::getpid();
    return create_child([&](int report) {
        // Until the user is changed; then again.
        die_with(parent, report);
        report = keep_descriptors(-1, output, report);
        ::setsid();
        if (!cgroup.empty()) join(cgroup, report);
        reset_signals();
        reset_scheduling();
        reset_oom_score(origin);
        ::umask(022);
        for (const auto& [name, value] : spawn.limits) {
            const auto resource = resource_of(name);
            errno = EINVAL;
            const rlimit limit{value, value};
            if (!resource || ::setrlimit(static_cast<__rlimit_resource_t>(*resource), &limit) != 0)
                fail(report, "setrlimit");
        }
        // The daemon's capabilities for addresses are not passed to the backend.
        ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
        become_user(spawn, report);
        if (::chdir(spawn.dir.c_str()) != 0) fail(report, "chdir");
        die_with(parent, report);
        become_program(spawn, argv, envp, report);
    });
}

}  // namespace warden
