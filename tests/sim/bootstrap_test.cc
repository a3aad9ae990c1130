// What `join` does without a daemon, with a running cluster.
#include "tests/sim/cluster_test.h"
#include "tests/sim/database/sim_database.h"
#include "tests/sim/stand_ins.h"
#include "tests/sim/store/sim_log_store.h"

namespace sim {
namespace {

using namespace std::chrono_literals;
using reconcilers::Bootstrap;

class BootstrapTest : public ClusterTest {
protected:
    /// Steps the bootstrap to its end.
    model::Result<Bootstrap::Pass> run() {
        Bootstrap bootstrap{{.node_id = "n9",
                             .host = {.machine_id = "m9", .boot_id = "b9"},
                             .timing = {.ttl = 10s},
                             .paths = {.data = "/data/db", .replica = replica_, .state = "/state"},
                             .snapshot_interval = 1h},
                            {.log = log(),
                             .files = files_,
                             .database = database_,
                             .clock = clock_,
                             .events = events_}};
        for (int i = 0; i < 10'000; ++i) {
            auto pass = bootstrap.step();
            if (!pass || pass->state != Bootstrap::Pass::State::working) return pass;
            clock_.until(pass->wake_at);
        }
        return model::error(model::Errc::unknown_outcome, "it has no end");
    }
    SimLogStore& log() {
        if (!log_) {
            client_ = &server().client("n9 log");
            log_.emplace(*client_, "wal");
            EXPECT_TRUE(log_->ensure());
        }
        return *log_;
    }
    SimServer& server() { return world_ ? world_->server() : empty_; }

    const std::string replica_ = "/replica/db";
    HandClock clock_;
    NoEvents events_;
    SimServer empty_;
    SimFiles files_;
    SimRandom random_{7};
    SimSqlite sqlite_{files_, "/data/db", random_};
    SimDatabase database_{sqlite_, files_};
    SimClient* client_ = nullptr;
    std::optional<SimLogStore> log_;
};

TEST_F(BootstrapTest, BringsAnEmptyDiskToTheEndOfTheLog) {
    start({.seed = 301});
    world_->write_rows(false);
    ASSERT_TRUE(world_->run_until([&] { return world_->converged(); }, 20s));
    const auto pass = run();
    ASSERT_TRUE(pass) << pass.error().message;
    EXPECT_EQ(pass->state, Bootstrap::Pass::State::copied);
    auto& other = follower();
    const auto copy = files_.read(replica_);
    ASSERT_TRUE(copy) << copy.error().message;
    EXPECT_EQ(*copy, other.files().read(other.paths().replica).value());
}

TEST_F(BootstrapTest, SaysThatThereIsNoData) {
    const auto pass = run();
    ASSERT_TRUE(pass) << pass.error().message;
    EXPECT_EQ(pass->state, Bootstrap::Pass::State::no_data);
    EXPECT_FALSE(files_.exists(replica_).value());
}

TEST_F(BootstrapTest, EndsWhenTheStoreDoesNotAnswer) {
    log();
    client_->set_partitioned(true);
    const auto from = clock_.now();
    const auto pass = run();
    ASSERT_FALSE(pass);
    EXPECT_EQ(pass.error().code, model::Errc::unavailable);
    EXPECT_NE(pass.error().message.find("no progress for 30 s"), std::string::npos)
        << pass.error().message;
    EXPECT_LT(clock_.now() - from, 40s);
}

}  // namespace
}  // namespace sim
