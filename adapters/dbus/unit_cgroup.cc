#include "adapters/dbus/unit_cgroup.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <mntent.h>
#include <signal.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <sstream>
#include <string_view>
#include <system_error>

namespace adapters::dbus {
namespace {

namespace fs = std::filesystem;

// errno is of the failure, where there is one.
std::optional<std::string> read_file(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) return {};
    std::string text;
    std::array<char, 4096> buffer{};
    ssize_t got = 0;
    while ((got = ::read(fd, buffer.data(), buffer.size())) > 0)
        text.append(buffer.data(), static_cast<std::size_t>(got));
    const int failure = errno;
    ::close(fd);
    errno = failure;
    if (got < 0) return {};
    return text;
}

// The nearest directory above that exists is of a cgroup2: so nothing is in what is not there.
bool absent_from_cgroup2(std::string path) {
    for (auto slash = path.rfind('/'); slash != std::string::npos && slash > 0;
         slash = path.rfind('/')) {
        path.resize(slash);
        struct statfs system {};
        if (::statfs(path.c_str(), &system) == 0) return system.f_type == CGROUP2_SUPER_MAGIC;
        if (errno != ENOENT) return false;
    }
    return false;
}

}  // namespace

std::string cgroup2_mount() {
    const std::unique_ptr<FILE, int (*)(FILE*)> mounts{::setmntent("/proc/self/mounts", "re"),
                                                       ::endmntent};
    mntent entry{};
    std::array<char, 4096> text{};
    while (mounts &&
           ::getmntent_r(mounts.get(), &entry, text.data(), static_cast<int>(text.size())) !=
               nullptr)
        if (std::string_view{entry.mnt_type} == "cgroup2") return entry.mnt_dir;
    return {};
}

CgroupLife cgroup_life(const std::string& path) {
    const auto text = read_file(path + "/cgroup.events");
    // ENODEV: removed between open and read, which is possible only when it is empty.
    if (!text && errno == ENODEV) return CgroupLife::empty;
    if (!text)
        return errno == ENOENT && absent_from_cgroup2(path) ? CgroupLife::empty
                                                            : CgroupLife::unknown;
    if (text->find("populated 1\n") != std::string::npos) return CgroupLife::populated;
    if (text->find("populated 0\n") != std::string::npos) return CgroupLife::empty;
    return CgroupLife::unknown;
}

void kill_cgroup(const std::string& path) {
    const int fd = ::open((path + "/cgroup.kill").c_str(), O_WRONLY | O_CLOEXEC);
    const bool killed = fd >= 0 && ::write(fd, "1", 1) == 1;
    if (fd >= 0) ::close(fd);
    // Before Linux 5.14, or of another user.
    if (!killed) (void)signal_cgroup(path, SIGKILL);
}

int signal_cgroup(const std::string& path, int signal) {
    int sent = 0;
    const auto each = [&](const std::string& directory) {
        std::istringstream list{read_file(directory + "/cgroup.procs").value_or("")};
        // 0: of another pid namespace.
        for (pid_t pid = 0; list >> pid;)
            if (pid > 0 && ::kill(pid, signal) == 0) ++sent;
    };
    each(path);
    std::error_code failed;
    for (fs::recursive_directory_iterator it{path, failed}, end; !failed && it != end;
         it.increment(failed)) {
        std::error_code ignored;
        if (it->is_directory(ignored)) each(it->path().string());
    }
    return sent;
}

}  // namespace adapters::dbus
