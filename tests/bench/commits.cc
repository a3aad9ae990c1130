#include "tests/bench/commits.h"

#include <sqlite3.h>

#include <stdexcept>

namespace bench {

Commits::Commits(const std::string& database, const std::string& synchronous) {
    if (sqlite3_open(database.c_str(), &db_) != SQLITE_OK) throw std::runtime_error{database};
    sqlite3_busy_timeout(db_, 5'000);
    run("PRAGMA journal_mode=WAL");
    run(("PRAGMA synchronous=" + synchronous).c_str());
    run("CREATE TABLE IF NOT EXISTS writes(id INTEGER PRIMARY KEY, body TEXT NOT NULL)");
    const char* const sql = "INSERT INTO writes(body) VALUES (hex(randomblob(50)))";
    if (sqlite3_prepare_v2(db_, sql, -1, &insert_, nullptr) != SQLITE_OK) {
        throw std::runtime_error{sqlite3_errmsg(db_)};
    }
}

Commits::~Commits() {
    sqlite3_finalize(insert_);
    sqlite3_close(db_);
}

void Commits::one() {
    run("BEGIN IMMEDIATE");
    const bool done = sqlite3_step(insert_) == SQLITE_DONE;
    if (sqlite3_reset(insert_) != SQLITE_OK || !done) throw std::runtime_error{sqlite3_errmsg(db_)};
    run("COMMIT");
}

void Commits::run(const char* sql) {
    if (sqlite3_exec(db_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) {
        throw std::runtime_error{std::string{sql} + ": " + sqlite3_errmsg(db_)};
    }
}

}  // namespace bench
