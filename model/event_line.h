// One log event as one line of text, JSON or journal text. Shared by both processes, so that their
// lines look alike.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/result.h"
#include "model/time.h"

namespace model {

enum class EventLevel : std::uint8_t { debug, info, warning, error };

enum class LineFormat : std::uint8_t {
    text,     // 2026-01-02T03:04:05.678Z info  lease.renewed epoch=3 reason="late answer"
    json,     // {"time":"2026-01-02T03:04:05.678Z","level":"info","event":"lease.renewed",...}
    journal,  // <6>lease.renewed epoch=3: the journal has time and level of its own
};

using EventFields = std::vector<std::pair<std::string_view, std::string>>;

[[nodiscard]] std::string_view to_text(EventLevel level);

/// invalid: not one of "debug", "info", "warning", "error".
[[nodiscard]] Result<EventLevel> parse_event_level(std::string_view text);
/// invalid: not one of "text", "json", "journald".
[[nodiscard]] Result<LineFormat> parse_line_format(std::string_view text);

/// The line with its newline. Values are quoted where they hold anything but letters, digits and
/// "_-./:@+,%". Control characters are escaped, so that a value cannot forge a line; bytes that are
/// not UTF-8 become U+FFFD, so that a JSON line is always valid.
[[nodiscard]] std::string event_line(LineFormat format,
                                     WallTime at,
                                     EventLevel level,
                                     std::string_view name,
                                     const EventFields& fields);

}  // namespace model
