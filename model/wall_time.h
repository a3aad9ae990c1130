// Wall-clock time as text.
#pragma once

#include <string>
#include <string_view>

#include "model/result.h"
#include "model/time.h"

namespace model {

/// "2026-01-31T23:59:59.123Z"; clamped to the years 0000 to 9999. Source: RFC 3339.
[[nodiscard]] std::string to_rfc3339(WallTime time);

/// Accepts any offset and any number of fractional digits (digits below a millisecond are dropped),
/// as Go writes them. invalid: not such a text, no such day or time, or beyond the years 0000 to
/// 9999 in UTC. Source: RFC 3339.
[[nodiscard]] Result<WallTime> parse_rfc3339(std::string_view text);

}  // namespace model
