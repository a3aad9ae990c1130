// What files of /proc and of cgroups say, once they are read (proc(5), cgroups(7)).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace model {

/// /proc/PID/stat.
struct ProcessStat {
    char state = '?';
    std::int32_t parent = 0;
    long threads = 0;
    std::uint64_t start_ticks = 0;  // since boot; detects a reused pid
    std::int32_t exit_status = 0;   // as waitpid() returns it; 0 where this user may not read it

    /// The first thread may have ended before the others.
    [[nodiscard]] bool ended() const { return (state == 'Z' || state == 'X') && threads <= 1; }
    friend bool operator==(const ProcessStat&, const ProcessStat&) = default;
};

/// Empty: it is malformed.
[[nodiscard]] std::optional<ProcessStat> parse_process_stat(const std::string& text);

/// The pids in a list that spaces or line ends separate, up to the first that is none.
[[nodiscard]] std::vector<std::int32_t> parse_pids(const std::string& text);

}  // namespace model
