#include "warden/proc.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace warden {
namespace {

using model::Errc;

// ENODEV: the file belongs to a cgroup that was removed while the file was open.
model::Error failed(const std::string& path) {
    const int reason = errno;
    const bool gone = reason == ENOENT || reason == ESRCH || reason == ENODEV;
    return model::error(gone ? Errc::not_found : Errc::unavailable,
                        path + ": " + std::strerror(reason));
}

model::Result<model::ProcessStat> read_stat(const std::string& path) {
    const auto text = read_all(path);
    if (!text) return text.error();
    const auto stat = model::parse_process_stat(*text);
    if (!stat) return model::error(Errc::unavailable, path + ": malformed");
    return *stat;
}

// How many threads but the first of a process have ended and are still listed, because a tracer has
// not waited for them; 0 where any other thread is there, or may be.
long ended_threads(const std::string& process, const model::ProcessStat& before) {
    DIR* const directory = ::opendir((process + "/task").c_str());
    if (directory == nullptr) return 0;
    long ended = 0;
    bool all = true;
    while (const dirent* const entry = ::readdir(directory)) {
        if (entry->d_name[0] == '.') continue;
        const auto thread = read_stat(process + "/task/" + entry->d_name + "/stat");
        if (thread && (thread->state == 'Z' || thread->state == 'X'))
            ++ended;
        else if (thread || thread.error().code != Errc::not_found)
            all = false;
    }
    ::closedir(directory);
    // One that was created after the listing.
    const auto after = read_stat(process + "/stat");
    const bool same = after && after->start_ticks == before.start_ticks && after->threads == ended;
    return all && same && ended == before.threads ? ended - 1 : 0;
}

}  // namespace

model::Result<std::string> read_again(int fd) {
    std::string text;
    std::array<char, 4096> buffer{};
    ssize_t got = 0;
    if (::lseek(fd, 0, SEEK_SET) < 0) return failed("lseek");
    while ((got = ::read(fd, buffer.data(), buffer.size())) > 0)
        text.append(buffer.data(), static_cast<std::size_t>(got));
    if (got < 0) return failed("read");
    return text;
}

model::Result<std::string> read_all(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) return failed(path);
    auto text = read_again(fd);
    ::close(fd);
    if (!text) return std::move(text).error().during(path);
    return text;
}

bool write_all(const std::string& path, std::string_view text) {
    const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) return false;
    const auto written = ::write(fd, text.data(), text.size());
    const int reason = errno;
    ::close(fd);
    errno = reason;
    return written == static_cast<ssize_t>(text.size());
}

model::Result<model::ProcessStat> process_stat(pid_t pid) {
    const auto path = "/proc/" + std::to_string(pid);
    auto stat = read_stat(path + "/stat");
    if (stat && (stat->state == 'Z' || stat->state == 'X') && stat->threads > 1)
        stat->threads -= ended_threads(path, *stat);
    return stat;
}

std::optional<std::uint64_t> start_ticks(pid_t pid) {
    const auto stat = process_stat(pid);
    if (!stat || stat->ended()) return {};
    return stat->start_ticks;
}

Life process_life(pid_t pid, std::uint64_t ticks) {
    if (pid <= 0) return dead();
    const auto stat = process_stat(pid);
    if (stat) return stat->start_ticks == ticks && !stat->ended() ? alive() : dead();
    // Its directory in /proc may be hidden; kill() shows whether a pid exists.
    if (::kill(pid, 0) != 0 && errno == ESRCH) return dead();
    return unknown(stat.error().message);
}

bool kill_if(pid_t pid, const std::function<bool()>& same) {
    const auto fd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
    if (fd < 0) return false;
    const bool sent = same() && ::syscall(SYS_pidfd_send_signal, fd, SIGKILL, nullptr, 0) == 0;
    ::close(fd);
    return sent;
}

model::Result<void> for_each_process(const std::function<void(pid_t)>& visit) {
    DIR* const directory = ::opendir("/proc");
    if (directory == nullptr) return failed("/proc");
    errno = 0;
    while (const dirent* const entry = ::readdir(directory)) {
        const auto pid = static_cast<pid_t>(std::strtol(entry->d_name, nullptr, 10));
        if (pid > 0) visit(pid);
        errno = 0;
    }
    const bool complete = errno == 0;
    auto failure = failed("/proc");
    ::closedir(directory);
    if (!complete) return failure;
    return {};
}

}  // namespace warden
