#include "warden/helper.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "warden/signals.h"

namespace warden {
namespace {

// The memory of the command line, which the kernel shows for the process. A helper writes its
// purpose after the program's name.
char* words = nullptr;
std::size_t words_size = 0;

void show(const char* name) {
    ::prctl(PR_SET_NAME, name);
    if (words == nullptr || words_size == 0) return;
    std::memset(words, 0, words_size);
    std::strncpy(words, name, words_size - 1);
}

void close_all_but(std::vector<int> keep) {
    for (const int fd : {0, 1, 2}) {
        if (std::find(keep.begin(), keep.end(), fd) != keep.end()) continue;
        const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
        // Without /dev/null the descriptor is closed, which is as good.
        if (null < 0 || ::dup2(null, fd) < 0) ::close(fd);
        if (null >= 0) ::close(null);
        keep.push_back(fd);
    }
    std::sort(keep.begin(), keep.end());
    unsigned from = 0;
    for (const int fd : keep) {
        const auto at = static_cast<unsigned>(fd);
        if (at > from) ::syscall(SYS_close_range, from, at - 1, 0);
        from = at + 1;
    }
    ::syscall(SYS_close_range, from, ~0U, 0);
}

}  // namespace

void remember_arguments(int argc, char** argv) {
    if (argc < 2) return;
    words = argv[1];
    words_size = static_cast<std::size_t>(argv[argc - 1] + std::strlen(argv[argc - 1]) - argv[1]);
}

void reset_oom_score(const Origin& origin) {
    const int fd = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd < 0) return;
    [[maybe_unused]] const auto written =
        ::write(fd, origin.oom_score_adj.data(), origin.oom_score_adj.size());
    ::close(fd);
}

void reset_scheduling() {
    const sched_param normal{};
    ::sched_setscheduler(0, SCHED_OTHER, &normal);
    ::setpriority(PRIO_PROCESS, 0, 0);
}

model::Result<pid_t> start_helper(const char* name,
                                  std::vector<int> keep,
                                  bool with_warden,
                                  const Origin& origin,
                                  const std::function<void()>& work) {
    const pid_t parent = ::getpid();
    const pid_t pid = ::fork();
    if (pid < 0)
        return model::error(model::Errc::unavailable, std::string{"fork: "} + std::strerror(errno));
    if (pid > 0) return pid;
    close_all_but(std::move(keep));
    ::setsid();
    ignore_signals();
    reset_scheduling();
    reset_oom_score(origin);
    show(name);
    if (with_warden) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (::getppid() != parent) ::_exit(1);
    }
    work();
    ::_exit(0);
}

}  // namespace warden
