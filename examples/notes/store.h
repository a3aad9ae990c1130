// Notes in a SQLite database. The example knows nothing of the cluster: it opens its file, leaves
// the journal mode as it finds it, and waits for a lock that somebody else holds.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

struct sqlite3;

namespace notes {

enum class Added { yes, exists, failed };

/// Two connections, each shared by all threads under a lock of its own: reading goes on while a
/// write waits for the database.
class Store {
public:
    /// Creates file and table where they are absent. Throws std::runtime_error.
    explicit Store(const std::string& path);
    ~Store();
    Store(const Store&) = delete;
    Store& operator=(const Store&) = delete;

    /// Returns after COMMIT. `problem` says why it failed.
    Added add(std::int64_t id, const std::string& body, std::string& problem);
    /// Ids from `from` on, ascending, at most `limit`.
    std::vector<std::int64_t> ids(std::int64_t from, int limit);
    std::int64_t count();

private:
    std::mutex writing_;
    sqlite3* writer_ = nullptr;
    std::mutex reading_;
    sqlite3* reader_ = nullptr;
};

}  // namespace notes
