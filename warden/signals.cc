#include "warden/signals.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string>

namespace warden {
namespace {

constexpr std::array taken{SIGTERM, SIGINT, SIGUSR1, SIGCHLD};

// If SIGCHLD were ignored the kernel would reap the children, and their deaths would not be seen.
constexpr std::array left_alone {
    SIGKILL, SIGSTOP, SIGCHLD, SIGCONT,
#if defined(__SANITIZE_ADDRESS__)
        SIGSEGV,  // reported by the sanitizer
        SIGBUS, SIGFPE, SIGABRT
#endif
};

void handle(int number, void (*handler)(int)) {
    struct sigaction action {};
    action.sa_handler = handler;
    ::sigaction(number, &action, nullptr);
}

}  // namespace

void ignore_signals() {
    for (int number = 1; number < NSIG; ++number)
        if (std::find(left_alone.begin(), left_alone.end(), number) == left_alone.end())
            handle(number, SIG_IGN);
    // The two signals that glibc reserves and does not let be changed: SIG_IGN in the kernel's
    // format.
    constexpr std::array<unsigned long, 4> kernel_ignore{1};
    for (const int number : {32, 33})
        ::syscall(SYS_rt_sigaction, number, kernel_ignore.data(), nullptr, sizeof(unsigned long));
    handle(SIGCHLD, SIG_DFL);
}

model::Result<int> take_signals() {
    sigset_t wanted;
    ::sigemptyset(&wanted);
    for (const int number : taken)
        ::sigaddset(&wanted, number);
    // Blocked before the others are ignored: a blocked signal stays pending until it is read.
    ::sigprocmask(SIG_SETMASK, &wanted, nullptr);
    ignore_signals();
    const int fd = ::signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd >= 0) return fd;
    const int reason = errno;
    return model::error(model::Errc::invalid, std::string{"signalfd: "} + std::strerror(reason));
}

}  // namespace warden
