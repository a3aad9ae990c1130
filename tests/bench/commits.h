// A simple SQLite writer: WAL mode, one small row per transaction, no pauses.
#pragma once

#include <string>

struct sqlite3;
struct sqlite3_stmt;

namespace bench {

class Commits {
public:
    /// Creates database and table where absent. `synchronous`: NORMAL or FULL. Throws where SQLite
    /// fails, as does one().
    Commits(const std::string& database, const std::string& synchronous);
    ~Commits();
    Commits(const Commits&) = delete;
    Commits& operator=(const Commits&) = delete;

    /// Commits one row of about 100 bytes.
    void one();

private:
    void run(const char* sql);

    sqlite3* db_ = nullptr;
    sqlite3_stmt* insert_ = nullptr;
};

}  // namespace bench
