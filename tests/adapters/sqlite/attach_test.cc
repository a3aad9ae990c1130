#include <gmock/gmock.h>
#include <linux/capability.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/adapters/sqlite/harness.h"

namespace adapters::sqlite {
namespace {

using ::testing::HasSubstr;

std::uint64_t wal_size(const std::string& path) {
    std::error_code none;
    const auto size = std::filesystem::file_size(path + "-wal", none);
    return none ? 0 : size;
}

struct Attach : ::testing::Test {
    Attach() { create_wal_database(path); }
    const Directory directory;
    const std::string path = directory.file("db");
    std::unique_ptr<reconcilers::ports::Database> database =
        make_database(path, {.lock_budget = milliseconds{200}});
};

TEST_F(Attach, IsNotFoundWithoutADatabase) {
    EXPECT_EQ(make_database(directory.file("none"), {})->attach({}).error().code, Errc::not_found);
    EXPECT_FALSE(std::filesystem::exists(directory.file("none")));
}

/// For the calling thread only.
void drop_chown() {
    __user_cap_header_struct head{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    __user_cap_data_struct sets[2]{};
    ASSERT_EQ(::syscall(SYS_capget, &head, sets), 0);
    sets[0].effective &= ~(1U << static_cast<unsigned>(CAP_CHOWN));
    ASSERT_EQ(::syscall(SYS_capset, &head, sets), 0);
}

TEST_F(Attach, RefusesFilesThatTheApplicationCouldNotOpenAndLeavesNone) {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    ASSERT_EQ(::chown(path.c_str(), 1234, 1234), 0);
    std::thread{[this] {
        drop_chown();
        const auto attached = database->attach({});
        ASSERT_FALSE(attached);
        EXPECT_EQ(attached.error().code, Errc::invalid);
        EXPECT_THAT(attached.error().message,
                    HasSubstr(path + "-wal: it belongs to user 0 and the database to user 1234"));
    }}.join();
    EXPECT_FALSE(std::filesystem::exists(path + "-wal"));
    EXPECT_FALSE(std::filesystem::exists(path + "-shm"));
    EXPECT_TRUE(database->attach({}));
    struct stat created {};
    ASSERT_EQ(::stat((path + "-shm").c_str(), &created), 0);
    EXPECT_EQ(created.st_uid, 1234U);
}

TEST_F(Attach, RefusesAWalOfRootBesideTheDatabaseOfAnotherAndKeepsIt) {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    Application application{path};
    application.run(commit_one);
    ASSERT_EQ(::chown(path.c_str(), 1234, 1234), 0);
    const auto attached = database->attach({});
    ASSERT_FALSE(attached);
    EXPECT_EQ(attached.error().code, Errc::invalid);
    EXPECT_GT(wal_size(path), 0U);
}

TEST_F(Attach, ReturnsTheEndOfTheWal) {
    Application application{path};
    application.run(commit_one);
    const auto attached = database->attach({});
    ASSERT_TRUE(attached) << attached.error().message;
    EXPECT_GT(attached->position.frames, 0U);
    EXPECT_FALSE(attached->continued);
    EXPECT_EQ(attached->page_size, 4096U);
    const auto batch = database->capture(attached->position, no_limit);
    ASSERT_TRUE(batch);
    EXPECT_TRUE(batch->empty());
    EXPECT_EQ(batch->to, attached->position);
}

TEST_F(Attach, IsUnavailableWhileAWriterHoldsTheLockAndHoldsNothingAfterwards) {
    Application application{path};
    application.run("BEGIN IMMEDIATE; UPDATE counter SET n = 5");
    const auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(database->attach({}).error().code, Errc::unavailable);
    EXPECT_LT(std::chrono::steady_clock::now() - start, milliseconds{500});
    EXPECT_FALSE(database->attached());
    application.run("COMMIT");
    EXPECT_TRUE(database->attach({}));
}

TEST_F(Attach, ADatabaseLockedExclusivelyIsUnavailable) {
    Application application{path};
    application.run("PRAGMA locking_mode=exclusive; UPDATE counter SET n = 5");
    EXPECT_EQ(database->attach({}).error().code, Errc::unavailable);
}

TEST_F(Attach, ContinuesWhereTheSavedFrameIsStillInTheWal) {
    Application application{path};
    application.run(commit_one);
    const auto first = database->attach({});
    ASSERT_TRUE(first);
    // Not everything is copied into the database, so that the WAL does not restart after detach().
    application.run(commit_one);
    const auto last = database->capture(first->position, no_limit);
    ASSERT_TRUE(last);
    database->detach();
    application.run(commit_one);
    const auto second = database->attach(last->to);
    ASSERT_TRUE(second) << second.error().message;
    EXPECT_TRUE(second->continued);
    EXPECT_GT(second->position.frames, last->to.frames);
    const auto batch = database->capture(last->to, no_limit);
    ASSERT_TRUE(batch) << batch.error().message;
    EXPECT_EQ(batch->from, last->to);
    EXPECT_EQ(batch->to, second->position);
}

TEST_F(Attach, DoesNotContinueAfterTheWalWasRestarted) {
    Application application{path};
    application.run(commit_one);
    const auto first = database->attach({});
    ASSERT_TRUE(first);
    database->detach();
    application.run("PRAGMA wal_checkpoint(RESTART)");
    application.run(commit_one);
    const auto second = database->attach(first->position);
    ASSERT_TRUE(second);
    EXPECT_FALSE(second->continued);
    EXPECT_EQ(database->capture(first->position, no_limit).error().code, Errc::conflict);
}

TEST_F(Attach, DoesNotContinueAtAFrameWithAnotherChecksum) {
    Application application{path};
    application.run(commit_one);
    const auto first = database->attach({});
    ASSERT_TRUE(first);
    database->detach();
    WalPosition other = first->position;
    ++other.checksum2;
    EXPECT_FALSE(database->attach(other)->continued);
    database->detach();
    other = first->position;
    ++other.frames;
    EXPECT_FALSE(database->attach(other)->continued);
    database->detach();
    EXPECT_TRUE(database->attach(first->position)->continued);
}

TEST_F(Attach, AWalThatWasDeletedDoesNotContinue) {
    WalPosition saved;
    {
        const auto first = database->attach({});  // the WAL is empty, with no writer since
        ASSERT_TRUE(first);
        saved = first->position;
        EXPECT_EQ(saved.frames, 0U);
        database->detach();
    }
    Application{path}.run(commit_one);  // closing it checkpoints and deletes the WAL
    EXPECT_EQ(wal_size(path), 0U);
    EXPECT_FALSE(database->attach(saved)->continued);
}

TEST_F(Attach, KeepsTheWalOfAnApplicationThatClosedLast) {
    Application{path}.run(commit_one);
    const auto first = database->attach({});
    ASSERT_TRUE(first);
    Application{path}.run(commit_one);
    // After detach(), ours is the last connection to close: nothing is copied or deleted.
    const auto size = wal_size(path);
    EXPECT_GT(size, 0U);
    database->detach();
    EXPECT_EQ(wal_size(path), size);
    const auto second = database->attach(first->position);
    ASSERT_TRUE(second);
    EXPECT_EQ(second->continued, first->position.frames > 0);
}

TEST_F(Attach, FollowsALinkToTheFilesBesideItsTarget) {
    std::filesystem::create_symlink(path, directory.file("link"));
    auto linked = make_database(directory.file("link"), {});
    const auto attached = linked->attach({});
    ASSERT_TRUE(attached) << attached.error().message;
    Application{path}.run(commit_one);
    const auto batch = linked->capture(attached->position, no_limit);
    ASSERT_TRUE(batch) << batch.error().message;
    EXPECT_FALSE(batch->empty());
}

// defects.md C16: under whatever name the database is reached.
TEST_F(Attach, OneDatabaseHasOneCapture) {
    std::filesystem::create_symlink(path, directory.file("link"));
    auto second = make_database(directory.file("link"), {.lock_budget = milliseconds{200}});
    auto first = database->attach({});
    ASSERT_TRUE(first) << first.error().message;
    EXPECT_EQ(database->attach({}).error().code, Errc::invalid);
    const auto refused = second->attach({});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::invalid);
    EXPECT_FALSE(second->attached());
    EXPECT_EQ(second->checkpoint_and_close(first->position).error().code, Errc::invalid);
    // The first capture is not affected, and releases the database at the end.
    Application{path}.run(commit_one);
    EXPECT_FALSE(database->capture(first->position, no_limit).value().empty());
    database->detach();
    EXPECT_TRUE(second->attach({}));
}

TEST_F(Attach, CallsWithoutItAreInvalid) {
    EXPECT_EQ(database->capture({}, 1).error().code, Errc::invalid);
    EXPECT_EQ(database->lock_writers(milliseconds{1}).error().code, Errc::invalid);
    EXPECT_EQ(database->checkpoint({}).error().code, Errc::invalid);
    EXPECT_EQ(database->repin({}).error().code, Errc::invalid);
    EXPECT_EQ(database->begin_image().error().code, Errc::invalid);
    EXPECT_EQ(database->read_image(1, 1).error().code, Errc::invalid);
    EXPECT_FALSE(database->writers_locked());
    database->unlock_writers();
    database->detach();
}

TEST_F(Attach, TheWriteLockHoldsCommitsUntilItIsReleased) {
    const auto attached = database->attach({});
    ASSERT_TRUE(attached);
    Application application{path};
    application.patience(0);
    ASSERT_TRUE(database->lock_writers(milliseconds{100}));
    EXPECT_TRUE(database->writers_locked());
    EXPECT_TRUE(database->lock_writers(milliseconds{100})) << "again is success";
    EXPECT_EQ(application.try_run("UPDATE counter SET n = 9"), SQLITE_BUSY);
    EXPECT_EQ(application.ask("SELECT n FROM counter"), "0");
    database->unlock_writers();
    EXPECT_FALSE(database->writers_locked());
    application.run("UPDATE counter SET n = 9");
}

TEST_F(Attach, TheWriteLockGivesUpAfterItsBudget) {
    ASSERT_TRUE(database->attach({}));
    Application application{path};
    application.run("BEGIN IMMEDIATE");
    const auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(database->lock_writers(milliseconds{50}).error().code, Errc::unavailable);
    const auto took = std::chrono::steady_clock::now() - start;
    EXPECT_GE(took, milliseconds{50});
    EXPECT_LT(took, milliseconds{400});
    EXPECT_FALSE(database->writers_locked());
    application.run("COMMIT");
    EXPECT_TRUE(database->lock_writers(milliseconds{50}));
}

TEST_F(Attach, ACheckpointNeedsTheWriteLockAndEverythingCaptured) {
    const auto attached = database->attach({});
    ASSERT_TRUE(attached);
    EXPECT_EQ(database->checkpoint(attached->position).error().code, Errc::invalid);
    Application{path}.run(commit_one);
    ASSERT_TRUE(database->lock_writers(milliseconds{100}));
    EXPECT_EQ(database->checkpoint(attached->position).error().code, Errc::conflict);
    const auto batch = database->capture(attached->position, no_limit);
    ASSERT_TRUE(batch);
    const auto done = database->checkpoint(batch->to);
    ASSERT_TRUE(done) << done.error().message;
    EXPECT_EQ(done->log_frames, batch->to.frames);
    EXPECT_EQ(done->copied_frames, batch->to.frames);
}

TEST_F(Attach, AReaderOfTheApplicationHoldsTheCheckpointBackAndNothingIsLost) {
    Follower follower{path};
    follower.attach();
    Application application{path};
    application.run(commit_one);
    Application reader{path};
    reader.run("BEGIN");
    EXPECT_EQ(reader.ask("SELECT n FROM counter"), "1");
    for (int i = 0; i < 20; ++i)
        application.run(commit_one);
    ASSERT_TRUE(follower.database().lock_writers(milliseconds{100}));
    follower.capture_all();
    const auto held = follower.database().checkpoint(follower.position());
    ASSERT_TRUE(held) << held.error().message;
    EXPECT_LT(held->copied_frames, held->log_frames);
    follower.database().unlock_writers();
    for (int i = 0; i < 20; ++i)
        application.run(commit_one);
    reader.run("COMMIT");
    follower.verify();
    ASSERT_TRUE(follower.database().lock_writers(milliseconds{100}));
    const auto done = follower.database().checkpoint(follower.position());
    ASSERT_TRUE(done);
    EXPECT_EQ(done->copied_frames, done->log_frames);
    follower.database().unlock_writers();
    follower.verify();
}

TEST_F(Attach, ThePinKeepsTheApplicationFromRestartingTheWal) {
    // 5.4: with everything copied, the WAL restarts once; after that no checkpoint of the
    // application can copy frames that were not captured.
    Follower follower{path};
    follower.attach();
    Application application{path};
    for (int i = 0; i < 50; ++i) {
        application.run(commit_one);
        application.try_run("PRAGMA wal_checkpoint(PASSIVE)");
    }
    application.patience(50);
    EXPECT_NE(application.ask("PRAGMA wal_checkpoint(TRUNCATE)"), "0") << "busy";
    for (int i = 0; i < 50; ++i)
        application.run(commit_one);
    follower.verify();
    EXPECT_EQ(follower.counter(), "100");
}

TEST_F(Attach, ATruncatedWalIsFollowedIntoItsNextGeneration) {
    Follower follower{path};
    follower.attach();
    Application application{path};
    for (int round = 0; round < 5; ++round) {
        application.run(commit_one);
        ASSERT_TRUE(follower.database().lock_writers(milliseconds{100}));
        follower.capture_all();
        ASSERT_TRUE(follower.database().checkpoint(follower.position()));
        follower.database().unlock_writers();
        EXPECT_EQ(application.ask("PRAGMA wal_checkpoint(TRUNCATE)"), "0");
        EXPECT_EQ(wal_size(path), 0U);
        EXPECT_FALSE(follower.capture_one());
        if (round % 2 == 0) {
            ASSERT_TRUE(follower.database().lock_writers(milliseconds{100}));
            EXPECT_TRUE(follower.database().checkpoint(follower.position()));
            follower.database().unlock_writers();
        }
    }
    application.run(commit_one);
    follower.verify();
    EXPECT_EQ(follower.counter(), "6");
}

TEST_F(Attach, RepinLetsTheApplicationsCheckpointsGoOn) {
    Follower follower{path};
    follower.attach();
    Application application{path};
    application.run(commit_one);
    ASSERT_TRUE(follower.database().lock_writers(milliseconds{100}));
    follower.capture_all();
    const auto copied = follower.database().checkpoint(follower.position());
    ASSERT_TRUE(copied);
    ASSERT_EQ(copied->copied_frames, copied->log_frames);
    follower.database().unlock_writers();
    const auto before = follower.position();
    for (int i = 0; i < 10; ++i)
        application.run(commit_one);
    ASSERT_TRUE(follower.database().repin(before));
    for (int i = 0; i < 10; ++i)
        application.run(commit_one);
    // Frames from before the pin moved that are not captured yet are still there.
    application.try_run("PRAGMA wal_checkpoint(PASSIVE)");
    application.run(commit_one);
    EXPECT_EQ(follower.position(), before);
    follower.verify();
    EXPECT_EQ(follower.counter(), "22");
}

}  // namespace
}  // namespace adapters::sqlite
