// When hints come. The wal-index and the writes to the -wal are made by the test.
#include "adapters/sqlite/watcher.h"

#include <gtest/gtest.h>

#include <atomic>
#include <fstream>

#include "adapters/sync/mutex.h"
#include "tests/support/temp_dir.h"

namespace adapters::sqlite {
namespace {

using namespace std::chrono_literals;

class WatcherTest : public testing::Test {
protected:
    void write_frames() { std::ofstream{wal_, std::ios::app} << "frames" << std::flush; }
    // Changes the wal-index as a commit does.
    void commit() { ++std::atomic_ref{words_[2]}; }
    void woken() {
        const sync::Lock lock{mutex_};
        ++hints_;
        changed_.notify_all();
    }
    /// Whether a hint came that was not counted yet; waits longer than any disk needs.
    bool hint() {
        const sync::Lock lock{mutex_};
        const bool came =
            changed_.wait_for(mutex_, 20s, [this]() REQUIRES(mutex_) { return hints_ > counted_; });
        counted_ = hints_;
        return came;
    }
    int uncounted() {
        const sync::Lock lock{mutex_};
        return hints_ - counted_;
    }
    // The first hint shows that the watch is on, and what the index contained then. The directory
    // may be watched only after the first of these writes.
    void wait_for_the_first_commit() {
        while (uncounted() == 0) {
            write_frames();
            std::this_thread::sleep_for(1ms);
        }
        ASSERT_TRUE(hint());
        commit();
        write_frames();
        ASSERT_TRUE(hint());
    }
    void count_all() {
        const sync::Lock lock{mutex_};
        counted_ = hints_;
    }

    test_support::TempDir directory_;
    std::string wal_ = directory_.path() + "/db-wal";
    std::uint32_t words_[model::wal::index_size / 4] = {};
    IndexView index_;
    sync::Mutex mutex_;
    sync::Condition changed_;
    int hints_ GUARDED_BY(mutex_) = 0;
    int counted_ GUARDED_BY(mutex_) = 0;
};

TEST_F(WatcherTest, ACommitWhoseSyncTakesLongIsReportedWhenItShows) {
    index_.show(words_);
    write_frames();  // the file is there before the watch
    Watcher watcher{directory_.path() + "/db", index_, [this] { woken(); }};
    wait_for_the_first_commit();

    write_frames();
    std::this_thread::sleep_for(150ms);  // as long as a slow sync takes
    count_all();                         // these hints came too early: there is no commit yet
    commit();
    EXPECT_TRUE(hint()) << "the commit showed, and nobody was told";
}

TEST_F(WatcherTest, AReadersMarkIsNoCommit) {
    index_.show(words_);
    write_frames();
    Watcher watcher{directory_.path() + "/db", index_, [this] { woken(); }};
    wait_for_the_first_commit();

    std::atomic_ref{words_[model::wal::index_size / 4 - 1]} = 7U;  // behind the headers
    write_frames();
    std::this_thread::sleep_for(50ms);  // as long as a slow sync takes
    count_all();
    commit();
    EXPECT_TRUE(hint()) << "the commit showed, and nobody was told";
}

}  // namespace
}  // namespace adapters::sqlite
