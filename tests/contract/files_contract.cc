// The contract of every Files.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "adapters/linux/files.h"
#include "tests/sim/disk/sim_files.h"
#include "tests/support/temp_dir.h"

namespace contract {
namespace {

using model::as_bytes;
using model::Errc;
using model::to_text;
using Names = std::vector<std::string>;

class FilesWorld {
public:
    virtual ~FilesWorld() = default;
    virtual reconcilers::ports::Files& files() = 0;
    [[nodiscard]] virtual std::string root() const = 0;
    virtual void set_owner(const std::string& path, unsigned uid, unsigned gid, unsigned mode) = 0;
    [[nodiscard]] virtual std::vector<unsigned> owner(const std::string& path) = 0;
};

class RealWorld final : public FilesWorld {
public:
    reconcilers::ports::Files& files() override { return files_; }
    [[nodiscard]] std::string root() const override { return directory_.path(); }
    void set_owner(const std::string& path, unsigned uid, unsigned gid, unsigned mode) override {
        EXPECT_EQ(::chown(path.c_str(), uid, gid), 0);
        EXPECT_EQ(::chmod(path.c_str(), mode), 0);
    }
    [[nodiscard]] std::vector<unsigned> owner(const std::string& path) override {
        struct stat what {};
        EXPECT_EQ(::stat(path.c_str(), &what), 0);
        return {what.st_uid, what.st_gid, what.st_mode & 07777};
    }

private:
    test_support::TempDir directory_;
    adapters::linux_host::Files files_;
};

class SimulatedWorld final : public FilesWorld {
public:
    SimulatedWorld() { EXPECT_TRUE(files_.create_directory(root())); }
    reconcilers::ports::Files& files() override { return files_; }
    [[nodiscard]] std::string root() const override { return "/tmp/simulated"; }
    void set_owner(const std::string& path, unsigned uid, unsigned gid, unsigned mode) override {
        files_.set_owner(path, {uid, gid, mode});
    }
    [[nodiscard]] std::vector<unsigned> owner(const std::string& path) override {
        const auto owner = files_.owner(path);
        return {owner.uid, owner.gid, owner.mode};
    }

private:
    sim::SimFiles files_;
};

struct Param {
    const char* name;
    std::unique_ptr<FilesWorld> (*make)();
};

class FilesContract : public testing::TestWithParam<Param> {
protected:
    [[nodiscard]] std::string path(const std::string& name) const {
        return world_->root() + "/" + name;
    }
    [[nodiscard]] std::string read(const std::string& name) {
        const auto bytes = files_.read(path(name));
        return bytes ? to_text(*bytes) : std::string{model::to_text(bytes.error().code)};
    }

