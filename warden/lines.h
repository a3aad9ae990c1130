// Log output that never blocks. Two helpers are between the warden and the descriptor that the
// daemon was started with, which may be a full pipe, a terminal stopped by Ctrl-S or a file on a
// disk that hangs:
//
//   warden ─ pipe ┐
//   node   ─ pipe ┼─ collector ─ pipe ─ printer ─ descriptor 2
//   backend ─ pipe┘
//
// The collector never blocks: it reads what comes, and drops whole lines while the printer does not
// take them. Only the printer writes to the descriptor, and only it can hang there. So a log
// without a reader blocks neither node process nor backend, and the warden never blocks: its end of
// its pipe is non-blocking. Dropped lines are counted and reported when lines can be written again.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "model/event_line.h"
#include "model/result.h"
#include "model/time.h"
#include "warden/core.h"
#include "warden/helper.h"

namespace warden {

class Lines {
public:
    Lines(model::LineFormat format, Origin origin);
    /// Calls end().
    ~Lines();
    Lines(const Lines&) = delete;
    Lines& operator=(const Lines&) = delete;

    /// Creates the pipes and starts the helpers. invalid: no pipe could be created. A helper that
    /// could not be started is started later by check_time.
    [[nodiscard]] model::Result<void> open(model::Instant now);

    /// Never blocks, never fails: a line that cannot be written is counted.
    void write(const LogEvent& event);

    /// Descriptors for the children's output; owned by this object.
    [[nodiscard]] int node_output() const { return node_.write; }
    [[nodiscard]] int backend_output() const { return backend_.write; }
    /// JOURNAL_STREAM for the node process, whose output reaches the journal through the pipe;
    /// empty where this log does not go to the journal.
    [[nodiscard]] const std::string& journal_stream() const { return journal_stream_; }

    /// Call when a child was reaped. True: it was a helper; a new one is started, at the earliest a
    /// second after the last start.
    bool reaped(pid_t pid, model::Instant now);
    void check_time(model::Instant now);
    [[nodiscard]] std::optional<model::Instant> wakeup() const { return start_at_; }
    /// All helpers that are not reaped.
    [[nodiscard]] const std::set<pid_t>& helpers() const { return helpers_; }

    /// Has the last lines printed and ends the helpers; waits at most a quarter of a second.
    void end();

private:
    struct Pipe {
        int read = -1;
        int write = -1;
    };
    [[nodiscard]] static bool create(Pipe& pipe);
    static void close(Pipe& pipe);
    [[nodiscard]] bool put(const std::string& line) const;
    void start(model::Instant now);

    model::LineFormat format_;
    Origin origin_;
    std::string journal_stream_;
    // The reading ends are kept open here, too, so that nothing written while no collector runs is
    // lost or causes SIGPIPE in the backend.
    Pipe own_;
    Pipe node_;
    Pipe backend_;
    int ended_ = -1;  // readable at end of file: no helper is alive
    std::uint64_t dropped_ = 0;

    std::set<pid_t> helpers_;
    pid_t collector_ = 0;
    pid_t printer_ = 0;
    std::optional<model::Instant> started_;
    std::optional<model::Instant> start_at_;
};

}  // namespace warden
