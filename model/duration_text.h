// Durations as Go writes them ("24h", "1h30m", "500ms"), for the keys that the Go manager defines
// so.
#pragma once

#include <string>
#include <string_view>

#include "model/result.h"
#include "model/time.h"

namespace model {

/// A sequence of decimal numbers, each with a unit (ns, us, µs, ms, s, m, h) and an optional
/// fraction, an optional sign before the first; "0" needs no unit.
///
/// invalid  not such a text, or beyond the 292 years that 64-bit nanoseconds can count
///
/// Source: Go, package time, ParseDuration.
[[nodiscard]] Result<Duration> parse_duration(std::string_view text);

/// The shortest exact text in hours, minutes, seconds and milliseconds: "24h", "1h30m", "1s500ms".
/// What is below a millisecond is dropped.
[[nodiscard]] std::string to_text(Duration duration);

}  // namespace model
