// A writing application as a process: commits without pause until it is killed or the time is over.
// writer PATH SECONDS [reopen N]: reopens the database after each N transactions.
#include <sqlite3.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

sqlite3* open(const char* path) {
    sqlite3* db = nullptr;
    if (sqlite3_open(path, &db) != SQLITE_OK) std::exit(3);
    sqlite3_busy_timeout(db, 10000);
    sqlite3_exec(db, "PRAGMA synchronous=NORMAL", nullptr, nullptr, nullptr);
    return db;
}

}  // namespace

int main(int count, char** words) {
    if (count < 3) return 2;
    const char* path = words[1];
    const auto until =
        std::chrono::steady_clock::now() + std::chrono::milliseconds(std::atoi(words[2]));
    const int reopen = count > 4 && std::strcmp(words[3], "reopen") == 0 ? std::atoi(words[4]) : 0;
    sqlite3* db = open(path);
    for (int done = 1; std::chrono::steady_clock::now() < until; ++done) {
        char* text = nullptr;
        if (sqlite3_exec(db,
                         "BEGIN IMMEDIATE; UPDATE counter SET n = n + 1;"
                         "INSERT INTO log(body) VALUES (randomblob(300));"
                         "DELETE FROM log WHERE id < (SELECT max(id) FROM log) - 2000; COMMIT",
                         nullptr,
                         nullptr,
                         &text) != SQLITE_OK) {
            std::fprintf(stderr, "writer: %s\n", text);
            return 1;
        }
        if (reopen > 0 && done % reopen == 0) {
            sqlite3_close(db);
            db = open(path);
        }
    }
    sqlite3_close(db);
    return 0;
}
