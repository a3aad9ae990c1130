#include "warden/tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>

#include "model/proc_text.h"
#include "warden/proc.h"

namespace warden {
namespace {

// Limit of one pass. A backend with more descendants gets several passes.
constexpr std::size_t most_descendants = 4096;

// Limit of the readings for one answer.
constexpr int most_passes = 64;

// Adds the children of each of its threads.
void add_children(pid_t parent, std::vector<std::pair<pid_t, pid_t>>& to) {
    const auto tasks = "/proc/" + std::to_string(parent) + "/task";
    DIR* const directory = ::opendir(tasks.c_str());
    if (directory == nullptr) return;
    while (const dirent* const entry = ::readdir(directory)) {
        if (entry->d_name[0] == '.') continue;
        const auto text = read_all(tasks + "/" + entry->d_name + "/children");
        if (!text) continue;
        for (const auto pid : model::parse_pids(*text))
            to.emplace_back(parent, pid);
    }
    ::closedir(directory);
}

}  // namespace

Tree::~Tree() {
    if (children_ >= 0) ::close(children_);
}

model::Result<void> Tree::open() {
    if (::prctl(PR_SET_CHILD_SUBREAPER, 1) != 0)
        return model::error(model::Errc::invalid,
                            std::string{"PR_SET_CHILD_SUBREAPER: "} + std::strerror(errno));
    // Kept open for the case that no descriptor is available. On a kernel without this file, the
    // parent of each process is read instead.
    children_ = ::open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
    return {};
}

// Complete without a lock: only this process can remove a child from the list, by reaping it, and
// new ones are appended. In the listing of /proc a child keeps its place, too.
model::Result<std::vector<pid_t>> Tree::list() const {
    if (children_ >= 0) {
        const auto text = read_again(children_);
        if (!text) return text.error();
        return model::parse_pids(*text);
    }
    std::vector<pid_t> all;
    std::string why;
    auto listed = for_each_process([&](pid_t pid) {
        const auto stat = process_stat(pid);
        if (!stat && stat.error().code != model::Errc::not_found) why = stat.error().message;
        if (stat && stat->parent == ::getpid()) all.push_back(pid);
    });
    if (!listed) return std::move(listed).error();
    if (!why.empty()) return model::error(model::Errc::unavailable, why);
    // Where process 1 is not visible, others are hidden, too.
    if (const auto first = process_stat(1); !first) return first.error();
    return all;
}

Others Tree::children() const {
    const auto all = list();
    if (!all) return {};
    return {all->begin(), all->end()};
}

void Tree::kill_children(const Others& others) const {
    const auto all = list();
    if (!all) return;
    for (const auto pid : *all)  // not reaped, so the pids cannot be reused
        if (others.count(pid) == 0) ::kill(pid, SIGKILL);
}

void Tree::kill_descendants(const Others& others) const {
    const auto all = list();
    if (!all) return;
    std::vector<std::pair<pid_t, pid_t>> found;  // parent, child
    for (const auto pid : *all)
        if (others.count(pid) == 0) add_children(pid, found);
    for (std::size_t i = 0; i < found.size() && i < most_descendants; ++i) {
        const auto [parent, pid] = found[i];
        add_children(pid, found);
        (void)kill_if(pid, [parent = parent, pid = pid] {
            const auto stat = process_stat(pid);
            // Or its parent died meanwhile, and it is now the warden's child.
            return stat && (stat->parent == parent || stat->parent == ::getpid());
        });
    }
}

Life Tree::life(const Others& others) const {
    // A child that has ended cannot be reaped while its tracer has not waited for it. What it
    // leaves becomes a child of the warden before it shows as ended, so the list is read again.
    Others ended;
    for (int pass = 0; pass < most_passes; ++pass) {
        const auto all = list();
        if (!all) return unknown(all.error().message);
        bool more = false;
        for (const auto pid : *all) {
            if (others.count(pid) != 0 || ended.count(pid) != 0) continue;
            const auto stat = process_stat(pid);
            if (!stat || !stat->ended()) return alive();
            ended.insert(pid);
            more = true;
        }
        if (!more) return dead();
    }
    return alive();  // new ones appear as fast as they end
}

}  // namespace warden
