// Runs Litestream for comparison, on the same kind of server, and observes its bucket.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <memory>
#include <string>

#include "tests/support/temp_dir.h"

namespace bench {

/// The object store of a log, as an observer sees it.
class Bucket {
public:
    /// Creates the bucket where absent. Throws on failure.
    Bucket(const std::string& url, const std::string& name);
    ~Bucket();

    /// Ignores the files that are there already.
    void skip();
    /// Waits for a level 0 file that was not there at the last call of skip() or wait_file().
    /// False: none came.
    [[nodiscard]] bool wait_file(std::chrono::seconds limit = std::chrono::seconds{10});

private:
    struct State;
    std::unique_ptr<State> state_;
};

/// Runs `litestream replicate` for one database, from construction to destruction.
class Litestream {
public:
    /// `interval`: for checks of the WAL and for uploads, e.g. "10ms"; "": its defaults.
    Litestream(const std::string& database,
               const std::string& url,
               const std::string& bucket,
               const std::string& interval = {});
    ~Litestream();
    Litestream(const Litestream&) = delete;
    Litestream& operator=(const Litestream&) = delete;

    [[nodiscard]] pid_t pid() const { return pid_; }
    /// Whether Litestream was built on this machine.
    [[nodiscard]] static bool present();

private:
    test_support::TempDir directory_;
    pid_t pid_ = 0;
};

}  // namespace bench
