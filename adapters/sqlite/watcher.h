// Calls a function when the WAL may have grown.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "adapters/sqlite/index_view.h"

namespace adapters::sqlite {

/// A thread that waits in inotify on the directory of the database (the -wal may not exist yet).
/// The event comes when frames are written; they are committed an fsync later, when the wal-index
/// says so. So after an event it polls the wal-index for a moment, and calls `wake` when it has
/// changed.
class Watcher {
public:
    /// `index`, and what `wake` refers to, must outlive it.
    Watcher(const std::string& database, const IndexView& index, std::function<void()> wake);
    /// When it returns, no call of `wake` is running or will begin.
    ~Watcher();
    Watcher(const Watcher&) = delete;
    Watcher& operator=(const Watcher&) = delete;

private:
    void run(const std::stop_token& stop);
    /// Whether the WAL was written before `timeout` (empty: no limit) or stop.
    [[nodiscard]] bool wait_for_write(std::optional<std::chrono::microseconds> timeout);
    /// Returns when the wal-index differs from `last_`, or that took too long, or at stop.
    void wait_for_commit(const std::stop_token& stop);

    std::string directory_;
    std::string wal_name_;
    const IndexView& index_;
    std::function<void()> wake_;
    std::optional<IndexView::Copy> last_;
    int inotify_ = -1;
    int stop_event_ = -1;
    std::jthread thread_;
};

}  // namespace adapters::sqlite
