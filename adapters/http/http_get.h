// Fetches one page of an HTTP server on this machine.
#pragma once

#include <string>
#include <string_view>

#include "model/host_port.h"
#include "model/result.h"
#include "model/time.h"

namespace adapters::http {

/// The body of the answer, up to 1 MiB. Blocks for `timeout` at most, the look-up of a name
/// included.
///
/// unavailable  nobody listens there, or no complete answer came in time
/// invalid      the answer is not HTTP, not status 200, or not of a known length
[[nodiscard]] model::Result<std::string> get(const model::HostPort& server,
                                             std::string_view path,
                                             model::Duration timeout);

}  // namespace adapters::http
