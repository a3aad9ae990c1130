// Processes of a test, by /proc and cgroup2.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace test_support {

/// As execv() takes arguments: valid while the texts are.
[[nodiscard]] std::vector<char*> pointers(std::vector<std::string>& texts);

/// Exists and is not a zombie.
[[nodiscard]] bool lives(pid_t pid);

/// The contents of a file; "" where it cannot be read.
[[nodiscard]] std::string read_text(const std::string& path);

/// The command line, each argument ended by a NUL; "" for a process that ended or is a zombie.
[[nodiscard]] std::string command_line(pid_t pid);

/// Living children of a process, in order of pid.
[[nodiscard]] std::vector<pid_t> children(pid_t parent);

/// Every living process but this one whose command line or environment contains `text`.
[[nodiscard]] std::vector<pid_t> processes_naming(const std::string& text);

/// Starts a process in a session of its own, killed when the calling thread ends. Its output is
/// appended to `log`; `environment` (NAME=value) is added to this process's. 0: fork failed.
[[nodiscard]] pid_t spawn(const std::vector<std::string>& command,
                          const std::vector<std::string>& environment,
                          const std::string& log);

/// Exit status of a child (128 + signal where killed by one); empty: it is still running.
[[nodiscard]] std::optional<int> reap(pid_t pid);

struct Ended {
    int status = -1;  // as reap() has it; -1: it was killed after `limit`
    std::string out;
    std::string err;
};
/// Runs a command to its end.
[[nodiscard]] Ended run(const std::vector<std::string>& words,
                        std::chrono::seconds limit = std::chrono::seconds{40});

/// A port of 127.0.0.1 that is unused, below the kernel's range for outgoing connections; never the
/// same twice in a process.
[[nodiscard]] int free_port();

}  // namespace test_support
