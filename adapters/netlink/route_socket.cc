#include "adapters/netlink/route_socket.h"

#include <linux/if_addr.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netlink/addr.h>
#include <netlink/cache.h>
#include <netlink/errno.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/socket.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace adapters::netlink {
namespace {

using model::Errc;
using model::IpAddress;
using model::Result;

constexpr timeval answer_within{.tv_sec = 0, .tv_usec = 200'000};
constexpr std::uint32_t forever = 0xffffffff;  // INFINITY_LIFE_TIME

template <auto Free>
struct Freed {
    template <typename T>
    void operator()(T* what) const {
        Free(what);
    }
};
using Cache = std::unique_ptr<nl_cache, Freed<nl_cache_free>>;
using Address = std::unique_ptr<rtnl_addr, Freed<rtnl_addr_put>>;
using Bits = std::unique_ptr<nl_addr, Freed<nl_addr_put>>;

int family_of(const IpAddress& address) {
    return address.family == IpAddress::Family::v4 ? AF_INET : AF_INET6;
}

Result<Address> build(const model::IpPrefix& prefix, std::uint32_t index) {
    Address address{rtnl_addr_alloc()};
    const Bits bits{nl_addr_build(
        family_of(prefix.address), prefix.address.bytes.data(), prefix.address.size())};
    if (!address || !bits) return model::error(Errc::unavailable, "out of memory");
    nl_addr_set_prefixlen(bits.get(), prefix.length);
    rtnl_addr_set_ifindex(address.get(), static_cast<int>(index));
    if (const int code = rtnl_addr_set_local(address.get(), bits.get()); code < 0)
        return model::error(Errc::invalid, nl_geterror(code));
    return address;
}

Listed listed(rtnl_addr* from) {
    Listed to{.index = static_cast<std::uint32_t>(rtnl_addr_get_ifindex(from))};
    const auto* const local = rtnl_addr_get_local(from);
    if (local == nullptr) return to;
    auto& address = to.at.address;
    address.family =
        rtnl_addr_get_family(from) == AF_INET6 ? IpAddress::Family::v6 : IpAddress::Family::v4;
    const auto* const bytes = static_cast<const std::uint8_t*>(nl_addr_get_binary_addr(local));
    std::copy_n(bytes,
                std::min<std::size_t>(nl_addr_get_len(local), address.size()),
                address.bytes.begin());
    to.at.length = rtnl_addr_get_prefixlen(from);
    const auto flags = rtnl_addr_get_flags(from);
    to.permanent = (flags & IFA_F_PERMANENT) != 0 || rtnl_addr_get_valid_lifetime(from) == forever;
    to.unusable = (flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED)) != 0;
    return to;
}

Link link_of(rtnl_link* from) {
    Link to{.index = static_cast<std::uint32_t>(rtnl_link_get_ifindex(from))};
    const auto flags = rtnl_link_get_flags(from);
    to.carrier = (flags & IFF_UP) != 0 && (flags & IFF_RUNNING) != 0;
    const auto* const mac = rtnl_link_get_addr(from);
    to.ethernet = rtnl_link_get_arptype(from) == ARPHRD_ETHER && (flags & IFF_NOARP) == 0 &&
                  mac != nullptr && nl_addr_get_len(mac) == to.mac.size();
    if (to.ethernet) std::memcpy(to.mac.data(), nl_addr_get_binary_addr(mac), to.mac.size());
    return to;
}

}  // namespace

void RouteSocket::Close::operator()(nl_sock* socket) const { nl_socket_free(socket); }

RouteSocket::RouteSocket() = default;
RouteSocket::~RouteSocket() = default;

Result<nl_sock*> RouteSocket::socket() {
    if (socket_) return socket_.get();
    std::unique_ptr<nl_sock, Close> opened{nl_socket_alloc()};
    if (!opened) return model::error(Errc::unavailable, "out of memory");
    if (const int code = nl_connect(opened.get(), NETLINK_ROUTE); code < 0)
        return model::error(Errc::unavailable, std::string{"netlink: "} + nl_geterror(code));
    if (::setsockopt(nl_socket_get_fd(opened.get()),
                     SOL_SOCKET,
                     SO_RCVTIMEO,
                     &answer_within,
                     sizeof answer_within) != 0)
        return model::error(Errc::unavailable, std::string{"netlink: "} + std::strerror(errno));
    socket_ = std::move(opened);
    return socket_.get();
}

