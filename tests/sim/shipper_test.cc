// The shipper between a writer that never pauses and a store that takes its time: whatever a file
// costs, the WAL is kept short and the snapshot comes to its end.
#include "reconcilers/replica/shipper.h"

#include <gtest/gtest.h>

#include "tests/sim/cluster/random.h"
#include "tests/sim/database/sim_database.h"
#include "tests/sim/store/sim_log_store.h"

namespace sim {
namespace {

using namespace std::chrono_literals;
using model::Bytes;
using model::Result;
using reconcilers::replica::LogState;
using reconcilers::replica::Shipper;
namespace ports = reconcilers::ports;

class HandClock final : public ports::Clock {
public:
    [[nodiscard]] model::Instant now() const override { return now_; }
    [[nodiscard]] model::WallTime wall() const override { return {}; }
    void pass(model::Duration time) { now_ += time; }

private:
    model::Instant now_{1h};
};

class NoEvents final : public ports::Events {
public:
    void emit(ports::Level, std::string_view, const ports::Fields&) override {}
};

/// Each request takes a while, in which others go on.
class SlowLog final : public ports::LogStore {
public:
    SlowLog(ports::LogStore& inner, std::function<void()> meanwhile)
        : inner_{inner}, meanwhile_{std::move(meanwhile)} {}
    Result<ports::StreamState> state() override { return inner_.state(); }
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
    Result<std::optional<model::StoredMeta>> next_meta(model::Sequence from) override {
        return inner_.next_meta(from);
    }
    Result<std::optional<model::StoredMeta>> find_meta(std::string_view name) override {
        return inner_.find_meta(name);
    }
    Result<std::optional<ports::Chunk>> next_chunk(std::string_view nuid,
                                                   model::Sequence from) override {
        return inner_.next_chunk(nuid, from);
    }
    Result<void> erase(model::Sequence sequence) override { return inner_.erase(sequence); }
    std::string new_nuid() override { return inner_.new_nuid(); }
    std::unique_ptr<ports::Digest> new_digest() override { return inner_.new_digest(); }
    std::uint64_t session() const override { return inner_.session(); }
    void on_change(std::function<void()> wake) override { inner_.on_change(std::move(wake)); }

private:
    ports::LogStore& inner_;
    std::function<void()> meanwhile_;
};

class ShipperTest : public testing::Test {
protected:
    ShipperTest() {
        (void)files_.make_folder("/data");
        (void)files_.make_folder("/state");
        (void)files_.write_at("/data/db", 0, sim_first_page());
        (void)files_.sync("/data/db");
        (void)files_.sync_folder("/data");
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
    /// So many rounds, as the reconciler asks for them.
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
    // It names the file that it stands at: a reader goes on from there.
    const auto named = fast_.next_meta(log_.snapshot_facts.l0_sequence).value();
    ASSERT_TRUE(named);
    EXPECT_EQ(named->meta.nuid, log_.snapshot_facts.l0_nuid);
    EXPECT_EQ(model::to_entry(named->meta).ltx.max, log_.snapshot_facts.max);
}

// After a gap the database is attached anew; where that fails it is tried again.
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
