// When the hints come. The wal-index and the writes to the -wal are the test's own.
#include "adapters/sqlite/watcher.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <fstream>
#include <mutex>

#include "tests/support/temp_dir.h"

namespace adapters::sqlite {
namespace {

using namespace std::chrono_literals;

class WatcherTest : public testing::Test {
protected:
    void write_frames() { std::ofstream{wal_, std::ios::app} << "frames" << std::flush; }
    void commit() {
        // As a writer does: whoever copies in between sees a change all the same.
        words_[2] = words_[2] + 1;
    }
    void woken() {
        const std::lock_guard lock{mutex_};
        ++hints_;
        changed_.notify_all();
    }
    /// Whether a hint came that was not counted before, within a time that no disk needs.
    bool hint() {
        std::unique_lock lock{mutex_};
        const bool came = changed_.wait_for(lock, 20s, [&] { return hints_ > counted_; });
        counted_ = hints_;
        return came;
    }
    int uncounted() {
        const std::lock_guard lock{mutex_};
        return hints_ - counted_;
    }

    test_support::TempDir folder_;
    std::string wal_ = folder_.path() + "/db-wal";
    volatile std::uint32_t words_[model::wal::index_size / 4] = {};
    IndexView index_;
    std::mutex mutex_;
    std::condition_variable changed_;
    int hints_ = 0;
    int counted_ = 0;
};

TEST_F(WatcherTest, ACommitWhoseSyncTakesLongIsToldWhenItShows) {
    index_.show(words_);
    write_frames();  // the file is there before the watch
    Watcher watcher{folder_.path() + "/db", index_, [this] { woken(); }};
    // The first hint tells that the watch is on, and what the index showed then. The folder may be
    // watched only after the first of these writes.
    while (uncounted() == 0) {
        write_frames();
        std::this_thread::sleep_for(1ms);
    }
    ASSERT_TRUE(hint());
    commit();
    write_frames();
    ASSERT_TRUE(hint());

    write_frames();
    std::this_thread::sleep_for(150ms);  // the sync
    counted_ += uncounted();             // too early: nothing shows yet
    commit();
    EXPECT_TRUE(hint()) << "the commit showed, and nobody was told";
}

TEST_F(WatcherTest, AReadersMarkIsNoCommit) {
    index_.show(words_);
    write_frames();
    Watcher watcher{folder_.path() + "/db", index_, [this] { woken(); }};
    while (uncounted() == 0) {
        write_frames();
        std::this_thread::sleep_for(1ms);
    }
    ASSERT_TRUE(hint());
    commit();
    write_frames();
    ASSERT_TRUE(hint());

    words_[model::wal::index_size / 4 - 1] = 7;  // behind the headers
    write_frames();
    std::this_thread::sleep_for(50ms);  // the sync
    counted_ += uncounted();
    commit();
    EXPECT_TRUE(hint()) << "the commit showed, and nobody was told";
}

}  // namespace
}  // namespace adapters::sqlite
