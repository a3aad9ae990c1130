#include "warden/group.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string_view>
#include <vector>

#include "model/ids.h"

namespace warden {
namespace {

std::optional<std::string> read_all(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return {};
    std::string text;
    std::array<char, 4096> buffer{};
    ssize_t got = 0;
    while ((got = ::read(fd, buffer.data(), buffer.size())) > 0)
        text.append(buffer.data(), static_cast<std::size_t>(got));
    ::close(fd);
    if (got < 0) return {};
    return text;
}

bool write_all(const std::string& path, std::string_view text) {
    const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (fd < 0) return false;
    const auto written = ::write(fd, text.data(), text.size());
    ::close(fd);
    return written == static_cast<ssize_t>(text.size());
}

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

// Calls `visit` with each process that belongs to the backend, by its token or by being its first
// process. Reads /proc: as fast as there are few processes, and only where there is no cgroup.
void for_each_member(const Saved::Backend& backend, const std::function<void(pid_t)>& visit) {
    DIR* const folder = ::opendir("/proc");
    if (folder == nullptr) return;
    const std::string mark = std::string{token_variable} + "=" + backend.token;
    while (const dirent* const entry = ::readdir(folder)) {
        const auto pid = static_cast<pid_t>(std::strtol(entry->d_name, nullptr, 10));
        if (pid <= 1 || pid == ::getpid()) continue;
        if (pid == backend.pid && start_ticks(pid) == backend.start_ticks) {
            visit(pid);
            continue;
        }
        const auto environment = read_all("/proc/" + std::string{entry->d_name} + "/environ");
        if (!environment) continue;
        std::string_view rest{*environment};
        while (!rest.empty()) {
            const auto variable = rest.substr(0, rest.find('\0'));
            if (variable == mark) {
                visit(pid);
                break;
            }
            rest.remove_prefix(std::min(rest.size(), variable.size() + 1));
        }
    }
    ::closedir(folder);
}

}  // namespace

std::string cgroup_name(std::string_view lock_file) {
    std::uint64_t sum = 0xcbf29ce484222325;  // FNV-1a
    for (const char c : lock_file) {
        sum ^= static_cast<unsigned char>(c);
        sum *= 0x100000001b3;
    }
    return "convex-backend-" + model::to_hex16(sum);
}

std::string make_cgroup(const std::string& name, std::string& why) {
    const auto mount = cgroup_mount();
    const auto own = own_cgroup();
    if (!mount || !own) {
        why = "no cgroup2 is mounted";
        return {};
    }
    auto path = *mount + *own + "/" + name;
    if (::mkdir(path.c_str(), 0755) != 0 && errno != EEXIST) {
        why = path + ": " + std::strerror(errno);
        return {};
    }
    if (::access((path + "/cgroup.procs").c_str(), W_OK) != 0) {
        why = path + "/cgroup.procs: " + std::strerror(errno);
        return {};
    }
    return path;
}

std::optional<std::uint64_t> start_ticks(std::int32_t pid) {
    const auto text = read_all("/proc/" + std::to_string(pid) + "/stat");
    if (!text) return {};
    // The name in the second field may hold anything; the last parenthesis ends it.
    auto at = text->rfind(')');
    if (at == std::string::npos || at + 2 >= text->size()) return {};
    const char state = (*text)[at + 2];
    if (state == 'Z' || state == 'X') return {};
    at += 2;
    for (int field = 3; field < 22; ++field) {
        at = text->find(' ', at);
        if (at == std::string::npos) return {};
        ++at;
    }
    return std::strtoull(text->c_str() + at, nullptr, 10);
}

void kill_group(const Saved::Backend& backend) {
    if (!backend.cgroup.empty()) {
        if (write_all(backend.cgroup + "/cgroup.kill", "1")) return;
        // Before Linux 5.14 there is no cgroup.kill; what forks meanwhile is met by the next kill.
        const auto members = read_all(backend.cgroup + "/cgroup.procs");
        const char* at = members ? members->c_str() : "";
        char* end = nullptr;
        for (long pid = 0; (pid = std::strtol(at, &end, 10)) > 0; at = end)
            ::kill(static_cast<pid_t>(pid), SIGKILL);
        return;
    }
    for_each_member(backend, [](pid_t pid) { ::kill(pid, SIGKILL); });
}

bool group_lives(const Saved::Backend& backend) {
    if (!backend.cgroup.empty()) {
        const auto events = read_all(backend.cgroup + "/cgroup.events");
        return events && events->find("populated 1") != std::string::npos;
    }
    bool lives = false;
    for_each_member(backend, [&](pid_t) { lives = true; });
    return lives;
}

}  // namespace warden
