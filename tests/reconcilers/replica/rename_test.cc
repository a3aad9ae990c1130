// The journalled renames on a real disk, interrupted at every step: the process exits before each
// of its changes in turn, and the next process finishes. Rule D6.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>

#include "adapters/linux/files.h"
#include "reconcilers/replica/local.h"
#include "tests/support/temp_dir.h"

namespace reconcilers::replica {
namespace {

using model::Position;
using model::Result;
using model::Tenure;
using model::Txid;

constexpr int cut_off = 42;  // exit status of a process that was interrupted
constexpr int refused = 43;

/// The real disk; the process exits instead of making change number `last`.
class CutOffFiles final : public ports::Files {
public:
    explicit CutOffFiles(int last) : left_{last} {}

    Result<bool> exists(std::string_view path) override { return disk_.exists(path); }
    Result<std::uint64_t> size(std::string_view path) override { return disk_.size(path); }
    Result<std::vector<std::string>> list(std::string_view path) override {
        return disk_.list(path);
    }
    Result<model::Bytes> read(std::string_view path) override { return disk_.read(path); }
    Result<model::Bytes> read_at(std::string_view path,
                                 std::uint64_t offset,
                                 std::uint64_t length) override {
        return disk_.read_at(path, offset, length);
    }
    Result<void> create_directory(std::string_view path) override {
        step();
        return disk_.create_directory(path);
    }
    Result<void> write(std::string_view path, model::ByteView bytes, bool durable) override {
        step();
        return disk_.write(path, bytes, durable);
    }
    Result<void> write_at(std::string_view path,
                          std::uint64_t offset,
                          model::ByteView bytes) override {
        step();
        return disk_.write_at(path, offset, bytes);
    }
    Result<void> truncate(std::string_view path, std::uint64_t size) override {
        step();
        return disk_.truncate(path, size);
    }
    Result<void> sync(std::string_view path) override {
        step();
        return disk_.sync(path);
    }
    Result<void> sync_directory(std::string_view path) override {
        step();
        return disk_.sync_directory(path);
    }
    Result<void> rename(std::string_view from, std::string_view to) override {
        step();
        return disk_.rename(from, to);
    }
    Result<void> remove(std::string_view path) override {
        step();
        return disk_.remove(path);
    }
    Result<void> give_to_owner_of(std::string_view directory, std::string_view file) override {
        step();
        return disk_.give_to_owner_of(directory, file);
    }
    Result<void> copy_owner(std::string_view from, std::string_view to) override {
        step();
        return disk_.copy_owner(from, to);
    }

private:
    void step() {
        if (left_-- == 0) ::_exit(cut_off);
    }

    adapters::linux_host::Files disk_;
    int left_;
};

using Disk = std::map<std::string, std::string>;  // path below the directory -> contents

class Rename : public testing::Test {
protected:
    void put(const std::string& name, const std::string& content) const {
        const auto path = std::filesystem::path{directory_.path() + "/" + name};
        std::filesystem::create_directories(path.parent_path());
        std::ofstream{path} << content;
    }
    /// All of data/ and replica/, and whether an intent exists.
    [[nodiscard]] Disk disk() const {
        Disk all;
        for (const auto* const part : {"data", "replica"}) {
            const auto root = directory_.path() + "/" + part;
            if (!std::filesystem::exists(root)) continue;
            for (const auto& each : std::filesystem::directory_iterator{root}) {
                std::ostringstream text;
                text << std::ifstream{each.path()}.rdbuf();
                all[std::string{part} + "/" + each.path().filename().string()] = text.str();
            }
        }
        if (std::filesystem::exists(directory_.path() + "/state/intent")) all["intent"] = "";
        return all;
    }
    void clear() const {
        for (const auto* const part : {"data", "replica", "state"})
            std::filesystem::remove_all(directory_.path() + "/" + part);
    }
    [[nodiscard]] Local local(ports::Files& files) const {
        return Local{files,
                     {.data = directory_.path() + "/data/db",
                      .replica = directory_.path() + "/replica/db",
                      .state = directory_.path() + "/state"},
                     "boot"};
    }

