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
    if (set(IPPROTO_ICMPV6, ICMP6_FILTER, filter) &&
        set(IPPROTO_IPV6, IPV6_MULTICAST_HOPS, only_from_the_link) &&
        set(IPPROTO_IPV6, IPV6_MULTICAST_LOOP, no))
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

void FrameSockets::receive(const std::function<void(const Claim&)>& found) const {
    std::array<std::uint8_t, 2048> buffer{};
    const auto drain = [&](int fd, const auto& claim_in) {
        for (int i = 0; fd >= 0 && i < most_frames_at_once; ++i) {
            const auto got = ::recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
            if (got < 0) return;
            if (const auto claim = claim_in({buffer.data(), static_cast<std::size_t>(got)}))
                found(*claim);
        }
    };
    drain(arp_, claim_in_arp);
    drain(icmp_, claim_in_advertisement);
}

}  // namespace adapters::netlink
