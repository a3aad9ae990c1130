// Ends this host's TCP connections over an address.
#pragma once

#include "model/ip_address.h"
#include "model/result.h"

namespace adapters::netlink {

/// Resets each connection whose local address this is, as far as that is done within 100 ms; the
/// other side gets a RST while the address is still bound. Returns how many were reset. invalid:
/// CAP_NET_ADMIN is missing. unavailable: the kernel cannot (CONFIG_INET_DIAG_DESTROY).
[[nodiscard]] model::Result<int> reset_connections(const model::IpAddress& local);

}  // namespace adapters::netlink
