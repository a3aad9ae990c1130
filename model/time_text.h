// Wall time as RFC 3339 text.
#pragma once

#include <string>

#include "model/time.h"

namespace model {

/// UTC with up to three fraction digits, trailing zeros cut: "2026-11-21T02:17:00.12Z". As Go's
/// RFC3339Nano writes a time of whole milliseconds.
[[nodiscard]] std::string to_rfc3339(WallTime time);

}  // namespace model
