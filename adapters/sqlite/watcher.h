// Tells when the WAL may have grown.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "adapters/sqlite/index_view.h"

namespace adapters::sqlite {

/// A thread that sleeps in inotify on the folder of the database (the -wal may not exist yet). The
/// event comes when frames are written; they are committed when the wal-index says so, an fsync
/// later. So after an event it looks at the wal-index for a moment, and wakes when that has moved.
class Watcher {
public:
    /// `index` and what `wake` refers to must outlive it.
    Watcher(const std::string& database, const IndexView& index, std::function<void()> wake);
    /// No call of `wake` is running or will come after it.
    ~Watcher();
    Watcher(const Watcher&) = delete;
    Watcher& operator=(const Watcher&) = delete;

private:
    void run(const std::stop_token& stop);
    /// Whether the folder told of the WAL before `timeout` (none: waits for ever) or stop.
    [[nodiscard]] bool wait_for_write(std::optional<std::chrono::microseconds> timeout);
    /// Returns when the wal-index differs from `last_`, or that took too long, or at stop.
    void wait_for_commit(const std::stop_token& stop);

    std::string folder_;
    std::string wal_name_;
    const IndexView& index_;
    std::function<void()> wake_;
    std::optional<IndexView::Copy> last_;
    int inotify_ = -1;
    int stop_event_ = -1;
    std::jthread thread_;
};

}  // namespace adapters::sqlite
