// Shared by the tests of this directory: a directory per test, an application's connection, and a
// follower that captures as the replica reconciler does.
#pragma once

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <thread>

#include "adapters/sqlite/database.h"

namespace adapters::sqlite {

using model::Errc;
using model::WalPosition;
using std::chrono::milliseconds;

inline constexpr std::uint64_t no_limit = std::uint64_t{1} << 40;

class Directory {
public:
    Directory() {
        std::string pattern = (std::filesystem::temp_directory_path() / "sqlite-XXXXXX").string();
        path_ = ::mkdtemp(pattern.data());
    }
    ~Directory() { std::filesystem::remove_all(path_); }
    Directory(const Directory&) = delete;
    Directory& operator=(const Directory&) = delete;
    [[nodiscard]] std::string file(const std::string& name) const { return path_ / name; }

private:
    std::filesystem::path path_;
};

/// A connection of the application to the database.
class Application {
public:
    explicit Application(const std::string& path) {
        EXPECT_EQ(sqlite3_open(path.c_str(), &db_), SQLITE_OK);
        sqlite3_busy_timeout(db_, 10000);
        run("PRAGMA synchronous=NORMAL");
    }
    ~Application() { sqlite3_close(db_); }
    Application(const Application&) = delete;
    Application& operator=(const Application&) = delete;

    int try_run(const std::string& sql) {
        return sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr);
    }
    void run(const std::string& sql) {
        ASSERT_EQ(try_run(sql), SQLITE_OK) << sql << ": " << sqlite3_errmsg(db_);
    }
    void patience(int ms) { sqlite3_busy_timeout(db_, ms); }

    std::string ask(const std::string& sql) {
        std::string answer;
        const auto take = [](void* out, int, char** values, char**) {
            if (values[0] != nullptr) *static_cast<std::string*>(out) = values[0];
            return 0;
        };
        EXPECT_EQ(sqlite3_exec(db_, sql.c_str(), take, &answer, nullptr), SQLITE_OK) << sql;
        return answer;
    }

    /// The whole database, read through SQLite.
    model::Bytes content() {
        sqlite3_int64 size = 0;
        unsigned char* bytes = sqlite3_serialize(db_, "main", &size, 0);
        EXPECT_NE(bytes, nullptr);
        model::Bytes result(static_cast<std::size_t>(size));
        std::memcpy(result.data(), bytes, result.size());
        sqlite3_free(bytes);
        return result;
    }

private:
    sqlite3* db_ = nullptr;
};

/// Creates a database in WAL mode with the writers' tables.
inline void create_wal_database(const std::string& path) {
    Application application{path};
    application.run(
        "PRAGMA journal_mode=wal; CREATE TABLE counter(n INTEGER); INSERT INTO counter VALUES(0);"
        "CREATE TABLE log(id INTEGER PRIMARY KEY, body BLOB)");
}

/// A transaction of the application.
inline constexpr const char* commit_one =
    "BEGIN IMMEDIATE; UPDATE counter SET n = n + 1; INSERT INTO log(body) VALUES "
    "(randomblob(300)); DELETE FROM log WHERE id < (SELECT max(id) FROM log) - 2000; COMMIT";

/// Captures a database into an image, by the rules of the port: the base image at the pin, then
/// every batch, and a checkpoint under the write lock when the WAL has grown.
class Follower {
public:
    explicit Follower(const std::string& path)
        : path_{path}, database_{make_database(path, Options{})} {}

    reconcilers::ports::Database& database() { return *database_; }
    WalPosition position() const { return position_; }
    std::uint64_t checkpoints() const { return checkpoints_; }
    std::uint64_t batches() const { return batches_; }

    void attach() {
        auto attached = database_->attach({});
        ASSERT_TRUE(attached) << attached.error().message;
        position_ = attached->position;
        read_base();
    }

    /// Starts capturing at `position`, without any earlier knowledge.
    void start_at(const WalPosition& position) {
        position_ = position;
        read_base();
    }

