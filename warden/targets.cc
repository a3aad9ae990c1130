#include "warden/targets.h"

#include <arpa/inet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>

#include "model/ids.h"
#include "warden/cgroup.h"
#include "warden/descriptor.h"

namespace warden {
namespace {

using Kind = model::WardenTarget::Kind;

bool has(const std::vector<model::WardenTarget>& list, Kind kind) {
    return std::any_of(
        list.begin(), list.end(), [kind](const auto& target) { return target.kind == kind; });
}

struct Address {
    unsigned char family = 0;
    unsigned char prefix = 0;
    std::size_t size = 0;
    std::array<unsigned char, 16> bytes{};
};

// "192.0.2.7/24"
std::optional<Address> parse_address(const std::string& text) {
    const auto slash = text.find('/');
    if (slash == std::string::npos) return {};
    const auto host = text.substr(0, slash);
    const auto prefix = model::parse_number(text.substr(slash + 1));
    Address address;
    if (::inet_pton(AF_INET, host.c_str(), address.bytes.data()) == 1) {
        address.family = AF_INET;
        address.size = 4;
    } else if (::inet_pton(AF_INET6, host.c_str(), address.bytes.data()) == 1) {
        address.family = AF_INET6;
        address.size = 16;
    } else {
        return {};
    }
    if (!prefix || *prefix > address.size * 8) return {};
    address.prefix = static_cast<unsigned char>(*prefix);
    return address;
}

model::Error failed(const char* what) {
    return model::error(model::Errc::invalid, std::string{what} + ": " + std::strerror(errno));
}

bool watch(int epoll, int fd) {
    epoll_event event{};
    event.events = EPOLLIN;
    return fd >= 0 && ::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

// Whether a message of the kernel's list names the address, without an end.
bool is_permanent(const char* body, std::size_t size, const Address& address, unsigned index) {
    ifaddrmsg message{};
    if (size < sizeof message) return false;
    std::memcpy(&message, body, sizeof message);
    if (message.ifa_index != index || message.ifa_prefixlen != address.prefix) return false;
    bool same = false;
    bool local = false;  // IPv6 has no IFA_LOCAL, but for a point-to-point link
    const bool endless = (message.ifa_flags & IFA_F_PERMANENT) != 0;
    rtattr attribute{};
    for (auto at = static_cast<std::size_t>(NLMSG_ALIGN(sizeof message));
         at + sizeof attribute <= size;
         at += RTA_ALIGN(attribute.rta_len)) {
        std::memcpy(&attribute, body + at, sizeof attribute);
        if (attribute.rta_len < sizeof attribute || attribute.rta_len > size - at) break;
        const auto* const value = body + at + RTA_LENGTH(0);
        const auto length = attribute.rta_len - static_cast<std::size_t>(RTA_LENGTH(0));
        const bool is_local = attribute.rta_type == IFA_LOCAL;
        if (length == address.size && (is_local || (attribute.rta_type == IFA_ADDRESS && !local))) {
            same = std::memcmp(value, address.bytes.data(), length) == 0;
            local = is_local;
        }
    }
    return same && endless;
}

// Empty: not known. Then it is not removed, since it may be the host's own; ours the kernel ends.
std::optional<bool> is_permanent(int socket, const Address& address, unsigned index) {
    struct Request {
        nlmsghdr header;
        ifaddrmsg message;
    } request{};
    request.header.nlmsg_len = NLMSG_LENGTH(sizeof(ifaddrmsg));
    request.header.nlmsg_type = RTM_GETADDR;
    request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    request.message.ifa_family = address.family;
    if (::send(socket, &request, request.header.nlmsg_len, 0) < 0) return {};
    std::array<char, 32768> buffer{};
    bool found = false;
    for (;;) {
        const auto got = ::recv(socket, buffer.data(), buffer.size(), 0);
        if (got <= 0) return {};
        const auto size = static_cast<std::size_t>(got);
        nlmsghdr header{};
        for (std::size_t at = 0; at + sizeof header <= size; at += NLMSG_ALIGN(header.nlmsg_len)) {
            std::memcpy(&header, buffer.data() + at, sizeof header);
            if (header.nlmsg_len < sizeof header || header.nlmsg_len > size - at) return {};
            if (header.nlmsg_type == NLMSG_ERROR) return {};
            // Something changed meanwhile, and the list may lack a part.
            if ((header.nlmsg_flags & NLM_F_DUMP_INTR) != 0) return {};
            if (header.nlmsg_type == NLMSG_DONE) return found;
            if (header.nlmsg_type != RTM_NEWADDR) continue;
            found = found || is_permanent(buffer.data() + at + NLMSG_HDRLEN,
                                          header.nlmsg_len - static_cast<std::size_t>(NLMSG_HDRLEN),
                                          address,
                                          index);
        }
    }
}

// Returns an errno value; 0: the address was there and is removed.
int delete_address(int socket, const Address& address, std::uint32_t ifindex) {
    struct Request {
        nlmsghdr header;
        ifaddrmsg message;
        std::array<char, 2 * RTA_SPACE(16)> attributes;
    } request{};
    request.header.nlmsg_len = NLMSG_LENGTH(sizeof(ifaddrmsg));
    request.header.nlmsg_type = RTM_DELADDR;
    request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
    request.message.ifa_family = address.family;
    request.message.ifa_prefixlen = address.prefix;
    request.message.ifa_index = ifindex;
    // The second one has the kernel compare the prefix of an IPv4 address, too: another prefix is
    // another address, which may be the host's own.
    auto* at = request.attributes.data();
    for (const unsigned short type : {IFA_LOCAL, IFA_ADDRESS}) {
        const rtattr attribute{.rta_len = static_cast<unsigned short>(RTA_LENGTH(address.size)),
                               .rta_type = type};
        std::memcpy(at, &attribute, sizeof attribute);
        std::memcpy(at + RTA_LENGTH(0), address.bytes.data(), address.size);
        at += RTA_SPACE(address.size);
        request.header.nlmsg_len += static_cast<std::uint32_t>(RTA_SPACE(address.size));
    }
    if (::send(socket, &request, request.header.nlmsg_len, 0) < 0) return errno;
    // The kernel has executed the request and sent the answer before send() returns.
    struct Answer {
        nlmsghdr header;
        nlmsgerr error;
        std::array<unsigned char, 256> rest;
    } answer{};
    const auto got = ::recv(socket, &answer, sizeof answer, MSG_DONTWAIT);
    if (got < static_cast<ssize_t>(sizeof answer.header + sizeof answer.error.error)) return EIO;
    if (answer.header.nlmsg_type != NLMSG_ERROR) return EIO;
    return -answer.error.error;
}

// Unless it is the host's own, which has no end. Returns an errno value; 0: it is gone.
int remove_ours(const std::string& name, unsigned index) {
    const auto address = parse_address(name);
    if (!address) return EINVAL;
    // A socket for each, so that nothing of an answer is left for the next.
    const int socket = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (socket < 0) return errno;
    const auto permanent = is_permanent(socket, *address, index);
    const int failure = !permanent   ? EAGAIN
                        : *permanent ? 0
                                     : delete_address(socket, *address, index);
    ::close(socket);
    return failure;
}

// The last three: the interface has no addresses of that family.
bool is_absent(int failure) {
    return failure == 0 || failure == EADDRNOTAVAIL || failure == ENODEV || failure == ENXIO ||
           failure == EAFNOSUPPORT || failure == EOPNOTSUPP;
}

// Two watches for a cgroup: its processes, and its creation where it or a parent does not exist
// yet.
void watch_cgroup(int inotify, const std::string& path) {
    for (int polls = 0; polls < 4; ++polls) {
        ::inotify_add_watch(inotify, (path + "/cgroup.events").c_str(), IN_MODIFY);
        auto parent = path;
        do {
            const auto slash = parent.rfind('/');
            if (slash == std::string::npos || slash == 0) return;
            parent.resize(slash);
        } while (::inotify_add_watch(inotify, parent.c_str(), IN_CREATE | IN_ONLYDIR) < 0);
        // Directories that were created between check and watch are found by checking again.
        const auto below = path.find('/', parent.size() + 1);
        const bool deepest = below == std::string::npos;
        const auto missing = deepest ? path + "/cgroup.events" : path.substr(0, below);
        if (::access(missing.c_str(), F_OK) != 0) return;
        if (deepest) break;
    }
    ::inotify_add_watch(inotify, (path + "/cgroup.events").c_str(), IN_MODIFY);
}

}  // namespace

Targets::~Targets() {
    close_fd(addresses_);
    close_fd(cgroups_);
    close_fd(epoll_);
}

model::Result<void> Targets::open() {
    epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
    if (epoll_ < 0)
        return model::error(model::Errc::invalid,
                            std::string{"epoll_create1: "} + std::strerror(errno));
    return {};
}

model::Result<void> Targets::follow(const std::vector<model::WardenTarget>& list) {
    if (list == list_ && complete_) return {};
    list_ = list;
    complete_ = false;
    close_fd(cgroups_);  // this also removes watches of former targets
    if (has(list_, Kind::cgroup)) {
        cgroups_ = ::inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
        if (!watch(epoll_, cgroups_)) return failed("inotify");
        watch_cgroups();
    }
    if (!has(list_, Kind::address)) {
        close_fd(addresses_);
    } else if (addresses_ < 0) {
        if (auto watched = watch_addresses(); !watched) {
            close_fd(addresses_);
            return watched;
        }
    }
    complete_ = true;
    return {};
}

model::Result<void> Targets::watch_addresses() {
    addresses_ = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
    sockaddr_nl groups{};
    groups.nl_family = AF_NETLINK;
    groups.nl_groups = RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR;
    const bool bound =
        addresses_ >= 0 &&
        ::bind(addresses_, reinterpret_cast<const sockaddr*>(&groups), sizeof groups) == 0;
    if (!bound || !watch(epoll_, addresses_)) return failed("netlink");
    return {};
}

void Targets::watch_cgroups() {
    for (const auto& target : list_)
        if (target.kind == Kind::cgroup) watch_cgroup(cgroups_, target.name);
}

bool Targets::changed() {
    std::array<char, 8192> buffer{};
    bool any = false;
    // An error counts as an event: a full queue has lost some.
    for (const int fd : {cgroups_, addresses_}) {
        while (fd >= 0) {
            const auto got = ::read(fd, buffer.data(), buffer.size());
            if (got < 0 && errno == EAGAIN) break;
            any = true;
            if (got <= 0) break;
        }
    }
    if (any && cgroups_ >= 0) watch_cgroups();
    return any;
}

std::string end_cgroups(const std::vector<model::WardenTarget>& list) {
    std::string stuck;
    for (const auto& target : list) {
        if (target.kind != Kind::cgroup) continue;
        kill_cgroup(target.name);
        const auto life = cgroup_life(target.name);
        if (life.alive()) stuck = target.name + ": still has processes";
        if (life.unknown()) stuck = life.why;
    }
    return stuck;
}

bool has_addresses(const std::vector<model::WardenTarget>& list) {
    return has(list, Kind::address);
}

std::string remove_addresses(const std::vector<model::WardenTarget>& list) {
    std::string stuck;
    for (const auto& target : list) {
        if (target.kind != Kind::address) continue;
        // Looked up at each use: a recreated interface has another index.
        const auto index = ::if_nametoindex(target.interface.c_str());
        // so it has no addresses either
        if (index == 0 && (errno == ENODEV || errno == ENXIO)) continue;
        const int failure = index == 0 ? errno : remove_ours(target.name, index);
        if (!is_absent(failure)) stuck = target.name + ": " + std::strerror(failure);
    }
    return stuck;
}

}  // namespace warden
