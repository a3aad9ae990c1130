// convex-cluster-warden: the main process of the daemon. It holds the deadline of the lease and
// kills what is still alive at the strike time. Rules: W0 to W6 of docs/protocol.md.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/ids.h"
#include "warden/cgroup.h"
#include "warden/core.h"
#include "warden/helper.h"
#include "warden/lines.h"
#include "warden/lock.h"
#include "warden/loop.h"
#include "warden/notify.h"
#include "warden/options.h"
#include "warden/priority.h"
#include "warden/proc.h"
#include "warden/signals.h"
#include "warden/state_file.h"
#include "warden/strike.h"

namespace {

using model::Errc;
using model::EventLevel;

// The first line of a file; "" where there is none.
std::string read_line(const char* path) {
    const auto text = warden::read_all(path);
    return text ? text->substr(0, text->find('\n')) : std::string{};
}

// Opens /dev/null for closed standard descriptors, which the next opened files would otherwise
// take.
void open_standard_descriptors() {
    for (int fd = 0; fd <= 2; ++fd)
        if (::fcntl(fd, F_GETFD) < 0) [[maybe_unused]]
            const int null = ::open("/dev/null", O_RDWR);
}

// Locks memory and sets real-time priority: what enforces the deadline must wait neither for the
// disk nor behind other processes.
void take_priority(warden::Lines& lines) {
#if !defined(__SANITIZE_ADDRESS__)  // it would lock its shadow memory, too: terabytes
    if (::mlockall(MCL_CURRENT | MCL_FUTURE) != 0)
        lines.write(
            {EventLevel::warning, "warden.memory_unlocked", {{"reason", std::strerror(errno)}}});
#endif
    if (!warden::take_real_time_priority())
        lines.write(
            {EventLevel::warning, "warden.scheduled_normally", {{"reason", std::strerror(errno)}}});
    const int fd = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd >= 0) {
        [[maybe_unused]] const auto written = ::write(fd, "-1000", 5);
        ::close(fd);
    }
}

std::string random_name() {
    std::uint64_t value = 0;
    if (::getrandom(&value, sizeof value, 0) != static_cast<ssize_t>(sizeof value))
        value = static_cast<std::uint64_t>(warden::boot_now().time_since_epoch().count());
    return model::to_hex16(value);
}

void complain(const std::string& text) {
    std::fprintf(stderr, "convex-cluster-manager: %s\n", text.c_str());
}

struct Locks {
    warden::Lock node;  // in stateDir
    warden::Lock data;  // beside the database
};

// Two daemons on one state directory, or on one database, would be two primaries.
std::optional<Locks> take_locks(const warden::Options& options) {
    auto node = warden::Lock::take(options.lock_file, warden::Lock::Create::yes);
    if (!node && node.error().code == Errc::conflict) {
        complain("the daemon runs already on this node (pid " + node.error().message +
                 ", lock file " + options.lock_file +
                 "); see convex-cluster-manager --help for its commands");
        return {};
    }
    if (!node) {
        complain("lock file " + node.error().message);
        return {};
    }
    Locks locks{.node = std::move(*node)};
    if (options.data_lock.empty()) return locks;
    auto data = warden::Lock::take(options.data_lock, warden::Lock::Create::yes);
    if (!data && data.error().code == Errc::conflict) {
        complain("another daemon (pid " + data.error().message +
                 ") has the database of this configuration: its lock is " + options.data_lock +
                 "; each daemon needs a database of its own");
        return {};
    }
    if (!data) {
        complain("lock file " + data.error().message);
        return {};
    }
    locks.data = std::move(*data);
    return locks;
}

// The list that the daemon wrote before it became this process.
model::Result<model::WardenList> read_list(int fd) {
    if (fd < 0) return model::WardenList{};
    model::Bytes bytes(model::warden_list_limit + 1);
    std::size_t size = 0;
    ssize_t got = 0;
    while (size < bytes.size() &&
           (got = ::pread(fd, bytes.data() + size, bytes.size() - size, static_cast<off_t>(size))) >
               0)
        size += static_cast<std::size_t>(got);
    ::close(fd);
    if (got < 0)
        return model::error(Errc::invalid, std::string{"--list-fd: "} + std::strerror(errno));
    return model::decode_warden_list(model::ByteView{bytes}.first(size));
}

bool lives(const warden::Saved::Process& process) {
    return process.pid != ::getpid() &&
           !warden::process_life(process.pid, process.start_ticks).dead();
}

// What earlier wardens left, by the state file that the lock names and by this warden's own: they
// differ where the daemon was started in another way. The file named by the lock is newer.
struct Before {
    std::vector<warden::Saved> states;  // the one whose deadline applies comes first
    std::string other_file;             // named by the lock, and trusted; "": only our own
    std::string refusal;                // why this daemon must not run
};

