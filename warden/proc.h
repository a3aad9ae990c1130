// Processes as shown in /proc. None of these blocks on the process that is read, except
// read_environment(), which waits for the lock of its memory and for pages on a disk.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "model/proc_text.h"
#include "model/result.h"
#include "warden/life.h"

namespace warden {

/// Reads a whole kernel file. not_found: it does not exist, or its process is gone. unavailable: it
/// cannot be read; the message has the reason.
[[nodiscard]] model::Result<std::string> read_all(const std::string& path);
/// The same for an open file, from its beginning.
[[nodiscard]] model::Result<std::string> read_again(int fd);
/// Writes in a single call. False: failed, with errno.
[[nodiscard]] bool write_all(const std::string& path, std::string_view text);

/// /proc/PID/stat; `threads` of a process whose first thread has ended counts those that have not,
/// and it. Errors as in read_all.
[[nodiscard]] model::Result<model::ProcessStat> process_stat(pid_t pid);

/// Start time of a living process; empty: there is none, or it is not known.
[[nodiscard]] std::optional<std::uint64_t> start_ticks(pid_t pid);

/// Whether the process with this pid and start time is alive.
[[nodiscard]] Life process_life(pid_t pid, std::uint64_t ticks);

/// Sends SIGKILL if `same`, called while a pidfd holds the process, returns true: so never to
/// another process that got the pid meanwhile. False: not sent.
[[nodiscard]] bool kill_if(pid_t pid, const std::function<bool()>& same);

/// Calls `visit` for each process. unavailable: /proc cannot be listed.
[[nodiscard]] model::Result<void> for_each_process(const std::function<void(pid_t)>& visit);

}  // namespace warden
