#include "warden/targets.h"

#include <arpa/inet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
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
#include "warden/group.h"

namespace warden {
namespace {

using Kind = model::WardenTarget::Kind;

void close_fd(int& fd) {
    if (fd >= 0) ::close(fd);
    fd = -1;
}

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

// Returns errno's value; 0: it was there and is not any more.
int delete_address(int socket, const Address& address, std::uint32_t ifindex) {
    struct Request {
        nlmsghdr header;
        ifaddrmsg message;
        rtattr attribute;
        std::array<unsigned char, 16> bytes;
    } request{};
    request.header.nlmsg_len =
        static_cast<std::uint32_t>(NLMSG_LENGTH(sizeof(ifaddrmsg)) + RTA_LENGTH(address.size));
    request.header.nlmsg_type = RTM_DELADDR;
    request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
    request.message.ifa_family = address.family;
    request.message.ifa_prefixlen = address.prefix;
    request.message.ifa_index = ifindex;
    request.attribute.rta_type = IFA_LOCAL;
    request.attribute.rta_len = static_cast<unsigned short>(RTA_LENGTH(address.size));
    request.bytes = address.bytes;
    if (::send(socket, &request, request.header.nlmsg_len, 0) < 0) return errno;
    // The kernel has done it, and answered, before send returned.
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

// Both watches of a cgroup: its processes, and its coming where it, or a parent, is not there yet.
void watch_cgroup(int inotify, const std::string& path) {
    for (int looks = 0; looks < 4; ++looks) {
        ::inotify_add_watch(inotify, (path + "/cgroup.events").c_str(), IN_MODIFY);
        auto parent = path;
        do {
            const auto slash = parent.rfind('/');
            if (slash == std::string::npos || slash == 0) return;
            parent.resize(slash);
        } while (::inotify_add_watch(inotify, parent.c_str(), IN_CREATE | IN_ONLYDIR) < 0);
        // What was made between the two looks is looked at once more.
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
    close_fd(requests_);
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

void Targets::follow(const std::vector<model::WardenTarget>& list) {
    if (list == list_) return;
    list_ = list;
    close_fd(cgroups_);  // and with it every watch of what is not on the list any more
    epoll_event event{};
    event.events = EPOLLIN;
    if (has(list_, Kind::cgroup)) {
        cgroups_ = ::inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
        if (cgroups_ >= 0) ::epoll_ctl(epoll_, EPOLL_CTL_ADD, cgroups_, &event);
        watch_cgroups();
    }
    const bool wanted = has(list_, Kind::address);
    if (!wanted) close_fd(addresses_);
    if (!wanted || addresses_ >= 0) return;
    addresses_ = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
    sockaddr_nl groups{};
    groups.nl_family = AF_NETLINK;
    groups.nl_groups = RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR;
    if (addresses_ >= 0 &&
        ::bind(addresses_, reinterpret_cast<const sockaddr*>(&groups), sizeof groups) == 0)
        ::epoll_ctl(epoll_, EPOLL_CTL_ADD, addresses_, &event);
}

void Targets::watch_cgroups() {
    for (const auto& target : list_)
        if (target.kind == Kind::cgroup) watch_cgroup(cgroups_, target.name);
}

bool Targets::changed() {
    std::array<char, 8192> buffer{};
    bool any = false;
    // An error is an event too: a full queue has lost some.
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

std::string Targets::end(const std::vector<model::WardenTarget>& list) {
    std::string stuck;
    for (const auto& target : list) {
        if (target.kind != Kind::cgroup) continue;
        kill_group({.cgroup = target.name});
        if (group_lives({.cgroup = target.name})) stuck = target.name + ": still has processes";
    }
    for (const auto& target : list) {
        if (target.kind != Kind::address) continue;
        if (requests_ < 0) requests_ = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
        const auto address = parse_address(target.name);
        const int failure = !address        ? EINVAL
                            : requests_ < 0 ? errno
                                            : delete_address(requests_, *address, target.ifindex);
        if (failure != 0 && failure != EADDRNOTAVAIL && failure != ENODEV)
            stuck = target.name + ": " + std::strerror(failure);
    }
    return stuck;
}

}  // namespace warden
