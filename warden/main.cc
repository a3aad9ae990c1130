// convex-cluster-warden: the daemon's main process. It holds the deadline of the lease and kills
// what did not let go. Rules: W0 to W6 of docs/protocol.md.
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "model/ids.h"
#include "warden/core.h"
#include "warden/group.h"
#include "warden/loop.h"
#include "warden/notify.h"
#include "warden/options.h"
#include "warden/spawn.h"
#include "warden/state_file.h"

namespace {

using model::EventLevel;

constexpr auto strike_only_wait = std::chrono::seconds{10};

// The line of this number, from 0; "" where there is none.
std::string read_line(const char* path, int number = 0) {
    const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return {};
    char text[PATH_MAX + 128] = {};
    const auto got = ::read(fd, text, sizeof text - 1);
    ::close(fd);
    std::string_view rest{text, got > 0 ? static_cast<std::size_t>(got) : 0};
    for (; number > 0; --number)
        rest.remove_prefix(std::min(rest.find('\n'), rest.size() - 1) + 1);
    return std::string{rest.substr(0, rest.find('\n'))};
}

// Closed standard descriptors would be taken by the first files that are opened.
void open_standard_descriptors() {
    for (int fd = 0; fd <= 2; ++fd)
        if (::fcntl(fd, F_GETFD) < 0) [[maybe_unused]]
            const int null = ::open("/dev/null", O_RDWR);
}

struct Lock {
    int fd = -1;
    std::string holder;  // the pid of who has it
    std::string failure;
};

// Its file says who holds it, and which state file is the holder's: `--strike-only` is asked for by
// people too, in whose environment nothing tells.
Lock take_lock(const std::string& path, const std::string& state_file) {
    Lock lock;
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0) {
        lock.failure = path + ": " + std::strerror(errno);
        return lock;
    }
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK)
            lock.holder = read_line(path.c_str());
        else
            lock.failure = path + ": " + std::strerror(errno);
        ::close(fd);
        if (lock.failure.empty() && lock.holder.empty()) lock.holder = "unknown";
        return lock;
    }
    const auto text = std::to_string(::getpid()) + "\n" + state_file + "\n";
    if (::ftruncate(fd, 0) != 0 ||
        ::pwrite(fd, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) {
        lock.failure = path + ": " + std::strerror(errno);
        ::close(fd);
        return lock;
    }
    lock.fd = fd;
    return lock;
}

// Nothing that the deadline needs waits for the disk, or behind other processes.
void take_priority(const warden::Lines& lines) {
#if !defined(__SANITIZE_ADDRESS__)  // its shadow would be locked too: terabytes
    if (::mlockall(MCL_CURRENT | MCL_FUTURE) != 0)
        lines.write(
            {EventLevel::warning, "warden.memory_unlocked", {{"reason", std::strerror(errno)}}});
#endif
    sched_param priority{};
    priority.sched_priority = 10;
    if (::sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &priority) != 0)
        lines.write(
            {EventLevel::warning, "warden.scheduled_normally", {{"reason", std::strerror(errno)}}});
    const int fd = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd >= 0) {
        [[maybe_unused]] const auto written = ::write(fd, "-1000", 5);
        ::close(fd);
    }
}

bool wait_until_gone(const std::string& state_file, const std::string& boot_id, bool kill) {
    const auto until = warden::boot_now() + strike_only_wait;
    while (true) {
        const auto state = warden::load_state(state_file);
        if (!state || !*state || (*state)->boot_id != boot_id || !(*state)->backend) return true;
        if (kill) warden::kill_group(*(*state)->backend);
        if (!warden::group_lives(*(*state)->backend)) return true;
        if (warden::boot_now() >= until) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds{5});
    }
}

