// What the tests of this folder share: a folder of their own, an application's connection, and a
// follower that captures as the replica reconciler will.
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

class Folder {
public:
    Folder() {
        std::string pattern = (std::filesystem::temp_directory_path() / "sqlite-XXXXXX").string();
        path_ = ::mkdtemp(pattern.data());
    }
    ~Folder() { std::filesystem::remove_all(path_); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    [[nodiscard]] std::string file(const std::string& name) const { return path_ / name; }

private:
    std::filesystem::path path_;
};

/// A connection of the application.
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

    /// The database as SQLite sees it.
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

/// A database in WAL mode with the tables of the writers.
inline void make_wal_database(const std::string& path) {
    Application application{path};
    application.run(
        "PRAGMA journal_mode=wal; CREATE TABLE counter(n INTEGER); INSERT INTO counter VALUES(0);"
        "CREATE TABLE log(id INTEGER PRIMARY KEY, body BLOB)");
}

/// One transaction of an application.
inline constexpr const char* commit_one =
    "BEGIN IMMEDIATE; UPDATE counter SET n = n + 1; INSERT INTO log(body) VALUES "
    "(randomblob(300)); DELETE FROM log WHERE id < (SELECT max(id) FROM log) - 2000; COMMIT";

/// Captures a database into an image of its own, by the rules of the port: the base image at the
/// pin, then every batch; a checkpoint inside the fence when the WAL has grown.
class Follower {
public:
    explicit Follower(const std::string& path)
        : path_{path}, database_{make_database(path, Options{})} {}

    reconcilers::ports::Database& database() { return *database_; }
    WalPosition position() const { return position_; }
    std::uint64_t fences() const { return fences_; }
    std::uint64_t batches() const { return batches_; }

    void attach() {
        auto attached = database_->attach({});
        ASSERT_TRUE(attached) << attached.error().message;
        position_ = attached->position;
        read_base();
    }

    /// Capture stands at `position` from now on, and knows nothing of before.
    void start_at(const WalPosition& position) {
        position_ = position;
        read_base();
    }

    /// The whole database, at a place in the WAL; writers go on.
    void read_base() {
        ASSERT_TRUE(database_->fence(milliseconds{500}));
        capture_all();
        const auto image = database_->begin_image();
        ASSERT_TRUE(image) << image.error().message;
        database_->unfence();
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

    /// One batch. False where there was nothing.
    bool capture_one(std::uint64_t limit = 4 << 20) {
        auto batch = database_->capture(position_, limit);
        // A writer that got no processor in the middle of its change of the wal-index. It holds the
        // write lock, so that inside the fence there is none.
        if (!batch && batch.error().code == Errc::unavailable && !database_->fenced()) return false;
        EXPECT_TRUE(batch) << batch.error().message;
        if (!batch || batch->empty()) return false;
        ++batches_;
        frames_since_fence_ += batch->to.frames - batch->from.frames;
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

    /// What the reconciler does on each wake.
    void step() {
        capture_all();
        if (::testing::Test::HasFailure()) return;
        if (frames_since_fence_ >= 900) {
            if (!database_->fence(milliseconds{500})) return;
            capture_all();
            const auto done = database_->checkpoint(position_);
            EXPECT_TRUE(done || done.error().code == Errc::unavailable) << done.error().message;
            if (done) frames_since_fence_ = 0;
            if (done) ++fences_;
            if (done && fences_ % 8 == 0) compare();
            database_->unfence();
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

    /// Inside a fence: the captured image is the database, bit by bit.
    void verify() {
        ASSERT_TRUE(database_->fence(milliseconds{500}));
        capture_all();
        compare();
        database_->unfence();
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
                << "page " << number << " after fence " << fences_;
        }
    }

    std::string path_;
    std::unique_ptr<reconcilers::ports::Database> database_;
    WalPosition position_;
    std::map<std::uint32_t, model::Bytes> pages_;
    std::uint32_t commit_ = 0;
    std::uint32_t frames_since_fence_ = 0;
    std::uint64_t fences_ = 0;
    std::uint64_t batches_ = 0;
    std::uint64_t compared_ = 0;
};

}  // namespace adapters::sqlite
