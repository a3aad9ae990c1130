// Output of figures, one line each, in the same columns.
#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace bench {

using Clock = std::chrono::steady_clock;

[[nodiscard]] double ms_since(Clock::time_point start);

/// The quantile `part`, 0 to 1; 0 where there are no values.
[[nodiscard]] double quantile(std::vector<double> values, double part);
[[nodiscard]] double median(const std::vector<double>& values);

void show_title(const std::string& title);
/// Prints p50, p99 and max. `budget`: the target, "" where there is none.
void show(const std::string& what,
          const std::vector<double>& values,
          const std::string& unit,
          const std::string& budget = {});
/// Prints a single figure.
void show(const std::string& what,
          double value,
          const std::string& unit,
          const std::string& budget = {});
void show_note(const std::string& text);

}  // namespace bench
