// Wall-clock time as text.
#pragma once

#include <string>
#include <string_view>

#include "model/result.h"
#include "model/time.h"

namespace model {

/// "2026-01-31T23:59:59.123Z"; years 0000 to 9999, clamped.
/// Source: RFC 3339.
[[nodiscard]] std::string to_rfc3339(WallTime time);

/// Any offset, any number of fractional digits (what is below a millisecond is dropped), as Go
/// writes them. invalid: no such text, or no such day or time.
/// Source: RFC 3339.
[[nodiscard]] Result<WallTime> parse_rfc3339(std::string_view text);

}  // namespace model
