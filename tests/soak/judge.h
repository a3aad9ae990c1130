// Whether what a process uses grows.
#pragma once

#include <string>
#include <vector>

namespace soak {

/// At one moment.
struct Sample {
    double seconds = 0;  // since the first one
    double fds = 0;
    double rss_kb = 0;
    double switches = 0;  // voluntary context switches of all threads so far: wake-ups
};

/// Of one process, from a quarter of all samples to another: the first one (after the warm-up,
/// which the caller leaves out) and the last one.
struct Growth {
    double fds_before = 0, fds_after = 0;    // the largest
    double rss_before = 0, rss_after = 0;    // the median, kB
    double rate_before = 0, rate_after = 0;  // wake-ups in a second
    std::vector<std::string> too_much;       // what exceeds its bound, for people
};

// What is no growth: a connection that is being made anew, pages that were touched for the first
// time, a machine with other work to do.
inline constexpr double fds_more = 2;
inline constexpr double rss_more_kb = 1024;
inline constexpr double rss_factor = 1.05;
inline constexpr double rate_more = 5;
inline constexpr double rate_factor = 1.25;

/// Of eight samples or more, in their order.
[[nodiscard]] Growth judge(const std::vector<Sample>& samples);

}  // namespace soak
