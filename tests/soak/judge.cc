#include "tests/soak/judge.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace soak {
namespace {

using Samples = std::vector<Sample>;

double largest_fds(const Samples& of) {
    double largest = 0;
    for (const auto& each : of)
        largest = std::max(largest, each.fds);
    return largest;
}

double median_rss(const Samples& of) {
    std::vector<double> all;
    for (const auto& each : of)
        all.push_back(each.rss_kb);
    std::sort(all.begin(), all.end());
    return all.empty() ? 0 : all[all.size() / 2];
}

double rate(const Samples& of) {
    const auto time = of.back().seconds - of.front().seconds;
    return time > 0 ? (of.back().switches - of.front().switches) / time : 0;
}

std::string grew(const std::string& what, double before, double after, double bound) {
    const auto whole = [](double number) { return std::to_string(std::llround(number)); };
    return what + " grew from " + whole(before) + " to " + whole(after) + ", more than to " +
           whole(bound);
}

}  // namespace

Growth judge(const std::vector<Sample>& samples) {
    const auto quarter = static_cast<std::ptrdiff_t>(samples.size() / 4);
    Growth growth;
    if (quarter < 2) {
        growth.too_much.emplace_back("too few samples to tell");
        return growth;
    }
    const Samples first{samples.begin(), samples.begin() + quarter};
    const Samples last{samples.end() - quarter, samples.end()};
    growth.fds_before = largest_fds(first);
    growth.fds_after = largest_fds(last);
    growth.rss_before = median_rss(first);
    growth.rss_after = median_rss(last);
    growth.rate_before = rate(first);
    growth.rate_after = rate(last);
    const auto hold = [&growth](const std::string& what, double before, double after, double to) {
        if (after > to) growth.too_much.push_back(grew(what, before, after, to));
    };
    hold("open files", growth.fds_before, growth.fds_after, growth.fds_before + fds_more);
    hold("RSS in kB",
         growth.rss_before,
         growth.rss_after,
         growth.rss_before * rss_factor + rss_more_kb);
    hold("wake-ups in a second",
         growth.rate_before,
         growth.rate_after,
         growth.rate_before * rate_factor + rate_more);
    return growth;
}

}  // namespace soak
