#include "adapters/netlink/listener.h"

#include <linux/rtnetlink.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <utility>

namespace adapters::netlink {
namespace {

// A host that says again and again that it has the address wakes no oftener.
constexpr std::chrono::milliseconds between_wakes{50};
constexpr int events_buffer = 256 * 1024;  // bytes

}  // namespace

void Listener::Close::operator()(nl_sock* socket) const { nl_socket_free(socket); }

Listener::Listener(const FrameSockets& sockets,
                   reconcilers::ports::Clock& clock,
                   std::function<void()> wake)
    : sockets_{sockets}, clock_{clock}, wake_{std::move(wake)} {
    open_events();
    stop_event_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (stop_event_ < 0) return;
    thread_ = std::jthread{[this](const std::stop_token& stop) { run(stop); }};
}

Listener::~Listener() {
    if (thread_.joinable()) {
        thread_.request_stop();
        const std::uint64_t one = 1;
        (void)!::write(stop_event_, &one, sizeof one);
        thread_.join();
    }
    if (stop_event_ >= 0) ::close(stop_event_);
}

void Listener::open_events() {
    std::unique_ptr<nl_sock, Close> events{nl_socket_alloc()};
    if (!events) return;
    nl_socket_disable_seq_check(events.get());
    if (nl_connect(events.get(), NETLINK_ROUTE) < 0) return;
    (void)nl_socket_set_buffer_size(events.get(), events_buffer, 0);
    if (nl_socket_add_memberships(
            events.get(), RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR, RTNLGRP_NONE) <
            0 ||
        nl_socket_set_nonblocking(events.get()) < 0)
        return;
    events_ = std::move(events);
}

void Listener::run(const std::stop_token& stop) {
    std::array<pollfd, 4> input{
        {{.fd = stop_event_, .events = POLLIN, .revents = 0},
         {.fd = events_ ? nl_socket_get_fd(events_.get()) : -1, .events = POLLIN, .revents = 0},
         {.fd = sockets_.arp(), .events = POLLIN, .revents = 0},
         {.fd = sockets_.icmp(), .events = POLLIN, .revents = 0}}};
    while (!stop.stop_requested()) {
        if (::poll(input.data(), input.size(), -1) < 0 && errno != EINTR) return;
        bool news = read_events();
        sockets_.receive(
            [&](std::uint32_t link, const Claim& claim) { news = note(link, claim) || news; });
        if (news && !stop.stop_requested()) wake_();
    }
}

/// What an event says does not matter: the reconciler reads the whole state. A full buffer has lost
/// some, and so counts as an event.
bool Listener::read_events() const {
    if (!events_) return false;
    std::array<char, 8192> buffer{};
    bool any = false;
    for (;;) {
        const auto got =
            ::recv(nl_socket_get_fd(events_.get()), buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (got < 0 && errno != ENOBUFS) return any;
        any = true;
        if (got == 0) return any;
    }
}

bool Listener::note(std::uint32_t link, const Claim& claim) {
    const auto now = clock_.now();
    const sync::Lock lock{mutex_};
    if (!places_.contains({claim.address, link}) || own_.contains(claim.mac)) return false;
    auto& other = others_[claim.address];
    const bool news = other.mac != claim.mac || now >= other.at + between_wakes;
    other = {.mac = claim.mac, .at = now};
    return news;
}

void Listener::set_places(std::set<Place> places, std::set<MacAddress> own) {
    const sync::Lock lock{mutex_};
    places_ = std::move(places);
    own_ = std::move(own);
}

std::optional<reconcilers::ports::OtherOwner> Listener::other(const model::IpAddress& address) {
    const sync::Lock lock{mutex_};
    const auto found = others_.find(address);
    if (found == others_.end()) return {};
    return found->second;
}

}  // namespace adapters::netlink
