// Notes in a SQLite database. The example does not know the cluster: it opens its file, leaves the
// journal mode unchanged, and waits for a locked database.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

struct sqlite3;

namespace notes {

enum class Added { yes, exists, failed };

/// Two connections, each shared by all threads under a lock of its own, so that reads continue
/// while a write waits for the database.
class Store {
public:
    /// Creates file and table where absent. Throws std::runtime_error.
    explicit Store(const std::string& path);
    ~Store();
    Store(const Store&) = delete;
    Store& operator=(const Store&) = delete;

    /// Returns after COMMIT. `problem` is set to the reason of a failure.
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
