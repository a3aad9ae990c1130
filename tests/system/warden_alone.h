// The real warden, for cases in which containment makes no difference.
#pragma once

#include <unistd.h>

#include <sstream>
#include <string>

#include "tests/system/warden_world.h"

namespace tests {

inline std::string line_of(const std::string& text, const std::string& start) {
    std::istringstream lines{text};
    for (std::string line; std::getline(lines, line);)
        if (line.rfind(start, 0) == 0) return line;
    return {};
}

inline std::string boot_id() {
    auto id = read_file("/proc/sys/kernel/random/boot_id");
    return id.substr(0, id.find('\n'));
}

class WardenAlone : public WardenWorld {
protected:
    /// Line of the lock file. 0: the pid; 1: the path of the state file.
    [[nodiscard]] std::string lock_line(int number) const {
        std::istringstream lines{read_file(path("lock"))};
        std::string line;
        for (int i = 0; i <= number; ++i)
            std::getline(lines, line);
        return line;
    }
    /// Token of an earlier backend, unique to this test: whatever has it is killed, wherever it
    /// runs.
    const std::string token_ = "old-" + std::to_string(::getpid()) + "-1";
};

}  // namespace tests
