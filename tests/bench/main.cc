// Benchmarks of whole clusters on this machine with NATS on loopback. Such machines are noisy:
// compare figures of one run only. docs/performance.md explains each figure.
//
//   cluster_bench [--seconds N] [--megabytes N,N...] [SCENARIO...]     all scenarios by default
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "tests/bench/bench.h"

namespace {

using Scenario = std::pair<const char*, void (*)(const bench::Options&)>;

constexpr Scenario scenarios[] = {
    {"lag", bench::show_lag},
    {"upload", bench::show_upload},
    {"switchover", bench::show_switchover},
    {"vip", bench::show_vip},
    {"crash", bench::show_crash},
    {"promotion", bench::show_promotion},
    {"writer", bench::show_writer},
    {"idle", bench::show_idle},
};

[[noreturn]] void usage() {
    std::fprintf(stderr,
                 "usage: cluster_bench [--seconds N] [--megabytes N,N...] [SCENARIO...]\n"
                 "scenarios:");
    for (const auto& [name, run] : scenarios)
        std::fprintf(stderr, " %s", name);
    std::fprintf(stderr, "\n");
    std::exit(2);
}

bool known(const std::string& name) {
    return std::any_of(std::begin(scenarios), std::end(scenarios), [&](const Scenario& each) {
        return name == each.first;
    });
}

}  // namespace

int main(int argc, char** argv) {
    bench::Options options;
    std::vector<std::string> chosen;
    for (int i = 1; i < argc; ++i) {
        const std::string word = argv[i];
        if (word == "--seconds" && i + 1 < argc) {
            options.seconds = std::clamp(std::atoi(argv[++i]), 1, 600);
        } else if (word == "--megabytes" && i + 1 < argc) {
            options.megabytes.clear();
            std::istringstream sizes{argv[++i]};
            for (std::string size; std::getline(sizes, size, ',');)
                options.megabytes.push_back(std::clamp(std::atoi(size.c_str()), 1, 20'000));
        } else if (known(word)) {
            chosen.push_back(word);
        } else {
            usage();
        }
    }
    try {
        for (const auto& [name, run] : scenarios) {
            if (chosen.empty() || std::find(chosen.begin(), chosen.end(), name) != chosen.end()) {
                run(options);
            }
        }
    } catch (const std::exception& failure) {
        std::fprintf(stderr, "cluster_bench: %s\n", failure.what());
        return 1;
    }
    return 0;
}
