// How a figure is shown: one line each, the same columns everywhere.
#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace bench {

using Clock = std::chrono::steady_clock;

[[nodiscard]] double ms_since(Clock::time_point start);

/// The value below which that part of them lies, 0 to 1; 0 where there is none.
[[nodiscard]] double quantile(std::vector<double> values, double part);
[[nodiscard]] double median(const std::vector<double>& values);

void show_title(const std::string& title);
/// p50, p99 and max. `budget`: what it ought to be, "" where nothing is promised.
void show(const std::string& what,
          const std::vector<double>& values,
          const std::string& unit,
          const std::string& budget = {});
/// One figure.
void show(const std::string& what,
          double value,
          const std::string& unit,
          const std::string& budget = {});
void show_note(const std::string& text);

}  // namespace bench
