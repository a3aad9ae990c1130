// Litestream as our peer, into a bucket of the same kind of server; and a look into such a bucket.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <memory>
#include <string>

#include "tests/support/temp_dir.h"

namespace bench {

/// The object store of a log, seen from outside.
class Bucket {
public:
    /// Made where it is absent. Throws where that does not work.
    Bucket(const std::string& url, const std::string& name);
    ~Bucket();

    /// Forgets what is there already.
    void skip();
    /// Waits for a level 0 file that was not there at the last call of either. False: none came.
    [[nodiscard]] bool wait_file(std::chrono::seconds limit = std::chrono::seconds{10});

private:
    struct State;
    std::unique_ptr<State> state_;
};

/// `litestream replicate` of one database, from construction to destruction.
class Litestream {
public:
    /// `interval`: of its looks at the WAL and of its uploads, e.g. "10ms"; "": its defaults.
    Litestream(const std::string& database,
               const std::string& url,
               const std::string& bucket,
               const std::string& interval = {});
    ~Litestream();
    Litestream(const Litestream&) = delete;
    Litestream& operator=(const Litestream&) = delete;

    [[nodiscard]] pid_t pid() const { return pid_; }
    /// Whether one is built here.
    [[nodiscard]] static bool present();

private:
    test_support::TempDir folder_;
    pid_t pid_ = 0;
};

}  // namespace bench
