#include "examples/notes/store.h"

#include <sqlite3.h>

#include <memory>
#include <stdexcept>

namespace notes {
namespace {

constexpr int busy_timeout_ms = 5000;

using Statement = std::unique_ptr<sqlite3_stmt, decltype(&sqlite3_finalize)>;

void run(sqlite3* db, const char* sql) {
    if (sqlite3_exec(db, sql, nullptr, nullptr, nullptr) != SQLITE_OK) {
        throw std::runtime_error{sqlite3_errmsg(db)};
    }
}

Statement prepare(sqlite3* db, const char* sql) {
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v2(db, sql, -1, &statement, nullptr) != SQLITE_OK) {
        throw std::runtime_error{sqlite3_errmsg(db)};
    }
    return {statement, &sqlite3_finalize};
}

}  // namespace

Store::Store(const std::string& path) {
    try {
        for (sqlite3** db : {&writer_, &reader_}) {
            if (sqlite3_open(path.c_str(), db) != SQLITE_OK) {
                throw std::runtime_error{sqlite3_errmsg(*db)};
            }
            sqlite3_busy_timeout(*db, busy_timeout_ms);
        }
        run(writer_,
            "CREATE TABLE IF NOT EXISTS notes(id INTEGER PRIMARY KEY, body TEXT NOT NULL)");
    } catch (const std::runtime_error& problem) {
        sqlite3_close(reader_);
        sqlite3_close(writer_);
        throw std::runtime_error{path + ": " + problem.what()};
    }
}

Store::~Store() {
    sqlite3_close(reader_);
    sqlite3_close(writer_);
}

Added Store::add(std::int64_t id, const std::string& body, std::string& problem) {
    const std::lock_guard lock{writing_};
    try {
        // IMMEDIATE: a transaction that reads first and then writes would fail at once while the
        // lock is held, whatever the busy timeout.
        run(writer_, "BEGIN IMMEDIATE");
        const auto insert = prepare(writer_, "INSERT INTO notes(id, body) VALUES (?, ?)");
        sqlite3_bind_int64(insert.get(), 1, id);
        sqlite3_bind_text(
            insert.get(), 2, body.data(), static_cast<int>(body.size()), SQLITE_STATIC);
        const int done = sqlite3_step(insert.get());
        if (done == SQLITE_CONSTRAINT) {
            run(writer_, "ROLLBACK");
            return Added::exists;
        }
        if (done != SQLITE_DONE) throw std::runtime_error{sqlite3_errmsg(writer_)};
        run(writer_, "COMMIT");
        return Added::yes;
    } catch (const std::runtime_error& failure) {
        problem = failure.what();
        if (sqlite3_get_autocommit(writer_) == 0) {
            sqlite3_exec(writer_, "ROLLBACK", nullptr, nullptr, nullptr);
        }
        return Added::failed;
    }
}

std::vector<std::int64_t> Store::ids(std::int64_t from, int limit) {
    const std::lock_guard lock{reading_};
    const auto select = prepare(reader_, "SELECT id FROM notes WHERE id >= ? ORDER BY id LIMIT ?");
    sqlite3_bind_int64(select.get(), 1, from);
    sqlite3_bind_int(select.get(), 2, limit);
    std::vector<std::int64_t> ids;
    int step = sqlite3_step(select.get());
    for (; step == SQLITE_ROW; step = sqlite3_step(select.get()))
        ids.push_back(sqlite3_column_int64(select.get(), 0));
    if (step != SQLITE_DONE) throw std::runtime_error{sqlite3_errmsg(reader_)};
    return ids;
}

std::int64_t Store::count() {
    const std::lock_guard lock{reading_};
    const auto select = prepare(reader_, "SELECT count(*) FROM notes");
    if (sqlite3_step(select.get()) != SQLITE_ROW) throw std::runtime_error{sqlite3_errmsg(reader_)};
    return sqlite3_column_int64(select.get(), 0);
}

}  // namespace notes
