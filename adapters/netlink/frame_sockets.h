// The sockets over which addresses are announced and asked for, opened at the start of the process
// and kept: to open one takes as long as a takeover may.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "adapters/netlink/frames.h"
#include "adapters/netlink/route_socket.h"
#include "model/result.h"

namespace adapters::netlink {

class FrameSockets {
public:
    FrameSockets() = default;
    ~FrameSockets();
    FrameSockets(const FrameSockets&) = delete;
    FrameSockets& operator=(const FrameSockets&) = delete;

    /// Which of the two are needed; those that are open stay so. invalid: CAP_NET_RAW is missing.
    /// unavailable: another reason, which may be gone at the next attempt.
    [[nodiscard]] model::Result<void> open(bool v4, bool v6);

    [[nodiscard]] model::Result<void> probe(const Link& link, const model::IpAddress& target);
    [[nodiscard]] model::Result<void> announce(const Link& link, const model::IpAddress& address);

    /// To be polled for input; -1: not open.
    [[nodiscard]] int arp() const { return arp_; }
    [[nodiscard]] int icmp() const { return icmp_; }
    /// Reads what has arrived from the link itself, with the index of the interface that received
    /// it. Called by one thread; the other calls by another.
    void receive(const std::function<void(std::uint32_t link, const Claim&)>& found) const;

private:
    [[nodiscard]] model::Result<void> send_arp(const Link& link, const Packet& frame) const;
    /// `from`: null, or the source.
    [[nodiscard]] model::Result<void> send_icmp(const Link& link,
                                                const model::IpAddress& to,
                                                const model::IpAddress* from,
                                                const Packet& message) const;

    int arp_ = -1;
    int icmp_ = -1;
};

}  // namespace adapters::netlink
