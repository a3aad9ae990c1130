#include "warden/cgroup.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <optional>
#include <utility>

#include "model/fnv.h"
#include "model/ids.h"
#include "warden/priority.h"
#include "warden/proc.h"

namespace warden {
namespace {

using model::Errc;

// Limit of the search depth.
constexpr int deepest = 32;

// The first cgroup2 mount: /sys/fs/cgroup, or .../unified on a machine with both hierarchies.
std::optional<std::string> cgroup_mount() {
    const auto mounts = read_all("/proc/self/mounts");
    if (!mounts) return {};
    std::string_view rest{*mounts};
    while (!rest.empty()) {
        const auto line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(rest.size(), line.size() + 1));
        const auto at = line.find(' ');
        if (at == std::string_view::npos) continue;
        const auto path = line.substr(at + 1, line.find(' ', at + 1) - at - 1);
        const auto type = line.substr(at + path.size() + 2);
        if (type.substr(0, type.find(' ')) == "cgroup2") return std::string{path};
    }
    return {};
}

std::optional<std::string> own_cgroup() {
    const auto text = read_all("/proc/self/cgroup");
    if (!text) return {};
    const auto at = text->rfind("0::", 0) == 0 ? 0 : text->find("\n0::");
    if (at == std::string::npos) return {};
    const auto from = text->find("0::", at) + 3;
    auto path = text->substr(from, text->find('\n', from) - from);
    return path == "/" ? std::string{} : path;
}

// Calls `visit` for each directory below `path`, the deepest first.
void for_each_below(const std::string& path,
                    int depth,
                    const std::function<void(const std::string&)>& visit) {
    if (depth > deepest) return;
    DIR* const directory = ::opendir(path.c_str());
    if (directory == nullptr) return;
    while (const dirent* const entry = ::readdir(directory)) {
        const std::string_view name{entry->d_name};
        if (entry->d_type != DT_DIR || name == "." || name == "..") continue;
        const auto below = path + "/" + entry->d_name;
        for_each_below(below, depth + 1, visit);
        visit(below);
    }
    ::closedir(directory);
}

void kill_listed(const std::string& path) {
    const auto members = read_all(path + "/cgroup.procs");
    const char* at = members ? members->c_str() : "";
    char* end = nullptr;
    for (long pid = 0; (pid = std::strtol(at, &end, 10)) > 0; at = end)
        ::kill(static_cast<pid_t>(pid), SIGKILL);
}

// Whether a cgroup at this path was removed, which is possible only when it is empty; false for a
// path that never existed.
bool was_removed(const std::string& path) {
    struct stat what {};
    if (::stat(path.c_str(), &what) == 0 || errno != ENOENT) return false;
    auto parent = path;
    for (auto slash = parent.rfind('/'); slash != std::string::npos && slash > 0;
         slash = parent.rfind('/')) {
        parent.resize(slash);
        struct statfs system {};
        if (::statfs(parent.c_str(), &system) == 0) return system.f_type == CGROUP2_SUPER_MAGIC;
        if (errno != ENOENT) return false;
    }
    return false;
}

Life judge(const model::Result<std::string>& text, const std::string& path) {
    if (!text) {
        if (text.error().code == Errc::not_found && was_removed(path)) return dead();
        return unknown(text.error().message);
    }
    if (text->find("populated 1\n") != std::string::npos) return alive();
    if (text->find("populated 0\n") != std::string::npos) return dead();
    return unknown(path + "/cgroup.events: does not say");
}

}  // namespace

std::string cgroup_name(std::string_view lock_file) {
    return "convex-backend-" + model::to_hex16(model::fnv1a(lock_file));
}

model::Result<std::string> create_cgroup(const std::string& name) {
    const auto failed = [](const std::string& what) {
        return model::error(Errc::unavailable, what + ": " + std::strerror(errno));
    };
    const auto mount = cgroup_mount();
    const auto own = own_cgroup();
    if (!mount || !own) return model::error(Errc::unavailable, "no cgroup2 is mounted");
    auto path = *mount + *own + "/" + name;
    if (::mkdir(path.c_str(), 0755) != 0 && errno != EEXIST) return failed(path);
    if (::access((path + "/cgroup.procs").c_str(), W_OK) != 0)
        return failed(path + "/cgroup.procs");
    return path;
}

bool remove_cgroup(const std::string& path) {
    const NormalPriority normal;
    for_each_below(path, 0, [](const std::string& below) { ::rmdir(below.c_str()); });
    return ::rmdir(path.c_str()) == 0 || errno == ENOENT;
}

void kill_each_in(const std::string& path) {
    kill_listed(path);
    for_each_below(path, 0, kill_listed);
}

void kill_cgroup(const std::string& path) {
    if (!write_all(path + "/cgroup.kill", "1")) kill_each_in(path);
}

Life cgroup_life(const std::string& path) { return judge(read_all(path + "/cgroup.events"), path); }

Cgroup::~Cgroup() {
    for (const int fd : {events_, kill_})
        if (fd >= 0) ::close(fd);
}

model::Result<void> Cgroup::open(std::string path) {
    path_ = std::move(path);
    if (path_.empty()) return {};
    events_ = ::open((path_ + "/cgroup.events").c_str(), O_RDONLY | O_CLOEXEC);
    if (events_ < 0)
        return model::error(Errc::invalid, path_ + "/cgroup.events: " + std::strerror(errno));
    kill_ = ::open((path_ + "/cgroup.kill").c_str(), O_WRONLY | O_CLOEXEC);
    return {};
}

void Cgroup::kill() const {
    if (path_.empty()) return;
    if (kill_ < 0 || ::write(kill_, "1", 1) != 1) kill_each_in(path_);
}

Life Cgroup::life() const {
    if (path_.empty()) return dead();
    return judge(read_again(events_), path_);
}

}  // namespace warden