Before read_before(const warden::Options& options, const std::string& named, warden::Lines& lines) {
    Before before;
    const auto load = [&lines](const std::string& path) {
        auto state = warden::load_state(path);
        if (state) return std::move(*state);
        lines.write(
            {EventLevel::error, "warden.state_unreadable", {{"reason", state.error().message}}});
        return std::optional<warden::Saved>{};
    };
    if (!named.empty() && named != options.state_file) {
        auto state = load(named);
        // The stateDir is a copy of a running daemon's, whose processes are not ours to kill.
        if (state && !lives(state->warden)) {
            before.states.push_back(std::move(*state));
            before.other_file = named;
        }
    }
    if (auto state = load(options.state_file)) {
        if (lives(state->warden))
            before.refusal = "another daemon (pid " + std::to_string(state->warden.pid) +
                             ") uses the state file " + options.state_file;
        before.states.push_back(std::move(*state));
    }
    return before;
}

// Creates the cgroup for backends; "": none available. Processes in it are killed: its name belongs
// to the lock, which this process holds.
std::string create_cgroup(const warden::Options& options, warden::Lines& lines) {
    if (!options.cgroup) return {};
    auto created = warden::create_cgroup(warden::cgroup_name(options.lock_file));
    if (!created) {
        lines.write({EventLevel::warning,
                     "warden.cgroup_unavailable",
                     {{"reason", created.error().message}}});
        return {};
    }
    warden::kill_cgroup(*created);
    return std::move(*created);
}

int run(const warden::Options& options, const std::string& boot_id) {
    auto signals = warden::take_signals();
    if (!signals) {
        complain(signals.error().message);
        return 1;
    }
    auto list = read_list(options.list_fd);
    if (!list) {
        complain(list.error().message);
        return 1;
    }
    // Without a state file a later warden would not know the deadline.
    if (auto usable = warden::check_directory_of(options.state_file); !usable) {
        complain("state file: " + usable.error().message);
        return 1;
    }
    const auto locks = take_locks(options);
    if (!locks) return 1;
    const auto last = warden::read_lock(options.lock_file);
    const auto named = last.owner == ::geteuid() ? last.state_file : std::string{};

    warden::Notify notify;
    const warden::Origin origin{.oom_score_adj = read_line("/proc/self/oom_score_adj")};
    warden::Lines lines{options.log_format, origin};
    if (auto opened = lines.open(warden::boot_now()); !opened) {
        complain(opened.error().message);
        return 1;
    }
    auto before = read_before(options, named, lines);
    if (!before.refusal.empty()) {
        complain(before.refusal);
        return 1;
    }
    // A `fence` command meanwhile finds this process, and the state of the last one.
    const auto report_start = [&](const std::string& state_file) {
        if (auto said = locks->node.write(::getpid(), state_file); !said)
            lines.write({EventLevel::error,
                         "warden.save_failed",
                         {{"reason", options.lock_file + ": " + said.error().message}}});
        if (locks->data.held()) (void)locks->data.write(::getpid(), state_file);  // for people
    };
    report_start(before.other_file.empty() ? options.state_file : before.other_file);
    const auto cgroup = create_cgroup(options, lines);
    for (const auto& state : before.states)  // no effect where a process is in it
        if (!state.cgroup.empty() && state.cgroup != cgroup) warden::remove_cgroup(state.cgroup);
    take_priority(lines);

    warden::Core core{
        {.ttl = options.ttl,
         .margin = options.margin,
         .stop_timeout = options.stop_timeout,
         .boot_id = boot_id,
         .run = random_name(),
         .cgroup = cgroup,
         .uid = ::geteuid(),
         .warden = {.pid = ::getpid(), .start_ticks = warden::start_ticks(::getpid()).value_or(0)},
         .list = std::move(*list)},
        before.states.empty() ? std::nullopt : std::optional{before.states.front()}};
    if (before.states.size() > 1) core.inherit(before.states.back());
    if (!cgroup.empty() && !warden::cgroup_life(cgroup).dead())
        core.inherit({.boot_id = boot_id, .leftovers = {{.cgroup = cgroup}}});
    warden::Loop loop{options, core, origin, cgroup, *signals, notify, lines};
    auto begun = loop.begin();
    if (!begun) {
        lines.write(
            {EventLevel::error, "warden.start_failed", {{"reason", begun.error().message}}});
        return 1;
    }
    // From here on everything is in this warden's own file.
    if (!before.other_file.empty() && loop.saved()) {
        report_start(options.state_file);
        warden::remove_state(before.other_file);
    }
    const int status = loop.run();
    if (!cgroup.empty()) warden::remove_cgroup(cgroup);
    return status;
}

}  // namespace

int main(int argc, char** argv) {
    open_standard_descriptors();
    warden::remember_arguments(argc, argv);
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
    return options->strike_only ? warden::strike_only(*options, boot_id) : run(*options, boot_id);
}
