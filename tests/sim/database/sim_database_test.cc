#include "tests/sim/database/sim_database.h"

#include <gtest/gtest.h>

#include "tests/sim/cluster/random.h"

namespace sim {
namespace {

using model::Bytes;
using model::Errc;
using model::Page;
using Mode = reconcilers::ports::Database::Mode;

class SimDatabaseTest : public testing::Test {
protected:
    SimDatabaseTest() {
        (void)files_.create_directory("/data");
        (void)files_.write_at(path, 0, sim_first_page());
        (void)files_.sync(path);
        (void)files_.sync_directory("/data");
    }
    void open_application() {
        ASSERT_TRUE(database_.convert_to_wal());
        application_ = sqlite_.open().value();
    }
    [[nodiscard]] model::Result<void> commit(std::uint32_t page, int value) {
        Bytes first = sqlite_.read(1).value();
        first[40] = static_cast<std::byte>(value);
        return sqlite_.commit(
            application_,
            {{.number = 1, .data = first},
             {.number = page, .data = Bytes(sim_page_size, static_cast<std::byte>(value))}});
    }
    [[nodiscard]] int value(std::uint32_t page) {
        return std::to_integer<int>(sqlite_.read(page).value()[200]);
    }

    static constexpr const char* path = "/data/db";
    SimFiles files_;
    SimRandom random_{7};
    SimSqlite sqlite_{files_, path, random_};
    SimDatabase database_{sqlite_, files_};
    int application_ = 0;
};

TEST_F(SimDatabaseTest, IsConvertedWhileNobodyHasItOpen) {
    EXPECT_EQ(database_.mode().value(), Mode::other);
    EXPECT_EQ(database_.attach({}).error().code, Errc::invalid);
    const int opener = sqlite_.open().value();
    EXPECT_EQ(database_.convert_to_wal().error().code, Errc::unavailable);
    sqlite_.close(opener);
    EXPECT_TRUE(database_.convert_to_wal());
    EXPECT_EQ(database_.mode().value(), Mode::wal);
    (void)files_.remove(path);
    EXPECT_EQ(database_.mode().value(), Mode::absent);
}

TEST_F(SimDatabaseTest, CapturesWhatWasCommittedAndNothingTwice) {
    open_application();
    const auto attached = database_.attach({});
    ASSERT_TRUE(attached);
    EXPECT_FALSE(attached->continued);
    ASSERT_TRUE(commit(2, 1));
    ASSERT_TRUE(commit(3, 2));
    const auto batch = database_.capture(attached->position, 1 << 20);
    ASSERT_TRUE(batch);
    ASSERT_EQ(batch->pages.size(), 3U);
    EXPECT_EQ(batch->commit, 3U);
    EXPECT_EQ(batch->to, sqlite_.end());
    EXPECT_TRUE(database_.capture(batch->to, 1 << 20)->empty());
    // At least one transaction, and no more than the limit.
    const auto first = database_.capture(attached->position, 1);
    ASSERT_TRUE(first);
    EXPECT_EQ(first->to.frames, 2U);
}

TEST_F(SimDatabaseTest, ThePinKeepsTheWalUntilTheCheckpointReleasesIt) {
    open_application();
    const auto start = database_.attach({})->position;
    ASSERT_TRUE(commit(2, 1));
    // Under a pin taken with everything copied, others copy nothing.
    EXPECT_EQ(sqlite_.checkpoint()->copied, 0U);
    const auto at = database_.capture(start, 1 << 20)->to;
    EXPECT_EQ(database_.checkpoint(at).error().code, Errc::invalid);
    ASSERT_TRUE(database_.lock_writers({}));
    EXPECT_EQ(commit(2, 9).error().code, Errc::unavailable);
    const auto copied = database_.checkpoint(at);
    ASSERT_TRUE(copied);
    EXPECT_EQ(copied->copied_frames, 2U);
    database_.unlock_writers();
    // The next commit restarts the WAL, once, and capture continues across the restart.
    ASSERT_TRUE(commit(3, 3));
    EXPECT_EQ(sqlite_.end().frames, 2U);
    const auto next = database_.capture(at, 1 << 20);
    ASSERT_TRUE(next);
    EXPECT_EQ(next->pages.size(), 2U);
    EXPECT_EQ(value(2), 1);
    // Frames that are not captured are not overwritten.
    ASSERT_TRUE(database_.lock_writers({}));
    EXPECT_EQ(database_.checkpoint(at).error().code, Errc::conflict);
}

TEST_F(SimDatabaseTest, ASavedPositionContinuesOnlyWhereTheFrameIsStillThere) {
    open_application();
    const auto start = database_.attach({})->position;
    ASSERT_TRUE(commit(2, 1));
    const auto at = database_.capture(start, 1 << 20)->to;
    database_.detach();
    EXPECT_TRUE(database_.attach(at)->continued);
    database_.detach();
    auto other = at;
    ++other.checksum1;
    EXPECT_FALSE(database_.attach(other)->continued);
    database_.detach();
    // Copied and restarted while nothing was attached.
    EXPECT_EQ(sqlite_.checkpoint()->copied, 2U);
    ASSERT_TRUE(commit(2, 4));
    EXPECT_FALSE(database_.attach(at)->continued);
    EXPECT_EQ(database_.capture(at, 1 << 20).error().code, Errc::conflict);
}

TEST_F(SimDatabaseTest, APowerCutLosesTheTailThatWasNotSynced) {
    open_application();
    const auto start = database_.attach({})->position;
    ASSERT_TRUE(commit(2, 1));
    const auto kept = database_.capture(start, 1 << 20)->to;
    (void)files_.sync(sqlite_.wal_path());
    (void)files_.sync_directory("/data");
    ASSERT_TRUE(commit(2, 2));
    const auto lost = database_.capture(kept, 1 << 20)->to;
    database_.detach();
    files_.power_cut();
    sqlite_.forget();
    EXPECT_FALSE(database_.attach(lost)->continued);
    EXPECT_EQ(value(2), 1);
    database_.detach();
    EXPECT_TRUE(database_.attach(kept)->continued);
}

TEST_F(SimDatabaseTest, CheckpointsIntoTheFileAlone) {
    open_application();
    const auto start = database_.attach({})->position;
    ASSERT_TRUE(commit(2, 1));
    const auto at = database_.capture(start, 1 << 20)->to;
    ASSERT_TRUE(commit(2, 2));
    sqlite_.close(application_);
    EXPECT_EQ(database_.checkpoint_and_close(at).error().code, Errc::conflict);
    EXPECT_TRUE(files_.exists(sqlite_.wal_path()).value());
    const auto end = database_.attach(at)->position;
    ASSERT_TRUE(database_.checkpoint_and_close(end));
    EXPECT_FALSE(files_.exists(sqlite_.wal_path()).value());
    EXPECT_EQ(std::to_integer<int>(files_.read(path).value()[sim_page_size + 200]), 2);
}

TEST_F(SimDatabaseTest, AnImageStaysAsItWasWhileCommitsGoOn) {
    open_application();
    (void)database_.attach({});
    ASSERT_TRUE(commit(2, 1));
    EXPECT_EQ(database_.begin_image().error().code, Errc::invalid);
    ASSERT_TRUE(database_.lock_writers({}));
    ASSERT_TRUE(database_.begin_image());
    database_.unlock_writers();
    ASSERT_TRUE(commit(2, 2));
    ASSERT_TRUE(commit(3, 2));
    const auto pages = database_.read_image(1, 100);
    ASSERT_TRUE(pages);
    ASSERT_EQ(pages->size(), 2U);
    EXPECT_EQ(std::to_integer<int>((*pages)[1].data[200]), 1);
}

}  // namespace
}  // namespace sim
