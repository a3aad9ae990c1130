#include "adapters/linux/backend_hold.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "model/proc_text.h"

namespace adapters::linux_host {
namespace {

// Of the kernel, since Linux 6.9; not in older headers. To the group whose leader it is.
constexpr unsigned signal_process_group = 4;

// As the warden names every cgroup that it makes.
constexpr std::string_view cgroup_prefix = "convex-backend-";

// In one pass. A backend with more gets several.
constexpr std::size_t most_descendants = 4096;

int open_process(pid_t pid) { return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)); }

bool send_signal(int pidfd, int signal, unsigned flags = 0) {
    return ::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, flags) == 0;
}

std::optional<std::string> read_file(const std::string& path) {
    const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY)};
    if (!file.open()) return std::nullopt;
    std::string text;
    std::array<char, 4096> buffer{};
    ssize_t got = 0;
    while ((got = ::read(file.get(), buffer.data(), buffer.size())) > 0)
        text.append(buffer.data(), static_cast<std::size_t>(got));
    if (got < 0) return std::nullopt;
    return text;
}

std::optional<model::ProcessStat> read_stat(pid_t pid) {
    const auto text = read_file("/proc/" + std::to_string(pid) + "/stat");
    return text ? model::parse_process_stat(*text) : std::nullopt;
}

// Children of each of its threads; empty: the kernel does not tell.
std::optional<std::vector<pid_t>> children_of(pid_t parent) {
    std::vector<pid_t> all;
    const auto tasks = "/proc/" + std::to_string(parent) + "/task";
    DIR* const directory = ::opendir(tasks.c_str());
    if (directory == nullptr) return std::nullopt;
    bool listed = false;
    while (const dirent* const entry = ::readdir(directory)) {
        if (entry->d_name[0] == '.') continue;
        const auto text = read_file(tasks + "/" + entry->d_name + "/children");
        if (!text) continue;
        listed = true;
        const auto some = model::parse_pids(*text);
        all.insert(all.end(), some.begin(), some.end());
    }
    ::closedir(directory);
    if (!listed) return std::nullopt;
    return all;
}

// The path of its program; empty: of another user, or gone. Its file is not asked for: that waits
// for the file system, which may be a server's that does not answer.
std::optional<std::string> program_of(pid_t pid) {
    std::string path(PATH_MAX, '\0');
    const auto size =
        ::readlink(("/proc/" + std::to_string(pid) + "/exe").c_str(), path.data(), path.size());
    if (size <= 0) return std::nullopt;
    path.resize(static_cast<std::size_t>(size));
    return path;
}

// The cgroup, where it is one that a warden made.
Descriptor open_cgroup(const std::string& path) {
    const auto slash = path.rfind('/');
    if (path.empty() || path.front() != '/' || !path.substr(slash + 1).starts_with(cgroup_prefix))
        return {};
    Descriptor directory{::open(path.c_str(), O_DIRECTORY | O_NOFOLLOW | O_RDONLY | O_CLOEXEC)};
    struct statfs system {};
    if (!directory.open() || ::fstatfs(directory.get(), &system) != 0 ||
        system.f_type != CGROUP2_SUPER_MAGIC)
        return {};
    return directory;
}

void kill_listed(const std::string& cgroup, int& signalled) {
    const auto list = [&cgroup] {
        const auto text = read_file(cgroup + "/cgroup.procs");
        return text ? model::parse_pids(*text) : std::vector<pid_t>{};
    };
    for (const auto pid : list()) {
        const Descriptor process{open_process(pid)};
        if (!process.open()) continue;
        // Taken hold of: if the number is still in there, it is this one's.
        for (const auto again : list())
            if (again == pid && send_signal(process.get(), SIGKILL)) ++signalled;
    }
}

}  // namespace

BackendHold::BackendHold(pid_t warden) : warden_{warden} {
    const auto own = read_stat(::getpid());
    own_start_ticks_ = own ? own->start_ticks : ~std::uint64_t{0};
}

