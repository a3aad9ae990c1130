#include "adapters/http/dial.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace adapters::http {

Dial::Dial(std::string host, std::uint16_t port)
    : host_{std::move(host)}, resolution_{host_, port} {
    if (resolution_.started()) return;
    failure_ = "resolve: " + resolution_.started().error().message;
    state_ = State::failed;
}

Dial::~Dial() { close(); }

Dial::State Dial::poll() {
    if (state_ == State::pending && resolve() && (fd_ >= 0 || next_address()) && finish())
        state_ = State::connected;
    return state_;
}

bool Dial::resolve() {
    if (addresses_) return true;
    addresses_ = resolution_.poll();
    if (!addresses_) return false;
    activity_ = "connects";
    if (!addresses_->empty()) return true;
    failure_ = "resolve: no address for " + host_;
    state_ = State::failed;
    return false;
}

bool Dial::next_address() {
    while (next_ < addresses_->size()) {
        const auto& address = (*addresses_)[next_++];
        fd_ = ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        const auto* const to = reinterpret_cast<const sockaddr*>(&address.storage);
        if (fd_ >= 0 && (::connect(fd_, to, address.size) == 0 || errno == EINPROGRESS))
            return true;
        failure_ = std::string{"connect: "} + std::strerror(errno);
        close();
    }
    state_ = State::failed;
    return false;
}

bool Dial::finish() {
    for (;;) {
        pollfd writable{.fd = fd_, .events = POLLOUT, .revents = 0};
        if (::poll(&writable, 1, 0) <= 0) return false;
        int failure = 0;
        socklen_t size = sizeof failure;
        ::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &failure, &size);
        if (failure == 0) return true;
        failure_ = std::string{"connect: "} + std::strerror(failure);
        close();
        if (!next_address()) return false;
    }
}

void Dial::close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
}

}  // namespace adapters::http