    struct Outcome {
        Disk disk;
        std::optional<Tenure> tenure;
        std::optional<Copy> copy;
    };
    using Work = std::function<Result<void>(Local&)>;

    /// The state after a new process has opened it.
    Outcome reopen() {
        adapters::linux_host::Files files;
        auto next = local(files);
        const auto opened = next.open();
        EXPECT_TRUE(opened) << opened.error().message;
        return {.disk = disk(), .tenure = next.tenure(), .copy = next.progress().copy};
    }

    /// Runs `work` in a process that exits before change number `last`; returns its exit status.
    int run(const Work& work, int last) {
        const pid_t pid = ::fork();
        if (pid == 0) {
            CutOffFiles files{last};
            auto each = local(files);
            // Opening makes no change that counts here, but may be interrupted, too.
            if (!each.open() || !work(each)) ::_exit(refused);
            ::_exit(0);
        }
        int status = 0;
        ::waitpid(pid, &status, 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }

    /// After each interruption, the disk is either as before the work or as after it, and no intent
    /// is left.
    void cut_everywhere(const std::function<void()>& prepare, const Work& work) {
        clear();
        prepare();
        const auto before = reopen();
        ASSERT_EQ(run(work, -1), 0);
        const auto after = reopen();
        ASSERT_NE(before.disk, after.disk);
        int old_ones = 0;
        int new_ones = 0;
        for (int last = 0;; ++last) {
            clear();
            prepare();
            (void)reopen();
            const int status = run(work, last);
            ASSERT_TRUE(status == 0 || status == cut_off) << status << " at change " << last;
            const auto found = reopen();
            const bool is_old = found.disk == before.disk && found.tenure == before.tenure &&
                                found.copy == before.copy;
            const bool is_new = found.disk == after.disk && found.tenure == after.tenure &&
                                found.copy == after.copy;
            EXPECT_TRUE(is_old || is_new) << "cut off before change " << last;
            // Once the result is the new state for some `last`, it stays so for later ones.
            EXPECT_TRUE(is_new || new_ones == 0) << "cut off before change " << last;
            ++(is_new ? new_ones : old_ones);
            EXPECT_FALSE(found.disk.contains("intent"));
            if (status == 0) break;
        }
        EXPECT_GT(old_ones, 0);
        EXPECT_GT(new_ones, 5);
    }

    test_support::TempDir directory_;
};

const Position at{.tenure = Tenure{3}, .txid = Txid{7}};

// defects.md C18: at every point where a process may start, there is a complete database.
TEST_F(Rename, APromotionPutsTheCopyInPlaceWithNothingOfTheOldDatabaseBesideIt) {
    cut_everywhere(
        [this] {
            put("data/db", "old");
            put("data/db-wal", "old wal");
            put("data/db-shm", "old shm");
            put("data/db-journal", "old journal");
            put("replica/db", "new");
        },
        [](Local& local) { return local.promote(Tenure{4}); });
    const auto found = reopen();
    EXPECT_EQ(found.disk, (Disk{{"data/db", "new"}}));
    EXPECT_EQ(found.tenure, Tenure{4});
    EXPECT_EQ(found.copy, std::nullopt);
}

// defects.md C19
TEST_F(Rename, APromotionMovesTheCopyAndCopiesNothing) {
    put("data/db", "old");
    put("replica/db", "new");
    struct stat copy {};
    ASSERT_EQ(::stat((directory_.path() + "/replica/db").c_str(), &copy), 0);
    ASSERT_EQ(run([](Local& local) { return local.promote(Tenure{4}); }, -1), 0);
    struct stat data {};
    ASSERT_EQ(::stat((directory_.path() + "/data/db").c_str(), &data), 0);
    EXPECT_EQ(data.st_ino, copy.st_ino);
}

TEST_F(Rename, APromotionWhereNoDatabaseWasIsTheSame) {
    cut_everywhere([this] { put("replica/db", "new"); },
                   [](Local& local) { return local.promote(Tenure{4}); });
    EXPECT_EQ(reopen().disk, (Disk{{"data/db", "new"}}));
}

TEST_F(Rename, AFormerPrimarysDatabaseBecomesTheCopy) {
    cut_everywhere(
        [this] {
            put("data/db", "folded");
            put("replica/db", "stale");
            adapters::linux_host::Files files;
            auto here = local(files);
            ASSERT_TRUE(here.open());
            ASSERT_TRUE(here.set_tenure(Tenure{3}));
        },
        [](Local& local) { return local.rejoin(at, "nuid"); });
    const auto found = reopen();
    EXPECT_EQ(found.disk, (Disk{{"replica/db", "folded"}}));
    EXPECT_EQ(found.tenure, std::nullopt);
    ASSERT_TRUE(found.copy);
    EXPECT_EQ(found.copy->position, at);
    EXPECT_EQ(found.copy->nuid, "nuid");
}

// defects.md C19
TEST_F(Rename, DivergedDataIsKeptWholeUnderAnotherName) {
    cut_everywhere(
        [this] {
            put("data/db", "mine");
            put("data/db-wal", "my wal");
            put("data/db.diverged-3-7", "an earlier one");
        },
        [](Local& local) { return local.set_aside(at); });
    EXPECT_EQ(reopen().disk,
              (Disk{{"data/db.diverged-3-7", "an earlier one"},
                    {"data/db.diverged-3-7.2", "mine"},
                    {"data/db.diverged-3-7.2-wal", "my wal"}}));
}

// One transaction is one file, which may be larger than any other record.
TEST_F(Rename, AStagedFileOfAnySizeIsReadAgain) {
    adapters::linux_host::Files files;
    auto here = local(files);
    ASSERT_TRUE(here.open());
    ASSERT_TRUE(here.save({}, {}, true));
    const Staged staged{.txid = {7}, .nuid = "nuid", .to = {.salt1 = 1, .frames = 2}, .ltx = {}};
    ASSERT_TRUE(here.stage(staged, false));
    const auto path = directory_.path() + "/state/staged/" + staged_name({7}, "nuid");
    std::filesystem::resize_file(path, (256U << 20U) + 1);  // a hole, which needs no disk space
    const auto again = here.load_staged();
    ASSERT_TRUE(again) << again.error().message;
    ASSERT_EQ(again->size(), 1U);
    EXPECT_EQ(again->front().to, staged.to);
}

// L12: read before anything else of this node is opened.
TEST(Progress, NamesTheLogThatThisNodeHasRead) {
    const test_support::TempDir directory;
    const auto state = directory.path() + "/state";
    adapters::linux_host::Files disk;
    EXPECT_EQ(remembered_log(disk, state), "");
    Local local{disk,
                {.data = directory.path() + "/data/db",
                 .replica = directory.path() + "/copy/db",
                 .state = state},
                "boot"};
    ASSERT_TRUE(local.open());
    EXPECT_EQ(remembered_log(disk, state), "");
    LogState log;
    log.stream_created = "2026-01-02T03:04:05.678901234Z";
    ASSERT_TRUE(local.save(log, {}, true));
    EXPECT_EQ(remembered_log(disk, state), "") << "nothing of it was read";
    log.sequence = {7};
    ASSERT_TRUE(local.save(log, {}, true));
    EXPECT_EQ(remembered_log(disk, state), log.stream_created);
    ASSERT_TRUE(disk.write(state + "/progress", {}, true));
    EXPECT_EQ(remembered_log(disk, state), "");
}

}  // namespace
}  // namespace reconcilers::replica