    /// Reads the whole database, at a place in the WAL; writers go on.
    void read_base() {
        ASSERT_TRUE(database_->lock_writers(milliseconds{500}));
        capture_all();
        const auto image = database_->begin_image();
        ASSERT_TRUE(image) << image.error().message;
        database_->unlock_writers();
        pages_.clear();
        for (std::uint32_t first = 1; first <= image->pages; first += 100) {
            auto part = database_->read_image(first, 100);
            ASSERT_TRUE(part) << part.error().message;
            for (auto& page : *part)
                pages_[page.number] = std::move(page.data);
        }
        database_->end_image();
        commit_ = image->pages;
    }

    /// Captures one batch. False where there is nothing to capture.
    bool capture_one(std::uint64_t limit = 4 << 20) {
        auto batch = database_->capture(position_, limit);
        // A writer was preempted while it updated the wal-index. It holds the write lock, so this
        // cannot happen while we hold it.
        if (!batch && batch.error().code == Errc::unavailable && !database_->writers_locked())
            return false;
        EXPECT_TRUE(batch) << batch.error().message;
        if (!batch || batch->empty()) return false;
        ++batches_;
        frames_since_checkpoint_ += batch->to.frames - batch->from.frames;
        position_ = batch->to;
        commit_ = batch->commit;
        pages_.erase(pages_.upper_bound(commit_), pages_.end());
        for (auto& page : batch->pages)
            pages_[page.number] = std::move(page.data);
        return true;
    }
    void capture_all() {
        while (capture_one()) {
        }
    }

    /// What the reconciler does at each wake-up.
    void step() {
        capture_all();
        if (::testing::Test::HasFailure()) return;
        if (frames_since_checkpoint_ >= 900) {
            if (!database_->lock_writers(milliseconds{500})) return;
            capture_all();
            const auto done = database_->checkpoint(position_);
            EXPECT_TRUE(done || done.error().code == Errc::unavailable) << done.error().message;
            if (done) frames_since_checkpoint_ = 0;
            if (done) ++checkpoints_;
            if (done && checkpoints_ % 8 == 0) compare();
            database_->unlock_writers();
        } else if (position_.frames > 1000) {
            const auto done = database_->repin(position_);
            EXPECT_TRUE(done || done.error().code == Errc::unavailable) << done.error().message;
        }
    }

    /// Runs step() on each hint until `stop`.
    void follow(const std::atomic<bool>& stop) {
        std::atomic<bool> woken{false};
        database_->on_change([&woken] {
            woken = true;
            woken.notify_one();
        });
        while (!stop && !::testing::Test::HasFailure()) {
            step();
            if (!woken.exchange(false)) std::this_thread::sleep_for(milliseconds{1});
        }
        database_->on_change({});
    }

    /// With the write lock held: the captured image equals the database byte for byte.
    void verify() {
        ASSERT_TRUE(database_->lock_writers(milliseconds{500}));
        capture_all();
        compare();
        database_->unlock_writers();
    }

    std::string counter() {
        Application application{path_};
        return application.ask("SELECT n FROM counter");
    }
    std::uint64_t compared() const { return compared_; }

private:
    void compare() {
        ++compared_;
        Application application{path_};
        const auto truth = application.content();
        const std::size_t size = truth.size() / commit_;
        ASSERT_EQ(truth.size(), size * commit_);
        for (std::uint32_t number = 1; number <= commit_; ++number) {
            const auto page = pages_.find(number);
            ASSERT_NE(page, pages_.end()) << "page " << number;
            ASSERT_EQ(0, std::memcmp(page->second.data(), truth.data() + (number - 1) * size, size))
                << "page " << number << " after checkpoint " << checkpoints_;
        }
    }

    std::string path_;
    std::unique_ptr<reconcilers::ports::Database> database_;
    WalPosition position_;
    std::map<std::uint32_t, model::Bytes> pages_;
    std::uint32_t commit_ = 0;
    std::uint32_t frames_since_checkpoint_ = 0;
    std::uint64_t checkpoints_ = 0;
    std::uint64_t batches_ = 0;
    std::uint64_t compared_ = 0;
};

}  // namespace adapters::sqlite
