#include "tests/bench/usage.h"

#include <unistd.h>

#include <cstdlib>
#include <sstream>
#include <string>

#include "tests/support/processes.h"

namespace bench {

Usage usage(pid_t pid) {
    Usage used;
    const auto directory = "/proc/" + std::to_string(pid);
    const auto stat = test_support::read_text(directory + "/stat");
    // The second field, the process name, may contain spaces; utime and stime are fields 14 and 15.
    std::istringstream fields{stat.substr(stat.rfind(')') + 1)};
    std::string word;
    for (int field = 3; fields >> word && field <= 15; ++field) {
        if (field >= 14) {
            used.cpu_ms += std::strtod(word.c_str(), nullptr) * 1000 /
                           static_cast<double>(sysconf(_SC_CLK_TCK));
        }
    }
    std::istringstream lines{test_support::read_text(directory + "/status")};
    double kb = 0;
    while (lines >> word) {
        if (word == "VmRSS:" && lines >> kb) used.rss_mb = kb / 1024;
        if (word == "VmHWM:" && lines >> kb) used.peak_mb = kb / 1024;
    }
    return used;
}

Usage usage(const test_support::Cluster& cluster, int node) {
    return usage(cluster.warden_pid(node)) + usage(cluster.node_pid(node));
}

}  // namespace bench
