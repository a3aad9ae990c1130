// A plain writer of SQLite: WAL mode, one small row in each transaction, no pause of its own.
#pragma once

#include <string>

struct sqlite3;
struct sqlite3_stmt;

namespace bench {

class Commits {
public:
    /// Makes database and table where they are absent. `synchronous`: NORMAL or FULL. Throws where
    /// SQLite refuses something, as one() does.
    Commits(const std::string& database, const std::string& synchronous);
    ~Commits();
    Commits(const Commits&) = delete;
    Commits& operator=(const Commits&) = delete;

    /// One row of some 100 bytes, committed when it returns.
    void one();

private:
    void run(const char* sql);

    sqlite3* db_ = nullptr;
    sqlite3_stmt* insert_ = nullptr;
};

}  // namespace bench
