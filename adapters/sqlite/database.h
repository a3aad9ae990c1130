// Captures the WAL of a SQLite database while an application writes it. The scheme (four
// connections, pin, fence, barrier) is described and proven in docs/replication.md.
#pragma once

#include <memory>
#include <string>

#include "model/time.h"
#include "reconcilers/ports/database.h"

namespace adapters::sqlite {

struct Options {
    /// How long a call waits for a lock that the application, or its checkpoint, holds.
    model::Duration lock_budget = std::chrono::milliseconds{400};
};

/// The database at `path`, which need not exist. All calls from one thread at a time; on_change()
/// adds a thread of its own. Linux, SQLite 3.7 or later; the file must be on a local file system.
[[nodiscard]] std::unique_ptr<reconcilers::ports::Database> make_database(std::string path,
                                                                          const Options& options);

}  // namespace adapters::sqlite
