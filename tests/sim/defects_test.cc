// Defects of earlier managers that must not recur: tests that manipulate the store or check at
// every event. The others are in tests/scripts, or beside the smaller unit that shows them.
#include <gtest/gtest.h>

#include <algorithm>

#include "adapters/json/records.h"
#include "tests/sim/cluster_test.h"

namespace sim {
namespace {

using namespace std::chrono_literals;
using model::Duration;

class Defect : public ClusterTest {
protected:
    /// Waits for one more takeover.
    void wait_taken() {
        const auto before = count("lease.taken");
        ASSERT_TRUE(world_->run_until([&] { return count("lease.taken") > before; }, 30s));
    }
    [[nodiscard]] model::LeaseRecord record() { return world_->lease().value(); }
    void put_record(const model::LeaseRecord& record) {
        const auto text = adapters::json::encode(record);
        world_->server().publish(
            "KV_election", {.message = {.subject = "leader", .payload = model::to_bytes(text)}});
    }
    /// Publishes the newest snapshot again in many pieces. Returns their number.
    std::size_t cut_the_snapshot_into_pieces() {
        auto& server = world_->server();
        auto* const stream = server.find("OBJ_wal");
        auto meta = stream->at(stream->last_of("M." + newest_snapshot())).meta.value();
        const auto chunk = stream->next_of("C." + meta.nuid, 1);
        const auto bytes = stream->at(chunk).payload;
        meta.nuid = server.new_nuid();
        meta.chunks = 0;
        constexpr std::size_t piece = 50;
        for (std::size_t at = 0; at < bytes.size(); at += piece, ++meta.chunks) {
            const auto begin = bytes.begin() + static_cast<std::ptrdiff_t>(at);
            const auto length = std::min(piece, bytes.size() - at);
            server.publish(
                "OBJ_wal",
                {.message = {.subject = "C." + meta.nuid,
                             .payload = {begin, begin + static_cast<std::ptrdiff_t>(length)}}});
        }
        const auto chunks = meta.chunks;
        server.publish("OBJ_wal",
                       {.message = {.subject = "M." + meta.name, .meta = std::move(meta)}});
        return chunks;
    }
    [[nodiscard]] std::string newest_snapshot() {
        const auto* const stream = world_->server().find("OBJ_wal");
        std::string name;
        for (auto at = stream->next_meta(1); at != 0; at = stream->next_meta(at + 1)) {
            const auto& meta = *stream->at(at).meta;
            if (model::to_entry(meta).ltx.level == 9) name = meta.name;
        }
        return name;
    }
};

// defects.md C05
TEST_F(Defect, TheLeaseIsNobodysOnlyWhenTheBackendIsDeadAndItsCommitsAreInTheLog) {
    start({.seed = 101});
    auto& former = leader();
    world_->request_switchover({});
    bool seen = false;
    // Tries to commit a row at every event.
    (void)world_->run_until(
        [&] {
            world_->write_now();
            if (record().state == model::LeaseRecord::State::released) {
                seen = true;
                EXPECT_FALSE(former.backend_alive());
                const auto rows = former.rows();  // none once its database has become a copy
                EXPECT_TRUE(!rows || *rows == *world_->log().rows());
            }
            return HasFailure() || record().node_id != former.id();
        },
        10s);
    EXPECT_TRUE(seen);
    lead();
    EXPECT_NE(&leader(), &former);
    expect_converged();
}

// defects.md C09: a record with a node's own id, written by another process, does not make it
// leader.
TEST_F(Defect, ARecordInTheOwnNameThatAnotherWroteMakesNoLeader) {
    start({.seed = 103});
    auto& former = leader();
    auto& other = follower();
    auto forged = record();
    forged.node_id = other.id();
    forged.host = {.machine_id = "another machine", .boot_id = "another boot"};
    forged.nonce = "of-another-7";
    put_record(forged);
    const auto put = world_->now();
    // The holder fences itself; the node that is named waits like the others.
    ASSERT_TRUE(world_->run_until([&] { return !former.backend_alive(); }, 1s));
    wait_taken();
    EXPECT_GT(world_->now() - put, Duration{10s});
    EXPECT_GT(record().epoch, forged.epoch);
    EXPECT_EQ(count("lease.adopted"), 0);
    lead();
    expect_converged();
}

// defects.md C38: a first copy that is interrupted again and again continues where it stopped.
TEST_F(Defect, AFirstCopyThatIsInterruptedIsNotBegunAnew) {
    world_.emplace(WorldSettings{.seed = 111, .machines = 2});
    world_->machine(0).boot();
    lead();
    world_->run_for(20s);
    world_->write_rows(false);
    world_->run_for(70s);
    const auto pieces = cut_the_snapshot_into_pieces();
    ASSERT_GT(pieces, 10U);
    auto& other = world_->machine(1);
    other.boot();
    ASSERT_TRUE(world_->run_until([&] { return other.process() != nullptr; }, 1s));
    auto* const reader = &other.process()->client(Connection::log);
    std::size_t interruptions = 0;
    while (!other.board()->replica.copy_complete && interruptions <= pieces + 100) {
        reader->limit_chunks(3);
        world_->run_for(1s);
        ++interruptions;
    }
    EXPECT_TRUE(other.board()->replica.copy_complete);
    EXPECT_GT(interruptions, pieces / 3);
    EXPECT_EQ(count(other.id() + " snapshot.restore_started"), 1);
    reader->limit_chunks(SIZE_MAX);
    expect_converged();
}

}  // namespace
}  // namespace sim
