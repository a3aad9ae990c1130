#include "tests/support/database_copy.h"

#include <sqlite3.h>

#include <cstring>
#include <filesystem>
#include <functional>
#include <stdexcept>

#include "tests/support/temp_dir.h"

namespace test_support {
namespace {

class Opened {
public:
    explicit Opened(const std::string& path) {
        if (sqlite3_open(path.c_str(), &db_) != SQLITE_OK) throw std::runtime_error{path};
    }
    ~Opened() { sqlite3_close(db_); }
    Opened(const Opened&) = delete;
    Opened& operator=(const Opened&) = delete;

    void run(const std::string& sql, const std::function<void(const char*)>& take = {}) {
        const auto row = [](void* to, int, char** values, char**) {
            const auto& call = *static_cast<const std::function<void(const char*)>*>(to);
            if (call && values[0] != nullptr) call(values[0]);
            return 0;
        };
        auto copy = take;
        if (sqlite3_exec(db_, sql.c_str(), row, &copy, nullptr) != SQLITE_OK) {
            throw std::runtime_error{sql + ": " + sqlite3_errmsg(db_)};
        }
    }
    [[nodiscard]] model::Bytes pages() {
        sqlite3_int64 size = 0;
        unsigned char* const bytes = sqlite3_serialize(db_, "main", &size, 0);
        if (bytes == nullptr) throw std::runtime_error{"sqlite3_serialize"};
        model::Bytes all(static_cast<std::size_t>(size));
        std::memcpy(all.data(), bytes, all.size());
        sqlite3_free(bytes);
        return all;
    }

private:
    sqlite3* db_ = nullptr;
};

template <typename Result>
Result with_copy(const std::string& database, const std::function<Result(Opened&)>& use) {
    const TempDir directory;
    const auto copy = directory.path() + "/copy.db";
    for (const auto* const suffix : {"", "-wal"}) {
        if (std::filesystem::exists(database + suffix)) {
            std::filesystem::copy_file(database + suffix, copy + suffix);
        }
    }
    if (!std::filesystem::exists(copy)) throw std::runtime_error{"there is no " + database};
    Opened opened{copy};
    return use(opened);
}

}  // namespace

model::Bytes pages_of(const std::string& database) {
    return with_copy<model::Bytes>(database, [](Opened& opened) { return opened.pages(); });
}

std::set<std::int64_t> notes_in(const std::string& database) {
    return with_copy<std::set<std::int64_t>>(database, [](Opened& opened) {
        std::set<std::int64_t> ids;
        opened.run("SELECT id FROM notes", [&](const char* id) { ids.insert(std::atoll(id)); });
        return ids;
    });
}

std::string integrity_of(const std::string& database) {
    return with_copy<std::string>(database, [](Opened& opened) {
        std::string verdict;
        opened.run("PRAGMA integrity_check", [&](const char* line) { verdict += line; });
        return verdict;
    });
}

void create_notes(const std::string& database, int rows, int body) {
    std::filesystem::create_directories(std::filesystem::path{database}.parent_path());
    Opened opened{database};
    opened.run("CREATE TABLE notes(id INTEGER PRIMARY KEY, body TEXT NOT NULL)");
    opened.run("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < " +
               std::to_string(rows) + ") INSERT INTO notes SELECT i, hex(randomblob(" +
               std::to_string(body / 2) + ")) FROM n");
}

}  // namespace test_support
