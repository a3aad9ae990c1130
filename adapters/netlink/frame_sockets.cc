#include "adapters/netlink/frame_sockets.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>

namespace adapters::netlink {
namespace {

using model::Errc;
using model::Result;

constexpr int only_from_the_link = 255;  // hop limit that RFC 4861 demands
constexpr int most_frames_at_once = 256;
constexpr model::IpAddress all_nodes{
    .family = model::IpAddress::Family::v6,
    .bytes = {0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x01}};

model::Error failed(const char* what) {
    const int reason = errno;
    return model::error(reason == EPERM ? Errc::invalid : Errc::unavailable,
                        std::string{what} + ": " + std::strerror(reason));
}

sockaddr_in6 to_sockaddr(const model::IpAddress& address, std::uint32_t index) {
    sockaddr_in6 to{};
    to.sin6_family = AF_INET6;
    to.sin6_scope_id = index;
    std::copy(address.bytes.begin(), address.bytes.end(), to.sin6_addr.s6_addr);
    return to;
}

/// One packet, and what the kernel says of it.
class Received {
public:
    /// False: there is none.
    bool read(int fd) {
        if (fd < 0) return false;
        iovec data{.iov_base = bytes_.data(), .iov_len = bytes_.size()};
        packet_ = {};
        packet_.msg_name = &from_;
        packet_.msg_namelen = sizeof from_;
        packet_.msg_iov = &data;
        packet_.msg_iovlen = 1;
        packet_.msg_control = control_.data();
        packet_.msg_controllen = control_.size();
        const auto got = ::recvmsg(fd, &packet_, MSG_DONTWAIT);
        size_ = got < 0 ? 0 : static_cast<std::size_t>(got);
        return got >= 0;
    }
    [[nodiscard]] PacketView data() const { return {bytes_.data(), size_}; }
    /// Of a packet socket: the index of the interface.
    [[nodiscard]] std::uint32_t link() const {
        sockaddr_ll from{};
        std::memcpy(&from, &from_, sizeof from);
        return static_cast<std::uint32_t>(from.sll_ifindex);
    }
    /// An option of IPv6.
    template <typename T>
    [[nodiscard]] std::optional<T> option(int type) {
        for (auto* each = CMSG_FIRSTHDR(&packet_); each != nullptr;
             each = CMSG_NXTHDR(&packet_, each)) {
            if (each->cmsg_level != IPPROTO_IPV6 || each->cmsg_type != type ||
                each->cmsg_len < CMSG_LEN(sizeof(T)))
                continue;
            T value{};
            std::memcpy(&value, CMSG_DATA(each), sizeof value);
            return value;
        }
        return {};
    }

private:
    sockaddr_storage from_{};
    std::array<std::uint8_t, 2048> bytes_{};
    std::size_t size_ = 0;
    alignas(cmsghdr) std::array<char, 256> control_{};
    msghdr packet_{};
};

}  // namespace

FrameSockets::~FrameSockets() {
    for (const int fd : {arp_, icmp_})
        if (fd >= 0) ::close(fd);
}

Result<void> FrameSockets::open(bool v4, bool v6) {
    if (v4 && arp_ < 0) {
        arp_ = ::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, htons(ETH_P_ARP));
        if (arp_ < 0) return failed("open a packet socket");
    }
    if (!v6 || icmp_ >= 0) return {};
    icmp_ = ::socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_ICMPV6);
    if (icmp_ < 0) return failed("open a raw socket");
    icmp6_filter filter{};
    ICMP6_FILTER_SETBLOCKALL(&filter);
    ICMP6_FILTER_SETPASS(ND_NEIGHBOR_ADVERT, &filter);
    const auto set = [this](int level, int option, const auto& value) {
        return ::setsockopt(icmp_, level, option, &value, sizeof value) == 0;
    };
    const int no = 0;
    const int yes = 1;
    if (set(IPPROTO_ICMPV6, ICMP6_FILTER, filter) &&
        set(IPPROTO_IPV6, IPV6_MULTICAST_HOPS, only_from_the_link) &&
        set(IPPROTO_IPV6, IPV6_MULTICAST_LOOP, no) && set(IPPROTO_IPV6, IPV6_RECVPKTINFO, yes) &&
        set(IPPROTO_IPV6, IPV6_RECVHOPLIMIT, yes))
        return {};
    auto failure = failed("set up a raw socket");
    ::close(icmp_);
    icmp_ = -1;
    return failure;
}