int strike_only(const warden::Options& options, const std::string& boot_id) {
    auto state_file = read_line(options.lock_file.c_str(), 1);
    if (state_file.empty()) state_file = options.state_file;
    const auto lock = take_lock(options.lock_file, state_file);
    if (!lock.failure.empty()) {
        std::fprintf(stderr, "convex-cluster-warden: %s\n", lock.failure.c_str());
        return 1;
    }
    if (lock.fd < 0) {
        // The pid is written right after the lock is taken; whoever else has that number by now is
        // not to be signalled.
        const auto pid = std::strtol(lock.holder.c_str(), nullptr, 10);
        const auto name = read_line(("/proc/" + lock.holder + "/comm").c_str());
        if (pid <= 1 || name != "convex-cluster-" ||
            ::kill(static_cast<pid_t>(pid), SIGUSR1) != 0) {
            std::fprintf(stderr,
                         "convex-cluster-warden: cannot reach the warden that runs (pid %s)\n",
                         lock.holder.c_str());
            return 1;
        }
    }
    const bool gone = wait_until_gone(state_file, boot_id, lock.fd >= 0);
    if (!gone) std::fprintf(stderr, "convex-cluster-warden: the backend does not die\n");
    return gone ? 0 : 1;
}

std::string random_name() {
    std::uint64_t value = 0;
    if (::getrandom(&value, sizeof value, 0) != static_cast<ssize_t>(sizeof value))
        value = static_cast<std::uint64_t>(warden::boot_now().time_since_epoch().count());
    return model::to_hex16(value);
}

int run(const warden::Options& options, const std::string& boot_id) {
    const auto lock = take_lock(options.lock_file, options.state_file);
    if (!lock.failure.empty()) {
        std::fprintf(stderr, "convex-cluster-warden: lock file %s\n", lock.failure.c_str());
        return 1;
    }
    if (lock.fd < 0) {
        std::fprintf(stderr,
                     "convex-cluster-manager: the daemon runs already on this node (pid %s, lock "
                     "file %s); see convex-cluster-manager --help for its commands\n",
                     lock.holder.c_str(),
                     options.lock_file.c_str());
        return 1;
    }

    warden::Notify notify;
    warden::Lines lines{options.log_format};
    auto before = warden::load_state(options.state_file);
    if (!before)
        lines.write(
            {EventLevel::error, "warden.state_unreadable", {{"reason", before.error().message}}});

    const warden::Origin origin{.oom_score_adj = read_line("/proc/self/oom_score_adj")};
    std::string cgroup;
    if (options.cgroup) {
        std::string why;
        cgroup = warden::make_cgroup(warden::cgroup_name(options.lock_file), why);
        if (cgroup.empty())
            lines.write({EventLevel::warning, "warden.cgroup_unavailable", {{"reason", why}}});
        else
            warden::kill_group({.cgroup = cgroup});
    }
    take_priority(lines);

    warden::Core core{{.ttl = options.ttl,
                       .margin = options.margin,
                       .stop_timeout = options.stop_timeout,
                       .boot_id = boot_id,
                       .run = random_name(),
                       .cgroup = cgroup},
                      before ? *before : std::nullopt};
    warden::Loop loop{options, core, origin, cgroup, notify, lines};
    auto status = loop.run();
    if (!cgroup.empty()) ::rmdir(cgroup.c_str());
    if (!status) {
        std::fprintf(stderr, "convex-cluster-warden: %s\n", status.error().message.c_str());
        return 1;
    }
    return *status;
}

}  // namespace

int main(int argc, char** argv) {
    open_standard_descriptors();
    auto options = warden::parse_options({argv + 1, argv + argc});
    if (!options) {
        std::fprintf(stderr,
                     "convex-cluster-warden: %s\n%s",
                     options.error().message.c_str(),
                     warden::usage());
        return 2;
    }
    if (options->help) {
        std::fputs(warden::usage(), stdout);
        return 0;
    }
    const auto boot_id = read_line("/proc/sys/kernel/random/boot_id");
    if (boot_id.empty()) {
        std::fprintf(stderr,
                     "convex-cluster-warden: /proc/sys/kernel/random/boot_id is unreadable\n");
        return 1;
    }
    return options->strike_only ? strike_only(*options, boot_id) : run(*options, boot_id);
}
