// A process that only commits, as fast as it can:
//
//   plain_writer DATABASE NORMAL|FULL SECONDS     prints: commits/s, p50 and p99 in us, worst in ms
#include <cstdio>
#include <cstdlib>
#include <exception>

#include "tests/bench/commits.h"
#include "tests/bench/report.h"

int main(int argc, char** argv) {
    if (argc != 4) return 2;
    try {
        bench::Commits commits{argv[1], argv[2]};
        const double limit = std::atof(argv[3]) * 1000;
        std::vector<double> took;
        const auto begin = bench::Clock::now();
        while (bench::ms_since(begin) < limit) {
            const auto start = bench::Clock::now();
            commits.one();
            took.push_back(bench::ms_since(start));
        }
        const auto all = bench::ms_since(begin);
        std::printf("%.1f %.1f %.1f %.2f\n",
                    1000 * static_cast<double>(took.size()) / all,
                    1000 * bench::quantile(took, 0.5),
                    1000 * bench::quantile(took, 0.99),
                    bench::quantile(took, 1));
    } catch (const std::exception& failure) {
        std::fprintf(stderr, "plain_writer: %s\n", failure.what());
        return 1;
    }
    return 0;
}