Result<void> FrameSockets::send_arp(const Link& link, const Packet& frame) const {
    sockaddr_ll to{};
    to.sll_family = AF_PACKET;
    to.sll_protocol = htons(ETH_P_ARP);
    to.sll_ifindex = static_cast<int>(link.index);
    to.sll_halen = ETH_ALEN;
    std::fill_n(to.sll_addr, ETH_ALEN, std::uint8_t{0xff});
    if (::sendto(arp_,
                 frame.data(),
                 frame.size(),
                 0,
                 reinterpret_cast<const sockaddr*>(&to),
                 sizeof to) < 0)
        return failed("send an ARP packet");
    return {};
}

Result<void> FrameSockets::send_icmp(const Link& link,
                                     const model::IpAddress& to,
                                     const model::IpAddress* from,
                                     const Packet& message) const {
    auto target = to_sockaddr(to, link.index);
    iovec data{.iov_base = const_cast<std::uint8_t*>(message.data()), .iov_len = message.size()};
    in6_pktinfo source{};
    source.ipi6_ifindex = link.index;
    if (from != nullptr)
        std::copy(from->bytes.begin(), from->bytes.end(), source.ipi6_addr.s6_addr);
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof source)> control{};
    msghdr packet{};
    packet.msg_name = &target;
    packet.msg_namelen = sizeof target;
    packet.msg_iov = &data;
    packet.msg_iovlen = 1;
    packet.msg_control = control.data();
    packet.msg_controllen = control.size();
    auto* const header = CMSG_FIRSTHDR(&packet);
    header->cmsg_level = IPPROTO_IPV6;
    header->cmsg_type = IPV6_PKTINFO;
    header->cmsg_len = CMSG_LEN(sizeof source);
    std::memcpy(CMSG_DATA(header), &source, sizeof source);
    if (::sendmsg(icmp_, &packet, 0) < 0) return failed("send a neighbour discovery message");
    return {};
}

Result<void> FrameSockets::probe(const Link& link, const model::IpAddress& target) {
    if (!link.ethernet) return {};
    if (target.family == model::IpAddress::Family::v4)
        return send_arp(link, arp_probe(link.mac, target));
    return send_icmp(
        link, solicited_node(target), nullptr, neighbour_solicitation(link.mac, target));
}

Result<void> FrameSockets::announce(const Link& link, const model::IpAddress& address) {
    if (!link.ethernet) return {};
    if (address.family == model::IpAddress::Family::v6)
        return send_icmp(link, all_nodes, &address, neighbour_advertisement(link.mac, address));
    auto asked = send_arp(link, arp_announcement(link.mac, address, false));
    if (!asked) return asked;
    return send_arp(link, arp_announcement(link.mac, address, true));
}

void FrameSockets::receive(
    const std::function<void(std::uint32_t link, const Claim&)>& found) const {
    Received received;
    for (int i = 0; i < most_frames_at_once && received.read(arp_); ++i) {
        if (const auto claim = claim_in_arp(received.data())) found(received.link(), *claim);
    }
    for (int i = 0; i < most_frames_at_once && received.read(icmp_); ++i) {
        const auto info = received.option<in6_pktinfo>(IPV6_PKTINFO);
        const auto hops = received.option<int>(IPV6_HOPLIMIT);
        if (!info || hops != only_from_the_link) continue;
        if (const auto claim = claim_in_advertisement(received.data()))
            found(info->ipi6_ifindex, *claim);
    }
}

}  // namespace adapters::netlink
