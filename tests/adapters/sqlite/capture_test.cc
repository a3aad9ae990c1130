#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <optional>

#include "adapters/sync/mutex.h"
#include "model/big_endian.h"
#include "model/wal/wal.h"
#include "tests/adapters/sqlite/harness.h"

namespace adapters::sqlite {
namespace {

/// An application process.
class Process {
public:
    Process(const std::string& path, int ms, int reopen = 0) {
        std::string program = WRITER;
        std::string database = path;
        std::string time = std::to_string(ms);
        std::string word = "reopen";
        std::string count = std::to_string(reopen);
        char* words[] = {program.data(), database.data(), time.data(), nullptr, nullptr, nullptr};
        if (reopen > 0) {
            words[3] = word.data();
            words[4] = count.data();
        }
        EXPECT_EQ(::posix_spawn(&pid_, WRITER, nullptr, nullptr, words, environ), 0);
    }
    ~Process() {
        if (pid_ > 0) kill();
    }
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;

    void kill() {
        ::kill(pid_, SIGKILL);
        wait();
    }
    int wait() {
        int status = 0;
        ::waitpid(pid_, &status, 0);
        pid_ = -1;
        return status;
    }

private:
    pid_t pid_ = -1;
};

std::uint64_t wal_size(const std::string& path) {
    return std::filesystem::file_size(path + "-wal");
}

struct Capture : ::testing::Test {
    Capture() { create_wal_database(path); }
    const Directory directory;
    const std::string path = directory.file("db");
};

TEST_F(Capture, ReturnsEachPageOnceInItsNewestForm) {
    Follower follower{path};
    follower.attach();
    Application application{path};
    for (int i = 0; i < 10; ++i)
        application.run(commit_one);
    const auto batch = follower.database().capture(follower.position(), no_limit);
    ASSERT_TRUE(batch) << batch.error().message;
    EXPECT_EQ(batch->wal_bytes, (24 + 4096) * std::int64_t{batch->to.frames - batch->from.frames});
    EXPECT_EQ(batch->wal_offset, 32 + (24 + 4096) * std::int64_t{batch->from.frames});
    EXPECT_LT(batch->pages.size(), batch->to.frames - batch->from.frames);
    for (std::size_t i = 1; i < batch->pages.size(); ++i)
        EXPECT_LT(batch->pages[i - 1].number, batch->pages[i].number);
    follower.verify();
}

TEST_F(Capture, StopsAtACommitBeforeTheLimitButTakesOneTransaction) {
    Follower follower{path};
    follower.attach();
    Application application{path};
    for (int i = 0; i < 40; ++i)
        application.run("INSERT INTO log(body) VALUES (randomblob(9000))");
    const auto from = follower.position();
    const auto whole = follower.database().capture(from, no_limit);
    ASSERT_TRUE(whole);
    const std::uint64_t all = whole->pages.size() * 4096;
    // With the limit at the total everything is taken; one byte less leaves out the last
    // transaction.
    EXPECT_EQ(follower.database().capture(from, all)->to, whole->to);
    const auto less = follower.database().capture(from, all - 1);
    ASSERT_TRUE(less);
    EXPECT_LT(less->to.frames, whole->to.frames);
    EXPECT_LE(less->pages.size() * 4096, all - 1);
    const auto one = follower.database().capture(from, 0);
    ASSERT_TRUE(one);
    EXPECT_GT(one->pages.size(), 0U);
    EXPECT_LT(one->to.frames, less->to.frames);
    // In small steps the result is the same.
    int steps = 0;
    while (follower.capture_one(30000))
        ++steps;
    EXPECT_GT(steps, 10);
    EXPECT_EQ(follower.position(), whole->to);
    follower.verify();
}

TEST_F(Capture, DropsPagesAboveTheEndOfADatabaseThatShrank) {
    Follower follower{path};
    follower.attach();
    Application application{path};
    application.run("INSERT INTO log(body) VALUES (randomblob(400000))");
    application.run("DELETE FROM log; VACUUM");
    const auto batch = follower.database().capture(follower.position(), no_limit);
    ASSERT_TRUE(batch);
    ASSERT_FALSE(batch->pages.empty());
    EXPECT_LE(batch->pages.back().number, batch->commit);
    EXPECT_LT(batch->commit, 20U);
    follower.verify();
}

TEST_F(Capture, TakesTheSmallestAndTheLargestPages) {
    for (const int size : {512, 65536}) {
        const auto other = directory.file(std::to_string(size));
        Application{other}.run("PRAGMA page_size=" + std::to_string(size) + "; CREATE TABLE t(a)");
        create_wal_database(other);
        Follower follower{other};
        follower.attach();
        Application application{other};
        for (int i = 0; i < 20; ++i)
            application.run(commit_one);
        const auto batch = follower.database().capture(follower.position(), no_limit);
        ASSERT_TRUE(batch) << batch.error().message;
        EXPECT_EQ(batch->page_size, static_cast<std::uint32_t>(size));
        follower.verify();
    }
}

TEST_F(Capture, OfAPositionThatNeverWasIsAConflict) {
    Follower follower{path};
    follower.attach();
    Application{path}.run(commit_one);
    follower.capture_all();
    WalPosition ahead = follower.position();
    ++ahead.frames;
    EXPECT_EQ(follower.database().capture(ahead, no_limit).error().code, Errc::conflict);
    WalPosition other = follower.position();
    other.checksum1 ^= 1;
    EXPECT_EQ(follower.database().capture(other, no_limit).error().code, Errc::conflict);
    WalPosition stranger = follower.position();
    stranger.salt2 ^= 1;
    EXPECT_EQ(follower.database().capture(stranger, no_limit).error().code, Errc::conflict);
}

TEST_F(Capture, TwoRestartsOfTheWalAreAConflictNeverAGap) {
    Follower follower{path};
    follower.attach();
    Application application{path};
    application.run(commit_one);
    follower.capture_all();
    const auto old = follower.position();
    for (int round = 0; round < 2; ++round) {
        ASSERT_TRUE(follower.database().lock_writers(milliseconds{100}));
        follower.capture_all();
        ASSERT_TRUE(follower.database().checkpoint(follower.position()));
        follower.database().unlock_writers();
        application.run(commit_one);
    }
    EXPECT_EQ(follower.database().capture(old, no_limit).error().code, Errc::conflict);
    follower.verify();
}

// ltx-and-wal.md 5.5: a writer died after its commit frame but before the wal-index update.
TEST_F(Capture, APhantomCommitIsNeverCaptured) {
    Follower follower{path};
    follower.attach();
    Application application{path};
    application.run(commit_one);
    follower.capture_all();
    const WalPosition end = follower.position();

    std::fstream wal{path + "-wal", std::ios::binary | std::ios::in | std::ios::out};
    model::Bytes head(32);
    wal.read(reinterpret_cast<char*>(head.data()), 32);
    const auto header = model::wal::parse_header(head);
    ASSERT_TRUE(header);
    model::Bytes frame;
    model::append_be(frame, std::uint32_t{2});
    model::append_be(frame, std::uint32_t{5});
    const model::Bytes page(4096, std::byte{0xee});
    const auto sum =
        model::wal::chain(model::wal::chain({end.checksum1, end.checksum2}, frame, header->order),
                          page,
                          header->order);
    model::append_be(frame, end.salt1);
    model::append_be(frame, end.salt2);
    model::append_be(frame, sum.first);
    model::append_be(frame, sum.second);
    frame.insert(frame.end(), page.begin(), page.end());
    wal.seekp(model::wal::frame_offset(end.frames + 1, 4096));
    wal.write(reinterpret_cast<const char*>(frame.data()),
              static_cast<std::streamsize>(frame.size()));
    wal.close();

    EXPECT_FALSE(follower.capture_one());
    EXPECT_EQ(follower.position(), end);
    follower.verify();
    application.run(commit_one);  // overwrites the frame
    EXPECT_TRUE(follower.capture_one());
    follower.verify();
    EXPECT_EQ(follower.counter(), "2");
}

TEST_F(Capture, HintsThatTheWalGrewAfterTheCommitShows) {
    Follower follower{path};
    follower.attach();
    struct {
        sync::Mutex mutex;
        sync::Condition changed;
        bool seen GUARDED_BY(mutex) = false;
    } hint;
    follower.database().on_change([&] {
        const sync::Lock lock{hint.mutex};
        hint.seen = true;
        hint.changed.notify_all();
    });
    Application application{path};
    // The watch starts on its own thread: commit until it reports.
    bool notified = false;
    for (int i = 0; i < 100 && !notified; ++i) {
        application.run(commit_one);
        const sync::Lock lock{hint.mutex};
        notified = hint.changed.wait_for(
            hint.mutex, milliseconds{50}, [&]() REQUIRES(hint.mutex) { return hint.seen; });
    }
    ASSERT_TRUE(notified);
    EXPECT_TRUE(follower.capture_one());
    follower.database().on_change({});
}

// The workloads of the table in ltx-and-wal.md 5.4, on a small scale.
struct Table : Capture {
    /// Follows while `writers` run, until all have returned.
    void follow(Follower& follower, const std::vector<std::function<void()>>& writers) {
        std::atomic<bool> stop{false};
        std::vector<std::thread> threads;
        std::atomic<std::size_t> left{writers.size()};
        for (auto& writer : writers) {
            threads.emplace_back([&stop, &left, writer] {
                writer();
                if (--left == 0) stop = true;
            });
        }
        follower.follow(stop);
        for (auto& thread : threads)
            thread.join();
        if (!HasFailure()) follower.verify();
        std::cout << "commits " << follower.counter() << ", batches " << follower.batches()
                  << ", checkpoints " << follower.checkpoints() << ", compared "
                  << follower.compared() << ", WAL " << wal_size(path) / 1024 << " KiB\n";
    }
};

TEST_F(Table, OneWriterThatNeverPauses) {
    Follower follower{path};
    follower.attach();
    std::uint64_t largest = 0;
    follow(follower, {[&] {
               Application application{path};
               for (int i = 0; i < 12000; ++i) {
                   application.run(commit_one);
                   largest = std::max<std::uint64_t>(largest, wal_size(path));
               }
           }});
    EXPECT_EQ(follower.counter(), "12000");
    EXPECT_GT(follower.checkpoints(), 5U);
    EXPECT_LT(largest, 64U << 20U) << "the checkpoint keeps the WAL bounded";
}

TEST_F(Table, TwoWritersOneOfWhichReopens) {
    Follower follower{path};
    follower.attach();
    follow(follower,
           {[&] {
                Application application{path};
                for (int i = 0; i < 6000; ++i)
                    application.run(commit_one);
            },
            [&] {
                for (int round = 0; round < 60; ++round) {
                    Application application{path};
                    for (int i = 0; i < 100; ++i)
                        application.run(commit_one);
                }
            }});
    EXPECT_EQ(follower.counter(), "12000");
}

TEST_F(Table, AWriterThatClosesAfterEachTransaction) {
    Follower follower{path};
    follower.attach();
    follow(follower, {[&] {
               for (int i = 0; i < 1500; ++i)
                   Application{path}.run(commit_one);
           }});
    EXPECT_EQ(follower.counter(), "1500");
}

TEST_F(Table, CacheSpillsRollbacksAndVacuum) {
    Follower follower{path};
    follower.attach();
    follow(follower, {[&] {
               Application application{path};
               application.run("PRAGMA cache_size=5");
               for (int i = 0; i < 60; ++i) {
                   application.run("BEGIN IMMEDIATE; UPDATE counter SET n = n + 1");
                   for (int row = 0; row < 40; ++row)
                       application.run("INSERT INTO log(body) VALUES (randomblob(12000))");
                   application.run("UPDATE log SET body = randomblob(5000) WHERE id % 3 = 0");
                   application.run(i % 3 == 2 ? "ROLLBACK" : "COMMIT");
                   if (i % 10 == 9) application.run("DELETE FROM log WHERE id % 2 = 0; VACUUM");
               }
           }});
    EXPECT_EQ(follower.counter(), "40");
}

TEST_F(Table, ApplicationsThatCheckpointByThemselves) {
    Follower follower{path};
    follower.attach();
    follow(follower,
           {[&] {
                Application application{path};
                application.run("PRAGMA wal_autocheckpoint=50");
                for (int i = 0; i < 4000; ++i)
                    application.run(commit_one);
            },
            [&] {
                Application application{path};
                application.patience(5);
                for (int i = 0; i < 300; ++i) {
                    const char* mode[] = {"PASSIVE", "FULL", "RESTART", "TRUNCATE"};
                    application.try_run(std::string{"PRAGMA wal_checkpoint("} + mode[i % 4] + ")");
                    std::this_thread::sleep_for(milliseconds{2});
                }
            }});
    EXPECT_EQ(follower.counter(), "4000");
}

TEST_F(Table, APollEveryFiftyMilliseconds) {
    Follower follower{path};
    follower.attach();
    std::atomic<bool> stop{false};
    std::thread writer{[&] {
        Application application{path};
        for (int i = 0; i < 10000; ++i)
            application.run(commit_one);
        stop = true;
    }};
    while (!stop && !HasFailure()) {
        follower.step();
        std::this_thread::sleep_for(milliseconds{50});
    }
    writer.join();
    follower.verify();
    EXPECT_EQ(follower.counter(), "10000");
}

TEST_F(Table, WritersOfOtherProcesses) {
    Follower follower{path};
    follower.attach();
    follow(follower,
           {[&] { EXPECT_EQ(Process(path, 1500).wait(), 0); },
            [&] { EXPECT_EQ(Process(path, 1500, 50).wait(), 0); }});
}

TEST_F(Table, KillsOfTheWriter) {
    Follower follower{path};
    follower.attach();
    follow(follower, {[&] {
               for (int i = 0; i < 25; ++i) {
                   Process writer{path, 60000};
                   std::this_thread::sleep_for(milliseconds{40 + 3 * i});
                   writer.kill();
               }
           }});
    EXPECT_GT(std::stoi(follower.counter()), 100);
    EXPECT_EQ(Application{path}.ask("PRAGMA integrity_check"), "ok");
}

TEST_F(Table, TheFollowerStartsAgainAndContinuesUnderAWriter) {
    Follower follower{path};
    follower.attach();
    std::atomic<bool> stop{false};
    std::thread writer{[&] {
        Application application{path};
        for (int i = 0; i < 6000; ++i)
            application.run(commit_one);
        stop = true;
    }};
    int continued = 0;
    int anew = 0;
    while (!stop && !HasFailure()) {
        const auto until = std::chrono::steady_clock::now() + milliseconds{60};
        while (std::chrono::steady_clock::now() < until)
            follower.step();
        follower.database().detach();
        const auto attached = follower.database().attach(follower.position());
        ASSERT_TRUE(attached) << attached.error().message;
        const auto batch = follower.database().capture(follower.position(), no_limit);
        if (attached->continued && batch) {
            ++continued;
        } else {
            ++anew;
            follower.start_at(attached->position);
        }
    }
    writer.join();
    follower.verify();
    EXPECT_EQ(follower.counter(), "6000");
    std::cout << "continued " << continued << ", anew " << anew << '\n';
    EXPECT_GT(continued + anew, 0);
}

}  // namespace
}  // namespace adapters::sqlite
