// A host with a port, as flags, keys and listeners have it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "model/result.h"

namespace model {

/// An address to listen on or connect to.
struct HostPort {
    std::string host;
    std::uint16_t port = 0;
    friend bool operator==(const HostPort&, const HostPort&) = default;
};

/// Parses "host:port", or "[address]:port" for IPv6. invalid: no host, or no port from 1 to 65535;
/// the message ends with `example`, a valid value.
[[nodiscard]] Result<HostPort> parse_host_port(std::string_view text,
                                               std::string_view example = "0.0.0.0:8080");
[[nodiscard]] std::string to_text(const HostPort& address);

}  // namespace model
