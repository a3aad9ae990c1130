#include "warden/errand.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace warden {
namespace {

constexpr std::size_t longest_result = 4096;  // a pipe takes so much without blocking

}  // namespace

Errand::~Errand() {
    if (pid_ > 0) ::kill(pid_, SIGKILL);
    if (fd_ >= 0) ::close(fd_);
}

bool Errand::start(const Origin& origin,
                   model::Instant now,
                   const std::function<std::string()>& work) {
    int pipe[2] = {-1, -1};
    if (::pipe2(pipe, O_CLOEXEC | O_NONBLOCK) != 0) return false;
    const auto child = start_helper(name_, {pipe[1]}, true, origin, [&] {
        // The first byte marks a result, which may be empty.
        auto text = "=" + work();
        text.resize(std::min(text.size(), longest_result));
        [[maybe_unused]] const auto written = ::write(pipe[1], text.data(), text.size());
    });
    ::close(pipe[1]);
    if (!child) {
        ::close(pipe[0]);
        return false;
    }
    pid_ = *child;
    fd_ = pipe[0];
    since_ = now;
    return true;
}

std::optional<Errand::Result> Errand::result() {
    if (fd_ < 0) return {};
    std::array<char, longest_result> buffer{};
    const auto got = ::read(fd_, buffer.data(), buffer.size());
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return {};
    ::close(fd_);
    fd_ = -1;
    if (got <= 0) return Result{};
    return Result{.whole = true, .text = {buffer.data() + 1, static_cast<std::size_t>(got - 1)}};
}

bool Errand::reaped(pid_t pid) {
    if (pid_ == 0 || pid != pid_) return false;
    pid_ = 0;
    return true;
}

}  // namespace warden
