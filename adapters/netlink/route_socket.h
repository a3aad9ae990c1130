// Requests to the kernel about addresses and links.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "model/ip_address.h"
#include "model/result.h"

struct nl_sock;

namespace adapters::netlink {

struct Link {
    std::uint32_t index = 0;
    bool carrier = false;   // up, and with a carrier
    bool ethernet = false;  // others have no ARP and no neighbour discovery
    model::MacAddress mac{};
    friend bool operator==(const Link&, const Link&) = default;
};

/// An address as the kernel lists it.
struct Listed {
    model::IpPrefix at;
    std::uint32_t index = 0;  // of its interface
    bool permanent = false;   // its lifetime is unlimited
    bool unusable = false;    // tentative, or a duplicate
};

/// One request at a time, each with a limit on the time for its answer; the number in an answer is
/// compared with that of its request. After a failure it begins with a new socket, so that no late
/// answer is taken for that of another request.
class RouteSocket {
public:
    RouteSocket();
    ~RouteSocket();
    RouteSocket(const RouteSocket&) = delete;
    RouteSocket& operator=(const RouteSocket&) = delete;

    /// By name. unavailable: no answer in time.
    [[nodiscard]] model::Result<std::map<std::string, Link>> links();
    [[nodiscard]] model::Result<std::vector<Listed>> addresses();

    /// Adds the address, without duplicate address detection. invalid: CAP_NET_ADMIN is missing.
    /// not_found: no such interface. conflict: it is there.
    [[nodiscard]] model::Result<void> add(const model::IpPrefix& address,
                                          std::uint32_t index,
                                          std::chrono::seconds lifetime);
    /// Sets the lifetime of the address that is there; adds it where it is not.
    [[nodiscard]] model::Result<void> extend(const model::IpPrefix& address,
                                             std::uint32_t index,
                                             std::chrono::seconds lifetime);
    /// Success where it is absent.
    [[nodiscard]] model::Result<void> remove(const model::IpPrefix& address, std::uint32_t index);

private:
    struct Close {
        void operator()(nl_sock* socket) const;
    };
    [[nodiscard]] model::Result<nl_sock*> socket();
    [[nodiscard]] model::Result<void> request(const model::IpPrefix& address,
                                              std::uint32_t index,
                                              std::chrono::seconds lifetime,
                                              int flags);
    /// The failure of a request, and what to do about the socket.
    [[nodiscard]] model::Error failed(int code, const std::string& what);

    std::unique_ptr<nl_sock, Close> socket_;
};

}  // namespace adapters::netlink
