// The collector and the printer, through which lines reach the log. See lines.h.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/event_line.h"
#include "model/time.h"

namespace warden {

/// In bytes; a longer line is split.
inline constexpr std::size_t longest_line = std::size_t{16} * 1024;

/// The collector: moves lines from all of `from` to `to`, all non-blocking, until the first of
/// `from` ends, then the rest. Drops what `to` does not take, and reports the number once it takes
/// lines again. Returns early when `to` has no reader.
void collect_lines(const std::vector<int>& from, int to, model::LineFormat format);

/// The printer: writes lines from `from` to `to`, and blocks there as long as necessary. Lines that
/// `to` refuses are counted and reported once it accepts some again.
void print_lines(int from, int to, model::LineFormat format);

/// The event that reports dropped lines.
[[nodiscard]] std::string dropped_line(model::LineFormat format, std::uint64_t lines);

[[nodiscard]] model::WallTime wall_now();

}  // namespace warden