void BackendHold::take(BackendIdentity identity) {
    if (identity == identity_) return;
    identity_ = std::move(identity);
    first_ = Descriptor{};
    cgroup_kill_ = Descriptor{};
    cgroup_events_ = Descriptor{};
    if (identity_.pid > 1) {
        Descriptor process{open_process(identity_.pid)};
        // Read after the process was taken hold of: it is this one's number until it is let go.
        const auto stat = read_stat(identity_.pid);
        if (process.open() && stat && stat->start_ticks == identity_.start_ticks)
            first_ = std::move(process);
    }
    const auto cgroup = open_cgroup(identity_.cgroup);
    if (!cgroup.open()) return;
    cgroup_kill_ = Descriptor{::openat(cgroup.get(), "cgroup.kill", O_WRONLY | O_CLOEXEC)};
    cgroup_events_ = Descriptor{::openat(cgroup.get(), "cgroup.events", O_RDONLY | O_CLOEXEC)};
}

// Also as a zombie: it keeps its number until its parent has read how it ended.
bool BackendHold::first_process_is_there() const {
    return first_.open() && send_signal(first_.get(), 0);
}

BackendHold::Kill BackendHold::kill() {
    Kill kill;
    kill_first(kill);
    kill_descendants(kill);
    kill_cgroup(kill);
    return kill;
}

void BackendHold::kill_first(Kill& kill) const {
    if (!first_process_is_there()) return;
    pollfd ended{.fd = first_.get(), .events = POLLIN, .revents = 0};
    const bool lives = ::poll(&ended, 1, 0) == 0;
    if (lives && send_signal(first_.get(), SIGKILL)) ++kill.signalled;
    // Its group has its number, which is nobody else's while it is there.
    if (!send_signal(first_.get(), SIGKILL, signal_process_group) && errno == EINVAL)
        ::kill(-identity_.pid, SIGKILL);
    if (lives) {
        kill.dead = false;
        kill.left = "process " + std::to_string(identity_.pid);
    }
}

void BackendHold::kill_cgroup(Kill& kill) const {
    if (!cgroup_events_.open()) return;
    std::array<char, 256> text{};
    const auto populated = [&]() -> bool {
        const auto got = ::pread(cgroup_events_.get(), text.data(), text.size() - 1, 0);
        // Removed: possible only when nothing lives in it.
        if (got < 0) return errno != ENODEV;
        return std::string_view{text.data(), static_cast<std::size_t>(got)}.find("populated 0") ==
               std::string_view::npos;
    };
    if (!populated()) return;
    ++kill.signalled;
    if (!cgroup_kill_.open() || ::write(cgroup_kill_.get(), "1", 1) != 1)
        kill_listed(identity_.cgroup, kill.signalled);
    kill.dead = false;
    kill.left = identity_.cgroup;
}

// What lost its parent is a child of the warden, which is a child subreaper. Of those, not the
// backend's are this process, the warden's own helpers, which are forks of it, and what is older
// than the backend; or than this process, where no backend is known: it would have been reported.
void BackendHold::kill_descendants(Kill& kill) const {
    std::vector<std::pair<pid_t, pid_t>> found;  // parent, child
    if (first_process_is_there())
        for (const auto child : children_of(identity_.pid).value_or(std::vector<pid_t>{}))
            found.emplace_back(identity_.pid, child);
    if (warden_ > 1) {
        const auto first = identity_.pid > 0 ? identity_.start_ticks : own_start_ticks_;
        const auto program = program_of(warden_);
        const auto children = children_of(warden_);
        if (!children) {
            kill.dead = false;
            kill.left = "the warden's children cannot be listed";
        }
        for (const auto pid : children.value_or(std::vector<pid_t>{})) {
            const auto stat = read_stat(pid);
            if (pid == ::getpid() || !stat || stat->start_ticks < first) continue;
            const auto its = program_of(pid);
            if (pid != identity_.pid && its && its == program) continue;
            found.emplace_back(warden_, pid);
        }
    }
    std::set<pid_t> seen;
    for (std::size_t i = 0; i < found.size() && i < most_descendants; ++i) {
        const auto [parent, pid] = found[i];
        if (!seen.insert(pid).second) continue;
        const Descriptor process{open_process(pid)};
        // Read after it was taken hold of. Or its parent died meanwhile, and it is the warden's.
        const auto stat = read_stat(pid);
        if (!stat || (stat->parent != parent && stat->parent != warden_)) continue;
        for (const auto child : children_of(pid).value_or(std::vector<pid_t>{}))
            found.emplace_back(pid, child);
        if (stat->ended()) continue;
        kill.dead = false;
        kill.left = "process " + std::to_string(pid);
        const bool signalled = pid == identity_.pid && first_.open();
        if (!signalled && process.open() && send_signal(process.get(), SIGKILL)) ++kill.signalled;
    }
}

}  // namespace adapters::linux_host
