// The shipper between a writer that never pauses and a slow store: whatever a file costs, the WAL
// stays short and snapshots complete.
#include "reconcilers/replica/shipper.h"

#include <gtest/gtest.h>

#include "tests/sim/cluster/random.h"
#include "tests/sim/database/sim_database.h"
#include "tests/sim/stand_ins.h"
#include "tests/sim/store/forwarding_log_store.h"
#include "tests/sim/store/sim_log_store.h"

namespace sim {
namespace {

using namespace std::chrono_literals;
using model::Bytes;
using model::Result;
using reconcilers::replica::LogState;
using reconcilers::replica::Shipper;
namespace ports = reconcilers::ports;

/// Each request takes some time, during which the writer continues.
class SlowLog final : public ForwardingLogStore {
public:
    SlowLog(ports::LogStore& inner, std::function<void()> meanwhile)
        : ForwardingLogStore{inner}, meanwhile_{std::move(meanwhile)} {}
    Result<model::Sequence> publish_chunks(std::string_view nuid,
                                           const std::vector<model::ByteView>& pieces,
                                           model::Sequence last) override {
        meanwhile_();
        return inner_.publish_chunks(nuid, pieces, last);
    }
    Result<model::Sequence> publish_meta(const model::ObjectMeta& meta,
                                         std::optional<model::Sequence> last) override {
        meanwhile_();
        return inner_.publish_meta(meta, last);
    }

private:
    std::function<void()> meanwhile_;
};

class ShipperTest : public testing::Test {
protected:
    ShipperTest() {
        (void)files_.create_directory("/data");
        (void)files_.create_directory("/state");
        (void)files_.write_at("/data/db", 0, sim_first_page());
        (void)files_.sync("/data/db");
        (void)files_.sync_directory("/data");
    }
    void SetUp() override {
        ASSERT_TRUE(local_.open());
        ASSERT_TRUE(store_.ensure());
        ASSERT_TRUE(database_.convert_to_wal());
        application_ = sqlite_.open().value();
        ASSERT_TRUE(shipper_.attach({1}, {1}, log_, false));
    }
    void commit() {
        Bytes first = sqlite_.read(1).value();
        first[40] = static_cast<std::byte>(++commits_);
        (void)sqlite_.commit(application_, {{.number = 1, .data = first}});
    }
    /// Runs so many rounds, as the reconciler does.
    void step(int rounds) {
        for (int i = 0; i < rounds; ++i) {
            const auto outcome = shipper_.step(log_);
            ASSERT_NE(outcome, Shipper::Outcome::reseal);
            if (outcome != Shipper::Outcome::more) clock_.pass(250ms);
        }
    }

    HandClock clock_;
    NoEvents events_;
    SimFiles files_;
    SimRandom random_{7};
    SimSqlite sqlite_{files_, "/data/db", random_};
    SimDatabase database_{sqlite_, files_};
    SimServer server_;
    SimLogStore fast_{server_.client("log"), "wal"};
    SimLogStore& store_ = fast_;
    bool writing_ = false;
    SlowLog slow_{fast_, [this] {
                      clock_.pass(10ms);
                      if (writing_) commit();
                  }};
    reconcilers::replica::Local local_{
        files_, {.data = "/data/db", .replica = "/data/replica", .state = "/state"}, "boot"};
    Shipper shipper_{
        local_, {.database = database_, .store = slow_, .clock = clock_, .events = events_}, 1h};
    LogState log_;
    int application_ = 0;
    int commits_ = 0;
};

TEST_F(ShipperTest, AWriterThatNeverPausesKeepsNeitherSnapshotNorCheckpointFromItsTurn) {
    writing_ = true;
    commit();
    std::size_t longest = 0;
    for (int i = 0; i < 6000 && !HasFatalFailure(); ++i) {
        step(1);
        longest = std::max(longest, sqlite_.frames().size());
    }
    EXPECT_GT(commits_, 3000);
    EXPECT_LT(longest, 1200U);
    ASSERT_TRUE(log_.snapshot);
    // The snapshot names the level 0 file at its position, from which a reader continues.
    const auto named = fast_.next_meta(log_.snapshot_facts.l0_sequence).value();
    ASSERT_TRUE(named);
    EXPECT_EQ(named->meta.nuid, log_.snapshot_facts.l0_nuid);
    EXPECT_EQ(model::to_entry(named->meta).ltx.max, log_.snapshot_facts.max);
}

// After a gap the database is attached again; a failed attempt is repeated.
TEST_F(ShipperTest, AnAttachThatFailsAfterAGapIsTriedAgain) {
    commit();
    step(30);
    ASSERT_TRUE(log_.snapshot);
    database_.detach();
    ASSERT_TRUE(sqlite_.checkpoint());
    commit();
    commit();
    ASSERT_TRUE(database_.attach(std::nullopt));
    const auto before = log_.last;
    ASSERT_TRUE(sqlite_.lock(application_));  // a long transaction
    step(5);
    EXPECT_FALSE(shipper_.attached());
    sqlite_.unlock(application_);
    step(30);
    EXPECT_TRUE(shipper_.attached());
    EXPECT_EQ(log_.last, before.next());
    commit();
    step(30);
    EXPECT_EQ(log_.last, before.next().next());
}

}  // namespace
}  // namespace sim
