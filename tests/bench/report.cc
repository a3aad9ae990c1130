#include "tests/bench/report.h"

#include <algorithm>
#include <cstdio>

namespace bench {
namespace {

void end_line(const std::string& budget) {
    std::printf("%s%s\n", budget.empty() ? "" : "   budget: ", budget.c_str());
    std::fflush(stdout);
}

}  // namespace

double ms_since(Clock::time_point start) {
    return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

double quantile(std::vector<double> values, double part) {
    if (values.empty()) return 0;
    std::sort(values.begin(), values.end());
    return values[static_cast<std::size_t>(part * static_cast<double>(values.size() - 1) + 0.5)];
}

double median(const std::vector<double>& values) { return quantile(values, 0.5); }

void show_title(const std::string& title) {
    std::printf("\n== %s\n", title.c_str());
    std::fflush(stdout);
}

void show(const std::string& what,
          const std::vector<double>& values,
          const std::string& unit,
          const std::string& budget) {
    std::printf("  %-50s p50 %8.2f  p99 %8.2f  max %8.2f %s (n=%zu)",
                what.c_str(),
                quantile(values, 0.5),
                quantile(values, 0.99),
                quantile(values, 1),
                unit.c_str(),
                values.size());
    end_line(budget);
}

void show(const std::string& what,
          double value,
          const std::string& unit,
          const std::string& budget) {
    std::printf("  %-50s %12.2f %s", what.c_str(), value, unit.c_str());
    end_line(budget);
}

void show_note(const std::string& text) {
    std::printf("  %s\n", text.c_str());
    std::fflush(stdout);
}

}  // namespace bench
