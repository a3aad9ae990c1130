#include "adapters/netlink/connections.h"

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

namespace adapters::netlink {
namespace {

using model::Errc;
using model::Result;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds time_limit{100};
constexpr timeval answer_within{.tv_sec = 0, .tv_usec = 50'000};
constexpr std::uint32_t listening = 1U << 10U;  // TCP_LISTEN
constexpr std::uint32_t waiting = 1U << 6U;     // TCP_TIME_WAIT

class Diag {
public:
    Diag() : fd_{::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG)} {
        (void)::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &answer_within, sizeof answer_within);
    }
    ~Diag() {
        if (fd_ >= 0) ::close(fd_);
    }
    Diag(const Diag&) = delete;
    Diag& operator=(const Diag&) = delete;

    [[nodiscard]] bool send(std::uint16_t type, std::uint16_t flags, const inet_diag_req_v2& what) {
        struct {
            nlmsghdr header;
            inet_diag_req_v2 body;
        } request{};
        request.header.nlmsg_len = sizeof request;
        request.header.nlmsg_type = type;
        request.header.nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
        request.header.nlmsg_seq = ++sequence_;
        request.body = what;
        return ::send(fd_, &request, sizeof request, 0) == static_cast<ssize_t>(sizeof request);
    }

    /// The answer to the last request, in parts: `each` of a message's body. Returns 0 at its end,
    /// else an errno value.
    template <typename Each>
    [[nodiscard]] int receive(const Each& each) {
        std::array<char, 32768> buffer{};
        for (;;) {
            const auto got = ::recv(fd_, buffer.data(), buffer.size(), 0);
            if (got < 0) return errno;
            const auto size = static_cast<std::size_t>(got);
            nlmsghdr header{};
            for (std::size_t at = 0; at + sizeof header <= size;
                 at += NLMSG_ALIGN(header.nlmsg_len)) {
                std::memcpy(&header, buffer.data() + at, sizeof header);
                if (header.nlmsg_len < sizeof header || header.nlmsg_len > size - at) return EIO;
                if (header.nlmsg_seq != sequence_) continue;
                if (header.nlmsg_type == NLMSG_DONE) return 0;
                const auto* const body = buffer.data() + at + NLMSG_HDRLEN;
                const auto length = header.nlmsg_len - static_cast<std::uint32_t>(NLMSG_HDRLEN);
                if (header.nlmsg_type == NLMSG_ERROR) {
                    return length < sizeof(int) ? EIO : -read<int>(body);
                }
                if (length >= sizeof(inet_diag_msg)) each(read<inet_diag_msg>(body));
            }
        }
    }

private:
    template <typename T>
    [[nodiscard]] static T read(const char* from) {
        T value{};
        std::memcpy(&value, from, sizeof value);
        return value;
    }

    int fd_;
    std::uint32_t sequence_ = 0;
};

bool is_at(const inet_diag_sockid& id, const model::IpAddress& local) {
    return std::memcmp(id.idiag_src, local.bytes.data(), local.size()) == 0;
}

/// The local address as a socket that also takes IPv6 has it.
model::IpAddress mapped(const model::IpAddress& v4) {
    model::IpAddress address{.family = model::IpAddress::Family::v6};
    address.bytes.at(10) = address.bytes.at(11) = 0xff;
    std::memcpy(address.bytes.data() + 12, v4.bytes.data(), 4);
    return address;
}

model::Error failed(int reason) {
    return model::error(reason == EPERM ? Errc::invalid : Errc::unavailable,
                        std::string{"reset connections: "} + std::strerror(reason));
}

Result<int> reset(Diag& diag, std::uint8_t family, const model::IpAddress& local) {
    inet_diag_req_v2 all{};
    all.sdiag_family = family;
    all.sdiag_protocol = IPPROTO_TCP;
    all.idiag_states = ~(listening | waiting);
    std::vector<inet_diag_sockid> found;
    if (!diag.send(SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, all)) return failed(errno);
    const int listed = diag.receive([&](const inet_diag_msg& each) {
        if (is_at(each.id, local)) found.push_back(each.id);
    });
    if (listed != 0) return failed(listed);
    const auto until = Clock::now() + time_limit;
    int count = 0;
    for (const auto& id : found) {
        if (Clock::now() >= until) break;
        auto one = all;
        one.id = id;
        if (!diag.send(SOCK_DESTROY, NLM_F_ACK, one)) return failed(errno);
        const int ended = diag.receive([](const inet_diag_msg&) {});
        if (ended == EOPNOTSUPP || ended == EPERM) return failed(ended);
        if (ended == 0) ++count;  // else it has ended by itself
    }
    return count;
}

}  // namespace

Result<int> reset_connections(const model::IpAddress& local) {
    Diag diag;
    if (local.family == model::IpAddress::Family::v6) return reset(diag, AF_INET6, local);
    auto v4 = reset(diag, AF_INET, local);
    if (!v4) return v4;
    auto v6 = reset(diag, AF_INET6, mapped(local));
    if (!v6) return v6;
    return *v4 + *v6;
}

}  // namespace adapters::netlink
