#include "warden/strike.h"

#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <utility>
#include <vector>

#include "warden/errand.h"
#include "warden/group.h"
#include "warden/lock.h"
#include "warden/loop.h"
#include "warden/proc.h"
#include "warden/state_file.h"
#include "warden/targets.h"

namespace warden {
namespace {

constexpr auto patience = std::chrono::seconds{10};
// A warden that has not acted by then is stopped or hangs.
constexpr auto warden_patience = std::chrono::seconds{2};
constexpr auto pause = std::chrono::milliseconds{5};

int failed(const std::string& text) {
    std::fprintf(stderr, "convex-cluster-warden: %s\n", text.c_str());
    return 1;
}

// Root changes to the user whose daemon it is: it then trusts that user's files, and can kill no
// more than that user could. It only keeps the capability to remove addresses.
bool become(const LockFile& lock) {
    if (::geteuid() != 0 || lock.owner == 0) return true;
    if (::prctl(PR_SET_KEEPCAPS, 1) != 0 || ::setgroups(0, nullptr) != 0 ||
        ::setresgid(lock.group, lock.group, lock.group) != 0 ||
        ::setresuid(lock.owner, lock.owner, lock.owner) != 0)
        return false;
    __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    std::array<__user_cap_data_struct, 2> rights{};
    constexpr unsigned network = 1U << CAP_NET_ADMIN;
    rights[0].effective = network;
    rights[0].permitted = network;
    // Root in a container may not have it.
    if (::syscall(SYS_capset, &header, rights.data()) == 0) return true;
    rights = {};
    return ::syscall(SYS_capset, &header, rights.data()) == 0;
}

// The pid is written right after the lock is taken; another process that has that pid now must not
// get the signal.
bool signal_warden(const std::string& holder) {
    const auto pid = static_cast<pid_t>(std::strtol(holder.c_str(), nullptr, 10));
    const auto name = read_all("/proc/" + holder + "/comm");
    return pid > 1 && name && *name == "convex-cluster-\n" && ::kill(pid, SIGUSR1) == 0;
}

std::vector<Saved::Backend> backends_of(const Saved& saved) {
    auto all = saved.leftovers;
    if (saved.backend) all.push_back(*saved.backend);
    return all;
}

// Whether a cgroup held all that was started.
bool contained(const Saved& saved) {
    const auto all = backends_of(saved);
    return std::all_of(
        all.begin(), all.end(), [](const auto& backend) { return !backend.cgroup.empty(); });
}

// What a warden left that is dead or does not act, by its state file.
class Remains {
public:
    /// Kills everything once. True: all is proven dead or gone.
    bool end(const Saved& saved) {
        why_.clear();
        bool dead = true;
        const auto backends = backends_of(saved);
        for (const auto& each : backends) {
            kill_leftover(each);
            dead = leftover_life(each).dead() && dead;
        }
        if (!backends.empty()) dead = search(backends) && dead;
        if (auto stuck = end_cgroups(saved.targets); !stuck.empty()) {
            why_ = std::move(stuck);
            dead = false;
        }
        if (has_addresses(saved.targets)) dead = unbind(saved.targets) && dead;
        return dead;
    }
    [[nodiscard]] const std::string& why() const { return why_; }

private:
    static void reap(Errand& errand) {
        if (errand.under_way() && ::waitpid(errand.pid(), nullptr, WNOHANG) == errand.pid())
            errand.reaped(errand.pid());
    }
    bool search(const std::vector<Saved::Backend>& backends) {
        if (const auto result = search_.result()) {
            const auto found = parse_token_search(result->text);
            none_left_ = result->whole && found && found->killed == 0 && found->hidden == 0;
            if (found && found->hidden > 0) hidden_ = found->why;
        }
        reap(search_);
        if (!none_left_ && !search_.under_way())
            (void)search_.start(
                {}, boot_now(), [&backends] { return to_text(kill_by_token(backends)); });
        if (!none_left_) why_ = hidden_;
        return none_left_;
    }
    bool unbind(const std::vector<model::WardenTarget>& targets) {
        if (const auto result = unbind_.result()) {
            unbound_ = result->whole && result->text.empty();
            bound_ = result->text;
        }
        reap(unbind_);
        if (!unbound_ && !unbind_.under_way())
            (void)unbind_.start({}, boot_now(), [&targets] { return remove_addresses(targets); });
        if (!unbound_) why_ = bound_;
        return unbound_;
    }

    Errand search_{"convex-search"};
    bool none_left_ = false;  // no process has a token, and every process could be read
    std::string hidden_;
    Errand unbind_{"convex-unbind"};
    bool unbound_ = false;
    std::string bound_;
    std::string why_;
};

}  // namespace

int strike_only(const Options& options, const std::string& boot_id) {
    ::signal(SIGPIPE, SIG_IGN);  // the reader of its output may be gone
    if (!become(read_lock(options.lock_file))) return failed("cannot become the daemon's user");
    const auto lock = Lock::take(options.lock_file, Lock::Create::no);
    const bool held = !lock && lock.error().code == model::Errc::conflict;
    if (!lock && !held && lock.error().code != model::Errc::not_found)
        return failed(lock.error().message);
    if (held && !signal_warden(lock.error().message))
        return failed("cannot reach the warden that runs (pid " + lock.error().message + ")");

    Remains remains;
    std::string why;
    const auto began = boot_now();
    const auto until = began + patience;
    for (; boot_now() < until; std::this_thread::sleep_for(pause)) {
        // Use the file that the last warden used, whatever this command's environment says.
        const auto named = read_lock(options.lock_file).state_file;
        const auto state = load_state(named.empty() ? options.state_file : named);
        if (!state) {
            why = state.error().message;
            continue;
        }
        if (!*state || (*state)->boot_id != boot_id) return 0;
        const auto& saved = **state;
        // A running warden records when all is dead; a dead one may have left a target alive.
        if (backends_of(saved).empty() && (held ? !saved.targets_alive : saved.targets.empty()))
            return 0;
        const bool silent = held && boot_now() >= began + warden_patience;
        if (!held || silent) {
            const bool dead = remains.end(saved);
            if (dead && (!held || contained(saved))) return 0;
            why = remains.why();
            if (!silent) continue;
            const auto who = "the warden (pid " + lock.error().message +
                             ") does not act: it is stopped, or it hangs";
            if (dead)
                return failed(who +
                              "; what it started was killed, but a process that got away "
                              "from that may live");
            why = who + (why.empty() ? "" : "; " + why);
        }
    }
    return failed("not all of it is dead" + (why.empty() ? "" : ": " + why));
}

}  // namespace warden
