// Tests that the simulated disk really loses what was not synced.
#include "tests/sim/disk/sim_files.h"

#include <gtest/gtest.h>

#include <set>

namespace sim {
namespace {

using model::as_bytes;
using model::to_text;

// A linear congruential generator; its upper bits are random enough here.
class Coins final : public reconcilers::ports::Random {
public:
    explicit Coins(std::uint64_t seed) : state_{seed} {}
    std::uint64_t below(std::uint64_t below) override {
        state_ = state_ * 6364136223846793005U + 1442695040888963407U;
        return (state_ >> 33) % below;
    }

private:
    std::uint64_t state_;
};

class SimFilesTest : public testing::Test {
protected:
    void SetUp() override { ASSERT_TRUE(disk_.create_directory("/d")); }
    std::string read(const std::string& path) {
        const auto bytes = disk_.read(path);
        return bytes ? to_text(*bytes) : "absent";
    }
    SimFiles disk_;
};

TEST_F(SimFilesTest, ADurableWriteSurvivesAPowerCut) {
    ASSERT_TRUE(disk_.write("/d/a", as_bytes("one"), true));
    disk_.power_cut();
    EXPECT_EQ(read("/d/a"), "one");
}

TEST_F(SimFilesTest, AWriteThatIsNotDurableSurvivesACrashButNoPowerCut) {
    ASSERT_TRUE(disk_.write("/d/a", as_bytes("one"), true));
    ASSERT_TRUE(disk_.write("/d/a", as_bytes("two"), false));
    EXPECT_EQ(read("/d/a"), "two");
    disk_.power_cut();
    EXPECT_EQ(read("/d/a"), "one");
}

TEST_F(SimFilesTest, BytesAndNamesAreSyncedEachOnItsOwn) {
    ASSERT_TRUE(disk_.write_at("/d/a", 0, as_bytes("one")));
    ASSERT_TRUE(disk_.sync("/d/a"));
    ASSERT_TRUE(disk_.write_at("/d/b", 0, as_bytes("one")));
    disk_.power_cut();
    EXPECT_EQ(read("/d/a"), "absent");
    EXPECT_EQ(read("/d/b"), "absent");

    ASSERT_TRUE(disk_.write_at("/d/b", 0, as_bytes("one")));
    ASSERT_TRUE(disk_.sync_directory("/d"));
    disk_.power_cut();
    EXPECT_EQ(read("/d/b"), "");
}

TEST_F(SimFilesTest, ARenameIsDurableAfterBothDirectoriesWereSynced) {
    ASSERT_TRUE(disk_.create_directory("/e"));
    ASSERT_TRUE(disk_.write("/d/a", as_bytes("one"), true));
    ASSERT_TRUE(disk_.rename("/d/a", "/e/a"));
    disk_.power_cut();
    EXPECT_EQ(read("/d/a"), "one");
    EXPECT_EQ(read("/e/a"), "absent");

    ASSERT_TRUE(disk_.rename("/d/a", "/e/a"));
    ASSERT_TRUE(disk_.sync_directory("/e"));
    disk_.power_cut();
    EXPECT_EQ(read("/d/a"), "one");
    EXPECT_EQ(read("/e/a"), "one");

    ASSERT_TRUE(disk_.rename("/d/a", "/e/b"));
    ASSERT_TRUE(disk_.sync_directory("/d"));
    ASSERT_TRUE(disk_.sync_directory("/e"));
    disk_.power_cut();
    EXPECT_EQ(read("/d/a"), "absent");
    EXPECT_EQ(read("/e/b"), "one");
}

TEST_F(SimFilesTest, ARemovalIsDurableAfterTheDirectoryWasSynced) {
    ASSERT_TRUE(disk_.write("/d/a", as_bytes("one"), true));
    ASSERT_TRUE(disk_.remove("/d/a"));
    disk_.power_cut();
    EXPECT_EQ(read("/d/a"), "one");
    ASSERT_TRUE(disk_.remove("/d/a"));
    ASSERT_TRUE(disk_.sync_directory("/d"));
    disk_.power_cut();
    EXPECT_EQ(read("/d/a"), "absent");
}

TEST_F(SimFilesTest, ADurableWriteIsWholeOrNotAtWhateverStepTheProcessDies) {
    std::set<std::string> seen;
    for (std::uint64_t steps = 0;; ++steps) {
        for (const bool cut : {false, true}) {
            SimFiles disk;
            ASSERT_TRUE(disk.create_directory("/d"));
            ASSERT_TRUE(disk.write("/d/a", as_bytes("one"), true));
            disk.crash_after(steps);
            bool crashed = false;
            try {
                ASSERT_TRUE(disk.write("/d/a", as_bytes("three"), true));
            } catch (const SimCrash&) {
                crashed = true;
            }
            disk.crash_after({});
            if (cut) disk.power_cut();
            const auto after = to_text(*disk.read("/d/a"));
            EXPECT_TRUE(after == "one" || after == "three") << after;
            EXPECT_EQ(*disk.list("/d"), std::vector<std::string>{"a"});
            seen.insert(after);
            if (!crashed) {
                EXPECT_EQ(after, "three");
                if (cut) {
                    EXPECT_EQ(seen.size(), 2U);
                    EXPECT_GE(steps, 4U);
                    return;
                }
            }
        }
    }
}

TEST_F(SimFilesTest, AFailedSyncIsFinal) {
    ASSERT_TRUE(disk_.write("/d/a", as_bytes("one"), true));
    ASSERT_TRUE(disk_.write_at("/d/a", 0, as_bytes("two")));
    disk_.fail_next_sync();
    const auto failed = disk_.sync("/d/a");
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().code, model::Errc::unavailable);
    // A repeated fsync reports success although the data is lost.
    EXPECT_TRUE(disk_.sync("/d/a"));
    EXPECT_EQ(read("/d/a"), "two");
    disk_.power_cut();
    EXPECT_EQ(read("/d/a"), "one");
}

TEST_F(SimFilesTest, AFullDiskKeepsHalf) {
    ASSERT_TRUE(disk_.write("/d/a", as_bytes("1234"), true));
    disk_.capacity(10);
    const auto failed = disk_.write_at("/d/a", 4, as_bytes("567890ab"));
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().code, model::Errc::unavailable);
    EXPECT_EQ(read("/d/a"), "12345678");
    EXPECT_FALSE(disk_.write("/d/b", as_bytes("1234"), true));
    EXPECT_EQ(read("/d/b"), "absent");
    disk_.capacity(UINT64_MAX);
    EXPECT_TRUE(disk_.write("/d/b", as_bytes("1234"), true));
}

TEST_F(SimFilesTest, ByChanceAnyPageThatWasNotSyncedMaySurvive) {
    std::set<std::string> seen;
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        SimFiles disk;
        ASSERT_TRUE(disk.create_directory("/d"));
        ASSERT_TRUE(disk.write("/d/a", as_bytes(std::string(8192, '.')), true));
        ASSERT_TRUE(disk.write_at("/d/a", 0, as_bytes("1")));
        ASSERT_TRUE(disk.write_at("/d/a", 4096, as_bytes("2")));
        Coins coins{seed};
        disk.power_cut(&coins);
        const auto after = to_text(*disk.read("/d/a"));
        ASSERT_EQ(after.size(), 8192U);
        seen.insert({after[0], after[4096]});
    }
    EXPECT_EQ(seen, (std::set<std::string>{"..", "1.", ".2", "12"}));
}

}  // namespace
}  // namespace sim
