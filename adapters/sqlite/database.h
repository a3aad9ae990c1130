// Captures the WAL of a SQLite database while an application writes to it. The scheme (four
// connections, pin, write lock, barrier) is described and proven in docs/replication.md.
#pragma once

#include <memory>
#include <string>

#include "model/time.h"
#include "reconcilers/ports/database.h"

namespace adapters::sqlite {

struct Options {
    /// How long a call waits for a lock held by the application or its checkpoint.
    model::Duration lock_budget = std::chrono::milliseconds{400};
};

/// The database at `path`, which need not exist. Calls must not overlap; on_change() starts a
/// thread. Linux, SQLite 3.7 or later; the file must be on a local file system.
[[nodiscard]] std::unique_ptr<reconcilers::ports::Database> make_database(std::string path,
                                                                          const Options& options);

}  // namespace adapters::sqlite
