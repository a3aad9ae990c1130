// The journalled renames on a real disk, cut off at every step: the process ends after each of its
// changes in turn, the next one finishes what was begun. Rule D6.
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

constexpr int cut_off = 42;  // exit status of a process that met its end
constexpr int refused = 43;

/// The real disk, and a process that ends instead of its change number `last`.
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
    Result<void> make_folder(std::string_view path) override {
        step();
        return disk_.make_folder(path);
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
    Result<void> sync_folder(std::string_view path) override {
        step();
        return disk_.sync_folder(path);
    }
    Result<void> rename(std::string_view from, std::string_view to) override {
        step();
        return disk_.rename(from, to);
    }
    Result<void> remove(std::string_view path) override {
        step();
        return disk_.remove(path);
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

using Disk = std::map<std::string, std::string>;  // path below the folder -> content

class Rename : public testing::Test {
protected:
    void put(const std::string& name, const std::string& content) const {
        const auto path = std::filesystem::path{folder_.path() + "/" + name};
        std::filesystem::create_directories(path.parent_path());
        std::ofstream{path} << content;
    }
    /// All of data/ and replica/, and whether an intent is there.
    [[nodiscard]] Disk disk() const {
        Disk all;
        for (const auto* const part : {"data", "replica"}) {
            const auto root = folder_.path() + "/" + part;
            if (!std::filesystem::exists(root)) continue;
            for (const auto& each : std::filesystem::directory_iterator{root}) {
                std::ostringstream text;
                text << std::ifstream{each.path()}.rdbuf();
                all[std::string{part} + "/" + each.path().filename().string()] = text.str();
            }
        }
        if (std::filesystem::exists(folder_.path() + "/state/intent")) all["intent"] = "";
        return all;
    }
    void clear() const {
        for (const auto* const part : {"data", "replica", "state"})
            std::filesystem::remove_all(folder_.path() + "/" + part);
    }
    [[nodiscard]] Local local(ports::Files& files) const {
        return Local{files,
                     {.data = folder_.path() + "/data/db",
                      .replica = folder_.path() + "/replica/db",
                      .state = folder_.path() + "/state"},
                     "boot"};
    }

    struct Outcome {
        Disk disk;
        std::optional<Tenure> tenure;
        std::optional<Copy> copy;
    };
    using Work = std::function<Result<void>(Local&)>;

    /// What a process finds that starts now.
    Outcome reopen() {
        adapters::linux_host::Files files;
        auto next = local(files);
        const auto opened = next.open();
        EXPECT_TRUE(opened) << opened.error().message;
        return {.disk = disk(), .tenure = next.tenure(), .copy = next.standing().copy};
    }

    /// Does `work` in a process that ends before its change number `last`: its exit status.
    int run(const Work& work, int last) {
        const pid_t pid = ::fork();
        if (pid == 0) {
            CutOffFiles files{last};
            auto each = local(files);
            // Opening changes nothing that counts here, and is cut off like the rest.
            if (!each.open() || !work(each)) ::_exit(refused);
            ::_exit(0);
        }
        int status = 0;
        ::waitpid(pid, &status, 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }

    /// After each cut the disk is as before the work, or as after it; nothing in between, and no
    /// intent is left.
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
            // Once the work began to show, it does not go back.
            EXPECT_TRUE(is_new || new_ones == 0) << "cut off before change " << last;
            ++(is_new ? new_ones : old_ones);
            EXPECT_FALSE(found.disk.contains("intent"));
            if (status == 0) break;
        }
        EXPECT_GT(old_ones, 0);
        EXPECT_GT(new_ones, 5);
    }

    test_support::TempDir folder_;
};

const Position at{.tenure = Tenure{3}, .txid = Txid{7}};

// defects.md C18: there is a whole database at every moment that a start can find.
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
    ASSERT_EQ(::stat((folder_.path() + "/replica/db").c_str(), &copy), 0);
    ASSERT_EQ(run([](Local& local) { return local.promote(Tenure{4}); }, -1), 0);
    struct stat data {};
    ASSERT_EQ(::stat((folder_.path() + "/data/db").c_str(), &data), 0);
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
            put("data/db", "settled");
            put("replica/db", "stale");
            adapters::linux_host::Files files;
            auto here = local(files);
            ASSERT_TRUE(here.open());
            ASSERT_TRUE(here.set_tenure(Tenure{3}));
        },
        [](Local& local) { return local.rejoin(at, "nuid"); });
    const auto found = reopen();
    EXPECT_EQ(found.disk, (Disk{{"replica/db", "settled"}}));
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

// One transaction of the application is one file, and may be larger than any other record.
TEST_F(Rename, AStagedFileOfAnySizeIsReadAgain) {
    adapters::linux_host::Files files;
    auto here = local(files);
    ASSERT_TRUE(here.open());
    ASSERT_TRUE(here.save({}, {}, true));
    const Staged staged{.txid = {7}, .nuid = "nuid", .to = {.salt1 = 1, .frames = 2}, .ltx = {}};
    ASSERT_TRUE(here.stage(staged, false));
    const auto path = folder_.path() + "/state/staged/" + staged_name({7}, "nuid");
    std::filesystem::resize_file(path, (256U << 20U) + 1);  // a hole: it takes no room
    const auto again = here.load_staged();
    ASSERT_TRUE(again) << again.error().message;
    ASSERT_EQ(again->size(), 1U);
    EXPECT_EQ(again->front().to, staged.to);
}

}  // namespace
}  // namespace reconcilers::replica