    std::unique_ptr<FilesWorld> world_ = GetParam().make();
    reconcilers::ports::Files& files_ = world_->files();
};

INSTANTIATE_TEST_SUITE_P(All,
                         FilesContract,
                         testing::Values(Param{"Real",
                                               []() -> std::unique_ptr<FilesWorld> {
                                                   return std::make_unique<RealWorld>();
                                               }},
                                         Param{"Simulated",
                                               []() -> std::unique_ptr<FilesWorld> {
                                                   return std::make_unique<SimulatedWorld>();
                                               }}),
                         [](const auto& which) { return which.param.name; });

template <typename T>
Errc code_of(const model::Result<T>& result) {
    EXPECT_FALSE(result);
    return result.error().code;
}

TEST_P(FilesContract, ReadsWhatItWrote) {
    for (const bool durable : {true, false}) {
        ASSERT_TRUE(files_.write(path("a"), as_bytes("one"), durable));
        EXPECT_EQ(read("a"), "one");
        ASSERT_TRUE(files_.write(path("a"), as_bytes(""), durable));
        EXPECT_EQ(read("a"), "");
        EXPECT_TRUE(*files_.exists(path("a")));
        EXPECT_EQ(*files_.size(path("a")), 0U);
    }
    EXPECT_EQ(*files_.list(world_->root()), Names{"a"});
}

TEST_P(FilesContract, AnAbsentFileIsNotFoundAndTheMessageNamesIt) {
    EXPECT_FALSE(*files_.exists(path("absent")));
    EXPECT_EQ(code_of(files_.size(path("absent"))), Errc::not_found);
    EXPECT_EQ(code_of(files_.read(path("absent"))), Errc::not_found);
    EXPECT_EQ(code_of(files_.read_at(path("absent"), 0, 1)), Errc::not_found);
    EXPECT_EQ(code_of(files_.truncate(path("absent"), 0)), Errc::not_found);
    EXPECT_EQ(code_of(files_.sync(path("absent"))), Errc::not_found);
    EXPECT_EQ(code_of(files_.sync_directory(path("absent"))), Errc::not_found);
    EXPECT_EQ(code_of(files_.rename(path("absent"), path("b"))), Errc::not_found);
    EXPECT_EQ(code_of(files_.write(path("absent/a"), {}, true)), Errc::not_found);
    EXPECT_EQ(code_of(files_.write_at(path("absent/a"), 0, {})), Errc::not_found);
    EXPECT_EQ(code_of(files_.copy_owner(path("absent"), path("b"))), Errc::not_found);
    EXPECT_TRUE(files_.remove(path("absent")));
    const auto failed = files_.read(path("absent"));
    EXPECT_NE(failed.error().message.find(path("absent")), std::string::npos);
    EXPECT_NE(failed.error().message.find("No such file"), std::string::npos);
}

TEST_P(FilesContract, ADirectoryIsNoFileAndAFileNoDirectory) {
    ASSERT_TRUE(files_.create_directory(path("directory")));
    ASSERT_TRUE(files_.write(path("file"), as_bytes("x"), false));
    EXPECT_EQ(code_of(files_.read(path("directory"))), Errc::invalid);
    EXPECT_EQ(code_of(files_.size(path("directory"))), Errc::invalid);
    EXPECT_EQ(code_of(files_.write(path("directory"), {}, false)), Errc::invalid);
    EXPECT_EQ(code_of(files_.write_at(path("directory"), 0, {})), Errc::invalid);
    EXPECT_EQ(code_of(files_.sync(path("directory"))), Errc::invalid);
    EXPECT_EQ(code_of(files_.remove(path("directory"))), Errc::invalid);
    EXPECT_EQ(code_of(files_.rename(path("file"), path("directory"))), Errc::invalid);
    EXPECT_EQ(code_of(files_.list(path("file"))), Errc::invalid);
    EXPECT_EQ(code_of(files_.sync_directory(path("file"))), Errc::invalid);
    EXPECT_EQ(code_of(files_.create_directory(path("file"))), Errc::invalid);
    EXPECT_EQ(code_of(files_.create_directory(path("file/below"))), Errc::invalid);
    EXPECT_EQ(*files_.list(world_->root()), (Names{"directory", "file"}));
}

TEST_P(FilesContract, APathIsAbsolute) {
    for (const auto* const bad : {"", "a", "./a"}) {
        EXPECT_EQ(code_of(files_.exists(bad)), Errc::invalid);
        EXPECT_EQ(code_of(files_.read(bad)), Errc::invalid);
        EXPECT_EQ(code_of(files_.write(bad, {}, false)), Errc::invalid);
        EXPECT_EQ(code_of(files_.remove(bad)), Errc::invalid);
        EXPECT_EQ(code_of(files_.create_directory(bad)), Errc::invalid);
    }
    EXPECT_EQ(code_of(files_.read(std::string{"/a\0b", 4})), Errc::invalid);
}

TEST_P(FilesContract, MakesDirectoriesWithTheirParents) {
    ASSERT_TRUE(files_.create_directory(path("a/b/c")));
    ASSERT_TRUE(files_.create_directory(path("a/b/c")));
    EXPECT_EQ(*files_.list(path("a")), Names{"b"});
    ASSERT_TRUE(files_.write(path("a/b/c/file"), as_bytes("x"), true));
    EXPECT_EQ(*files_.list(path("a/b/c")), Names{"file"});
    EXPECT_EQ(*files_.list(path("absent")), Names{});
}

TEST_P(FilesContract, WritesInPlace) {
    ASSERT_TRUE(files_.write_at(path("a"), 2, as_bytes("cd")));
    EXPECT_EQ(read("a"), (std::string{"\0\0cd", 4}));
    ASSERT_TRUE(files_.write_at(path("a"), 0, as_bytes("ab")));
    EXPECT_EQ(read("a"), "abcd");
    ASSERT_TRUE(files_.write_at(path("a"), 3, as_bytes("XY")));
    EXPECT_EQ(read("a"), "abcXY");
    ASSERT_TRUE(files_.truncate(path("a"), 2));
    EXPECT_EQ(read("a"), "ab");
    ASSERT_TRUE(files_.truncate(path("a"), 4));
    EXPECT_EQ(read("a"), (std::string{"ab\0\0", 4}));
    EXPECT_TRUE(files_.sync(path("a")));
    EXPECT_TRUE(files_.sync_directory(world_->root()));
}

TEST_P(FilesContract, ReadsRangesAndStopsAtTheEnd) {
    ASSERT_TRUE(files_.write(path("a"), as_bytes("abcd"), false));
    EXPECT_EQ(to_text(*files_.read_at(path("a"), 1, 2)), "bc");
    EXPECT_EQ(to_text(*files_.read_at(path("a"), 3, 100)), "d");
    EXPECT_EQ(to_text(*files_.read_at(path("a"), 4, 1)), "");
    EXPECT_EQ(to_text(*files_.read_at(path("a"), 1'000'000'000'000, UINT64_MAX)), "");
    EXPECT_EQ(to_text(*files_.read_at(path("a"), 0, UINT64_MAX)), "abcd");
}

TEST_P(FilesContract, RenamesOverWhatIsThere) {
    ASSERT_TRUE(files_.create_directory(path("d")));
    ASSERT_TRUE(files_.write(path("a"), as_bytes("new"), false));
    ASSERT_TRUE(files_.write(path("d/b"), as_bytes("old"), false));
    ASSERT_TRUE(files_.rename(path("a"), path("d/b")));
    EXPECT_EQ(read("d/b"), "new");
    EXPECT_FALSE(*files_.exists(path("a")));
}

TEST_P(FilesContract, Removes) {
    ASSERT_TRUE(files_.write(path("a"), as_bytes("x"), true));
    ASSERT_TRUE(files_.remove(path("a")));
    EXPECT_FALSE(*files_.exists(path("a")));
}

TEST_P(FilesContract, OverwritesAndNeverListsWhatACutShortWriteLeft) {
    ASSERT_TRUE(files_.write_at(path(".a.tmp"), 0, as_bytes("torn and long")));
    EXPECT_EQ(*files_.list(world_->root()), Names{});
    ASSERT_TRUE(files_.write(path("a"), as_bytes("one"), true));
    EXPECT_EQ(read("a"), "one");
    EXPECT_FALSE(*files_.exists(path(".a.tmp")));
}

TEST_P(FilesContract, CopiesOwnerGroupAndMode) {
    ASSERT_TRUE(files_.write(path("from"), as_bytes("x"), false));
    ASSERT_TRUE(files_.write(path("to"), as_bytes("y"), false));
    world_->set_owner(path("from"), 65534, 65533, 0640);
    ASSERT_TRUE(files_.copy_owner(path("from"), path("to")));
    EXPECT_EQ(world_->owner(path("to")), (std::vector<unsigned>{65534, 65533, 0640}));
    EXPECT_EQ(read("to"), "y");
}

// So that a service that runs as that user can open what root has put there.
TEST_P(FilesContract, GivesAFileToTheOwnerOfADirectoryAndLeavesItsMode) {
    ASSERT_TRUE(files_.write(path("f"), as_bytes("x"), false));
    world_->set_owner(path("f"), 65534, 65533, 0640);
    ASSERT_TRUE(files_.give_to_owner_of(world_->root(), path("f")));
    EXPECT_EQ(world_->owner(path("f")), (std::vector<unsigned>{0, 0, 0640}));
    EXPECT_EQ(code_of(files_.give_to_owner_of(world_->root(), path("absent"))), Errc::not_found);
}

}  // namespace
}  // namespace contract