model::Error RouteSocket::failed(int code, const std::string& what) {
    const auto text = what + ": " + nl_geterror(code);
    switch (-code) {
        // The kernel's answers; the socket is in step.
        case NLE_PERM:
            return model::error(Errc::invalid, text);
        case NLE_NODEV:
            return model::error(Errc::not_found, text);
        case NLE_EXIST:
            return model::error(Errc::conflict, text);
        case NLE_NOADDR:
        case NLE_INVAL:
            return model::error(Errc::unavailable, text);
        default:
            socket_.reset();
            return model::error(Errc::unavailable, text);
    }
}

Result<std::map<std::string, Link>> RouteSocket::links() {
    auto socket = this->socket();
    if (!socket) return std::move(socket).error();
    nl_cache* all = nullptr;
    if (const int code = rtnl_link_alloc_cache(*socket, AF_UNSPEC, &all); code < 0)
        return failed(code, "list the interfaces");
    const Cache cache{all};
    std::map<std::string, Link> links;
    for (auto* each = nl_cache_get_first(all); each != nullptr; each = nl_cache_get_next(each)) {
        auto* const link = reinterpret_cast<rtnl_link*>(each);
        if (const auto* const name = rtnl_link_get_name(link)) links[name] = link_of(link);
    }
    return links;
}

Result<std::vector<Listed>> RouteSocket::addresses() {
    auto socket = this->socket();
    if (!socket) return std::move(socket).error();
    nl_cache* all = nullptr;
    if (const int code = rtnl_addr_alloc_cache(*socket, &all); code < 0)
        return failed(code, "list the addresses");
    const Cache cache{all};
    std::vector<Listed> addresses;
    for (auto* each = nl_cache_get_first(all); each != nullptr; each = nl_cache_get_next(each))
        addresses.push_back(listed(reinterpret_cast<rtnl_addr*>(each)));
    return addresses;
}

Result<void> RouteSocket::add(const model::IpPrefix& prefix,
                              std::uint32_t index,
                              std::chrono::seconds lifetime) {
    return request(prefix, index, lifetime, NLM_F_CREATE | NLM_F_EXCL);
}

Result<void> RouteSocket::extend(const model::IpPrefix& prefix,
                                 std::uint32_t index,
                                 std::chrono::seconds lifetime) {
    return request(prefix, index, lifetime, NLM_F_REPLACE);
}

Result<void> RouteSocket::request(const model::IpPrefix& prefix,
                                  std::uint32_t index,
                                  std::chrono::seconds lifetime,
                                  int flags) {
    auto address = build(prefix, index);
    if (!address) return std::move(address).error();
    auto* const what = address->get();
    const auto valid = static_cast<std::uint32_t>(lifetime.count());
    rtnl_addr_set_valid_lifetime(what, valid);
    // An IPv6 address without a preferred lifetime receives as any other, and is the source of no
    // connection that this host begins: those would end when it moves.
    const bool v6 = prefix.address.family == IpAddress::Family::v6;
    rtnl_addr_set_preferred_lifetime(what, v6 ? 0 : valid);
    if (v6) rtnl_addr_set_flags(what, IFA_F_NODAD);
    auto socket = this->socket();
    if (!socket) return std::move(socket).error();
    if (const int code = rtnl_addr_add(*socket, what, flags); code < 0)
        return failed(code, "add " + to_text(prefix));
    return {};
}

Result<void> RouteSocket::remove(const model::IpPrefix& prefix, std::uint32_t index) {
    auto address = build(prefix, index);
    if (!address) return std::move(address).error();
    auto socket = this->socket();
    if (!socket) return std::move(socket).error();
    const int code = rtnl_addr_delete(*socket, address->get(), 0);
    if (code < 0 && code != -NLE_NOADDR && code != -NLE_NODEV)
        return failed(code, "remove " + to_text(prefix));
    return {};
}

}  // namespace adapters::netlink
