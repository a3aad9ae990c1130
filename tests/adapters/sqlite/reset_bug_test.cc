// SQLite before 3.51.3 can lose commits in a WAL: a checkpointer reads the wal-index, the WAL is
// restarted meanwhile, and it records frames of the new WAL as copied. The barrier prevents this
// while we are attached, whoever runs the checkpoint. ltx-and-wal.md 5.6.
#include "adapters/sync/mutex.h"
#include "tests/adapters/sqlite/harness.h"

namespace adapters::sqlite {
namespace {

/// A connection of the application whose checkpoint stops between reading and using the wal-index,
/// until the test lets it continue.
class SlowCheckpointer {
public:
    explicit SlowCheckpointer(const std::string& path) {
        EXPECT_EQ(sqlite3_open(path.c_str(), &db_), SQLITE_OK);
        read();
        sqlite3_file* file = nullptr;
        sqlite3_file_control(db_, "main", SQLITE_FCNTL_FILE_POINTER, &file);
        original_ = file->pMethods;
        methods_ = *original_;
        methods_.xUnfetch = &SlowCheckpointer::pause;
        file->pMethods = &methods_;
        self = this;
    }
    ~SlowCheckpointer() {
        let_go();
        sqlite3_file* file = nullptr;
        sqlite3_file_control(db_, "main", SQLITE_FCNTL_FILE_POINTER, &file);
        file->pMethods = original_;
        sqlite3_close(db_);
        self = nullptr;
    }
    SlowCheckpointer(const SlowCheckpointer&) = delete;
    SlowCheckpointer& operator=(const SlowCheckpointer&) = delete;

    /// Returns when the checkpoint has read the wal-index.
    void begin() {
        armed_ = true;
        thread_ = std::thread{[this] {
            sqlite3_wal_checkpoint_v2(db_, "main", SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
        }};
        const sync::Lock lock{mutex_};
        ASSERT_TRUE(changed_.wait_for(
            mutex_, milliseconds{5000}, [this]() REQUIRES(mutex_) { return paused_; }));
    }
    void let_go() {
        {
            const sync::Lock lock{mutex_};
            released_ = true;
            changed_.notify_all();
        }
        if (thread_.joinable()) thread_.join();
    }

private:
    void read() { sqlite3_exec(db_, "SELECT count(*) FROM log", nullptr, nullptr, nullptr); }

    static int pause(sqlite3_file* file, sqlite3_int64 offset, void* memory) {
        if (self->armed_.exchange(false)) {
            const sync::Lock lock{self->mutex_};
            self->paused_ = true;
            self->changed_.notify_all();
            self->changed_.wait(self->mutex_,
                                []() REQUIRES(self->mutex_) { return self->released_; });
        }
        return self->original_->xUnfetch(file, offset, memory);
    }

    static inline SlowCheckpointer* self = nullptr;
    sqlite3* db_ = nullptr;
    const sqlite3_io_methods* original_ = nullptr;
    sqlite3_io_methods methods_{};
    sync::Mutex mutex_;
    sync::Condition changed_;
    std::atomic<bool> armed_{false};
    bool paused_ GUARDED_BY(mutex_) = false;
    bool released_ GUARDED_BY(mutex_) = false;
    std::thread thread_;
};

struct ResetBug : ::testing::Test {
    ResetBug() {
        create_wal_database(path);
        application = std::make_unique<Application>(path);
    }

    /// Everything is copied into the database file; then a checkpointer reads the wal-index, and
    /// commits that enlarge the database restart the WAL.
    void provoke(Follower& follower, SlowCheckpointer& slow) {
        for (int i = 0; i < 30; ++i)
            application->run(commit_one);
        checkpoint(follower);
        const auto before = follower.position();
        slow.begin();
        for (int i = 0; i < 5; ++i)
            application->run("INSERT INTO log(body) VALUES (randomblob(20000))");
        follower.capture_all();
        ASSERT_NE(follower.position().salt2, before.salt2) << "the WAL was not restarted";
        ASSERT_LT(follower.position().frames, before.frames);
    }

    static void checkpoint(Follower& follower) {
        ASSERT_TRUE(follower.database().lock_writers(milliseconds{500}));
        follower.capture_all();
        const auto done = follower.database().checkpoint(follower.position());
        follower.database().unlock_writers();
        ASSERT_TRUE(done) << done.error().message;
        ASSERT_EQ(done->copied_frames, done->log_frames);
    }

    /// Restarts the WAL once more, so that only the file contains the commits from before.
    void expect_whole(Follower& follower) {
        checkpoint(follower);
        application->run(commit_one);
        EXPECT_EQ(Application{path}.ask("PRAGMA integrity_check"), "ok");
        follower.verify();
    }

    const Directory directory;
    const std::string path = directory.file("db");
    std::unique_ptr<Application> application;
};

TEST_F(ResetBug, RepinKeepsThePinWhileAnOldCheckpointIsUnderWay) {
    SlowCheckpointer slow{path};
    Follower follower{path};
    follower.attach();
    provoke(follower, slow);
    const auto refused = follower.database().repin(follower.position());
    EXPECT_FALSE(refused);
    slow.let_go();
    EXPECT_TRUE(follower.database().repin(follower.position()));
    expect_whole(follower);
}

TEST_F(ResetBug, ACheckpointWaitsForAnOldOneBeforeItReleasesThePin) {
    SlowCheckpointer slow{path};
    Follower follower{path};
    follower.attach();
    provoke(follower, slow);
    std::thread later{[&slow] {
        std::this_thread::sleep_for(milliseconds{50});
        slow.let_go();
    }};
    checkpoint(follower);
    later.join();
    expect_whole(follower);
}

TEST_F(ResetBug, ACheckpointGivesUpAndKeepsThePinWhereTheOldOneStays) {
    SlowCheckpointer slow{path};
    Follower follower{path};
    follower.attach();
    provoke(follower, slow);
    ASSERT_TRUE(follower.database().lock_writers(milliseconds{500}));
    const auto start = std::chrono::steady_clock::now();
    const auto done = follower.database().checkpoint(follower.position());
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, Errc::unavailable);
    EXPECT_LT(std::chrono::steady_clock::now() - start, milliseconds{500});
    follower.database().unlock_writers();
    slow.let_go();
    expect_whole(follower);
}

}  // namespace
}  // namespace adapters::sqlite
