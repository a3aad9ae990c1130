// Processes of a test, as /proc and cgroup2 show them.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace test_support {

/// Neither dead nor a zombie.
[[nodiscard]] bool lives(pid_t pid);

/// The whole of a file; "" where it cannot be read.
[[nodiscard]] std::string read_text(const std::string& path);

/// Its words, each ended by a NUL; "" for a process that is gone or a zombie.
[[nodiscard]] std::string command_line(pid_t pid);

/// Living children of a process, in order of their pid.
[[nodiscard]] std::vector<pid_t> children(pid_t parent);

/// Every living process, but this one, whose command line or environment holds `text`.
[[nodiscard]] std::vector<pid_t> processes_naming(const std::string& text);

/// A process of its own, in a session of its own, that ends with the thread that started it. Its
/// output is added to `log`; `environment` (NAME=value) is added to this process's. 0: no fork.
[[nodiscard]] pid_t spawn(const std::vector<std::string>& command,
                          const std::vector<std::string>& environment,
                          const std::string& log);

/// Exit status of a child (128 + signal where one ended it); empty: it still runs.
[[nodiscard]] std::optional<int> reap(pid_t pid);

/// A port of 127.0.0.1 that nobody uses, below the kernel's range for outgoing connections; never
/// the same twice in a process.
[[nodiscard]] int free_port();

}  // namespace test_support
