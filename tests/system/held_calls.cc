#include "tests/system/held_calls.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <fstream>
#include <stdexcept>
#include <utility>

namespace tests {
namespace {

constexpr int listener_fd = 200;  // in the program's process, until its exec

std::string link_of(pid_t pid, int fd) {
    std::array<char, 4096> text{};
    const auto path = "/proc/" + std::to_string(pid) + "/fd/" + std::to_string(fd);
    const auto size = ::readlink(path.c_str(), text.data(), text.size());
    return size > 0 ? std::string(text.data(), static_cast<std::size_t>(size)) : std::string{};
}

bool does_not_block(pid_t pid, int fd) {
    std::ifstream info{"/proc/" + std::to_string(pid) + "/fdinfo/" + std::to_string(fd)};
    for (std::string word; info >> word;) {
        if (word != "flags:") continue;
        info >> word;
        return (std::stoul(word, nullptr, 8) & O_NONBLOCK) != 0;
    }
    return false;
}

std::string text_at(pid_t pid, std::uint64_t address) {
    std::string text(512, '\0');
    const int memory =
        ::open(("/proc/" + std::to_string(pid) + "/mem").c_str(), O_RDONLY | O_CLOEXEC);
    const auto got = ::pread(memory, text.data(), text.size(), static_cast<off_t>(address));
    ::close(memory);
    text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return text.substr(0, text.find('\0'));
}

std::string program_of(pid_t pid) {
    std::ifstream file{"/proc/" + std::to_string(pid) + "/comm"};
    std::string name;
    std::getline(file, name);
    return name;
}

HeldCalls::Call describe(const seccomp_notif& notice) {
    const auto pid = static_cast<pid_t>(notice.pid);
    HeldCalls::Call call{.pid = pid, .program = program_of(pid)};
    if (notice.data.nr == SYS_openat) {
        call.file = text_at(pid, notice.data.args[1]);
        return call;
    }
    call.fd = static_cast<int>(notice.data.args[0]);
    call.file = link_of(pid, call.fd);
    const auto flags = notice.data.nr == SYS_sendto    ? notice.data.args[3]
                       : notice.data.nr == SYS_sendmsg ? notice.data.args[2]
                                                       : 0;
    call.waits = (flags & MSG_DONTWAIT) == 0 && !does_not_block(pid, call.fd);
    return call;
}

}  // namespace

HeldCalls::HeldCalls() {
    if (::pipe2(go_, O_CLOEXEC) != 0 || ::pipe2(stop_, O_CLOEXEC) != 0)
        throw std::runtime_error{"pipe2"};
}

HeldCalls::~HeldCalls() {
    ::close(stop_[1]);
    if (thread_.joinable()) thread_.join();
    for (const int fd : {go_[0], go_[1], stop_[0], listener_})
        if (fd >= 0) ::close(fd);
}

void HeldCalls::install() const {
    constexpr std::array calls{
        SYS_write, SYS_pwrite64, SYS_writev, SYS_sendto, SYS_sendmsg, SYS_openat};
    std::vector<sock_filter> filter;
    filter.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)));
    for (std::size_t i = 0; i < calls.size(); ++i)
        filter.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
                                  static_cast<unsigned>(calls[i]),
                                  static_cast<unsigned char>(calls.size() - i),
                                  0));
    filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
    filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF));
    sock_fprog program{.len = static_cast<unsigned short>(filter.size()), .filter = filter.data()};
    const auto fd =
        ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
    if (fd < 0 || ::dup3(static_cast<int>(fd), listener_fd, O_CLOEXEC) < 0) ::_exit(126);
    char byte = 0;
    if (::read(go_[0], &byte, 1) != 1) ::_exit(126);
}

void HeldCalls::attach(pid_t pid) {
    const auto pidfd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds{10};
    while (listener_ < 0 && std::chrono::steady_clock::now() < until) {
        if (link_of(pid, listener_fd).find("seccomp") == std::string::npos) continue;
        listener_ = static_cast<int>(::syscall(SYS_pidfd_getfd, pidfd, listener_fd, 0));
    }
    ::close(pidfd);
    if (listener_ < 0 || ::write(go_[1], "g", 1) != 1)
        throw std::runtime_error{"the program's calls cannot be looked at"};
    thread_ = std::thread{[this] { serve(); }};
}

void HeldCalls::hold(Which which) {
    const adapters::sync::Lock lock{mutex_};
    which_ = std::move(which);
}

std::vector<HeldCalls::Call> HeldCalls::held() const {
    const adapters::sync::Lock lock{mutex_};
    return held_;
}

void HeldCalls::serve() {
    while (true) {
        std::array<pollfd, 2> polls{pollfd{.fd = listener_, .events = POLLIN, .revents = 0},
                                    pollfd{.fd = stop_[0], .events = POLLIN, .revents = 0}};
        if (::poll(polls.data(), polls.size(), -1) < 0) continue;
        if (polls[1].revents != 0) return;
        if ((polls[0].revents & POLLIN) == 0) return;  // all of them have ended
        seccomp_notif notice{};
        if (::ioctl(listener_, SECCOMP_IOCTL_NOTIF_RECV, &notice) != 0) continue;
        const auto call = describe(notice);
        seccomp_notif_resp answer{};
        answer.id = notice.id;
        answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
        {
            const adapters::sync::Lock lock{mutex_};
            if (which_ && which_(call)) {
                held_.push_back(call);
                if (call.waits) continue;
                answer.flags = 0;
                answer.error = -EAGAIN;
            }
        }
        ::ioctl(listener_, SECCOMP_IOCTL_NOTIF_SEND, &answer);
    }
}

}  // namespace tests
