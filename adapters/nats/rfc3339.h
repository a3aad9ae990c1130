// Times as servers and services write them: RFC 3339 in UTC.
#pragma once

#include <string>
#include <string_view>

#include "model/time.h"

namespace adapters::nats {

/// To the millisecond; what is below is cut off. 0 for anything else: such times are for people.
[[nodiscard]] model::WallTime from_rfc3339(std::string_view text);

/// "2026-11-21T02:23:51.055Z"
[[nodiscard]] std::string to_rfc3339(model::WallTime time);

}  // namespace adapters::nats
