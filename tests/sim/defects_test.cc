// What the managers before this one got wrong, one story for each row that a cluster must be seen
// for. The rows that a smaller test shows are named there.
#include <gtest/gtest.h>

#include <algorithm>

#include "adapters/json/records.h"
#include "tests/sim/story.h"

namespace sim {
namespace {

using namespace std::chrono_literals;
using model::Duration;

enum Connection : std::size_t { role, control, log };

class Defect : public Story {
protected:
    static void cut(Machine& machine, Connection which, bool cut = true) {
        machine.process()->clients()[which]->set_partitioned(cut);
    }
    /// One more takeover than so far.
    void wait_taken() {
        const auto before = count("lease.taken");
        ASSERT_TRUE(world_->run_until([&] { return count("lease.taken") > before; }, 30s));
    }
    /// The lease record as the store has it.
    [[nodiscard]] model::LeaseRecord record() {
        auto* const stream = world_->server().find("KV_election");
        const auto& message = stream->at(stream->last_of("leader"));
        return adapters::json::decode_lease(model::to_text(message.payload)).value();
    }
    void put_record(const model::LeaseRecord& record) {
        const auto text = adapters::json::encode(record);
        world_->server().publish(
            "KV_election", {.message = {.subject = "leader", .payload = model::to_bytes(text)}});
    }
    /// The newest snapshot again, in many pieces. Returns how many.
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
    /// A follower whose copy lacks what the leader has shipped since.
    void let_the_copy_of_the_other_get_old() {
        cut(follower(), log);
        const auto behind = world_->log().visible();
        ASSERT_TRUE(world_->run_until(
            [&] { return world_->log().visible().value > behind.value + 20; }, 30s));
    }
};

// defects.md C05
TEST_F(Defect, TheLeaseIsNobodysOnlyWhenTheBackendIsDeadAndItsCommitsAreInTheLog) {
    start({.seed = 101});
    auto& former = leader();
    world_->wish_switchover({});
    bool looked = false;
    // A row at every event, for as long as anybody takes one.
    (void)world_->run_until(
        [&] {
            world_->write_now();
            if (record().state == model::LeaseRecord::State::released) {
                looked = true;
                EXPECT_FALSE(former.backend_alive());
                const auto rows = former.rows();  // none once its database became a copy
                EXPECT_TRUE(!rows || *rows == *world_->log().rows());
            }
            return HasFailure() || record().node_id != former.id();
        },
        10s);
    EXPECT_TRUE(looked);
    lead();
    EXPECT_NE(&leader(), &former);
    expect_rest();
}

// defects.md C08: the release of one that is long deposed arrives while its successor leads.
TEST_F(Defect, AReleaseThatArrivesLateChangesNothing) {
    for (const auto mutation : {Mutation::none, Mutation::no_cas}) {
        start({.seed = 102, .mutation = mutation});
        auto& former = leader();
        auto& other = follower();
        world_->wish_switchover(other.id());
        ASSERT_TRUE(world_->run_until([&] { return count("role.draining_started") == 1; }, 5s));
        auto* const client = former.process()->clients()[role];
        client->fail_next(SimFault::late);
        ASSERT_TRUE(world_->run_until([&] { return count("lease.release_failed") == 1; }, 5s));
        ASSERT_EQ(client->late(), 1U);
        EXPECT_EQ(record().node_id, former.id());
        EXPECT_FALSE(former.backend_alive());
        // Nobody was told: its lease runs out like any other.
        ASSERT_TRUE(world_->run_until([&] { return world_->primary() == &other; }, 30s));
        const auto held = record();
        client->deliver_late();
        if (mutation == Mutation::none) {
            EXPECT_EQ(record(), held);
            world_->run_for(15s);
            EXPECT_EQ(&leader(), &other);
            EXPECT_EQ(count("lease.lost"), 0);
            expect_rest();
        } else {
            EXPECT_EQ(record().state, model::LeaseRecord::State::released);
        }
    }
}

// defects.md C09: a record with a node's own id, which somebody else wrote, makes it no leader.
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
    // The one that held the lease lets go; the one that is named waits like everybody.
    ASSERT_TRUE(world_->run_until([&] { return !former.backend_alive(); }, 1s));
    wait_taken();
    EXPECT_GT(world_->now() - put, Duration{10s});
    EXPECT_GT(record().epoch, forged.epoch);
    EXPECT_EQ(count("lease.adopted"), 0);
    lead();
    expect_rest();
}

// defects.md C13: the store can not be read, and the copy here is old.
TEST_F(Defect, AnOldCopyIsNeverServedWhileTheLogCanNotBeRead) {
    start({.seed = 104});
    auto& former = leader();
    auto& other = follower();
    let_the_copy_of_the_other_get_old();
    const auto shipped = world_->log().rows()->size();
    former.cut_power(false);
    wait_taken();
    const auto starts = other.backend_starts();
    world_->run_for(60s);
    EXPECT_EQ(other.backend_starts(), starts);
    EXPECT_EQ(world_->primary(), nullptr);
    cut(other, log, false);
    ASSERT_TRUE(world_->run_until([&] { return world_->primary() == &other; }, 60s));
    EXPECT_GE(other.rows()->size(), shipped);
    former.boot();
    expect_rest();
}

// defects.md C14: the lease is lost while the log is read; what was begun under it ends there.
TEST_F(Defect, ALeaseLostDuringTheCatchUpStartsNothing) {
    start({.seed = 105, .machines = 3});
    auto& former = leader();
    std::vector<Machine*> others;
    for (std::size_t i = 0; i < 3; ++i)
        if (&world_->machine(i) != &former) others.push_back(&world_->machine(i));
    for (auto* each : others)
        cut(*each, log);
    world_->run_for(2s);
    former.cut_power(false);
    wait_taken();
    auto& first = others[0]->board()->role.holds() ? *others[0] : *others[1];
    auto& second = &first == others[0] ? *others[1] : *others[0];
    ASSERT_TRUE(first.board()->role.holds());
    world_->run_for(1s);
    ASSERT_EQ(first.board()->replica.state, "marking");
    const auto starts = first.backend_starts();
    const auto promotions = count(first.id() + " replica.promoted");
    // Its catch-up can go on only when another one leads.
    cut(first, role);
    cut(first, control);
    cut(second, log, false);
    ASSERT_TRUE(world_->run_until([&] { return world_->primary() == &second; }, 60s));
    cut(first, log, false);
    world_->run_for(30s);
    EXPECT_EQ(first.backend_starts(), starts);
    EXPECT_EQ(count(first.id() + " replica.promoted"), promotions);
    EXPECT_EQ(&leader(), &second);
    cut(first, role, false);
    cut(first, control, false);
    former.boot();
    expect_rest();
}

// defects.md C15: it lost the lease alone, not its way to the log.
TEST_F(Defect, ADemotedNodeWritesNothingMoreToTheLog) {
    start({.seed = 106});
    auto& former = leader();
    auto& other = follower();
    const auto epoch = former.board()->role.lease->epoch;
    cut(former, role);
    cut(former, control);
    ASSERT_TRUE(world_->run_until([&] { return world_->primary() == &other; }, 30s));
    world_->run_for(30s);
    cut(former, role, false);
    cut(former, control, false);
    world_->run_for(30s);
    const auto* const stream = world_->server().find("OBJ_wal");
    bool deposed = false;
    int files = 0;
    for (auto at = stream->next_meta(1); at != 0; at = stream->next_meta(at + 1)) {
        const auto entry = model::to_entry(*stream->at(at).meta);
        deposed |= entry.kind == model::LogEntry::Kind::marker && entry.marker.epoch > epoch;
        if (entry.kind != model::LogEntry::Kind::ltx) continue;
        EXPECT_EQ(entry.ltx.epoch > epoch, deposed) << "at sequence " << at;
        ++files;
    }
    EXPECT_TRUE(deposed);
    EXPECT_GT(files, 50);
    expect_rest();
}

// defects.md C17: two that both believe to lead; what the log shows is one chain.
TEST_F(Defect, TwoPrimariesDoNotMixTheirFilesInOneChain) {
    for (const auto mutation : {Mutation::none, Mutation::no_expect}) {
        start({.seed = 107, .mutation = mutation});
        auto& former = leader();
        auto& other = follower();
        auto* const late = former.process()->clients()[log];
        // A file of the former is under way for longer than its reign lasts.
        late->fail_next(SimFault::none);  // the chunk
        late->fail_next(SimFault::late);
        world_->run_for(1s);
        ASSERT_GE(late->late(), 1U);
        former.partition(true);
        ASSERT_TRUE(world_->run_until([&] { return world_->primary() == &other; }, 40s));
        world_->run_for(2s);
        late->deliver_late();
        world_->run_for(2s);
        if (mutation == Mutation::none) {
            EXPECT_EQ(world_->violation(), "");  // I3: each names the one before it, epochs grow
            former.partition(false);
            expect_rest();
        } else {
            EXPECT_NE(world_->violation().find("I3"), std::string::npos);
        }
    }
}

// defects.md C18: what a copy has is not fetched again.
TEST_F(Defect, ACopyAtRestFetchesNothingAndOneThatFollowsFetchesWhatIsNew) {
    start({.seed = 108});
    world_->write_rows(false);
    ASSERT_TRUE(world_->run_until([&] { return world_->converged(); }, 20s));
    auto* const reader = follower().process()->clients()[log];
    const auto fetched = reader->chunks_read();
    world_->run_for(600s);
    EXPECT_EQ(reader->chunks_read(), fetched);
    world_->write_now();
    world_->run_for(3s);
    ASSERT_TRUE(world_->converged());
    EXPECT_EQ(reader->chunks_read(), fetched + 1);
}

// defects.md C20: it counts transactions of the log, whatever the file looks like.
TEST_F(Defect, APositionIsTheNumberOfTheLastFileOfTheLog) {
    start({.seed = 109});
    world_->write_rows(false);
    ASSERT_TRUE(world_->run_until([&] { return world_->converged(); }, 20s));
    for (int i = 0; i < 5; ++i) {
        const auto before = leader().board()->replica.position;
        EXPECT_EQ(before.txid, world_->log().visible());
        EXPECT_EQ(follower().board()->replica.position, before);
        world_->write_now();
        world_->run_for(3s);
        ASSERT_TRUE(world_->converged());
        EXPECT_EQ(world_->log().visible().value, before.txid.value + 1);
    }
    EXPECT_EQ(leader().board()->replica.position.txid, world_->log().visible());
}

// defects.md C21: one that never had a copy says nothing of its lag, and tells a real one as such.
TEST_F(Defect, ALagIsToldOnlyByOneThatHasACopy) {
    world_.emplace(WorldSettings{.seed = 110, .machines = 2});
    world_->machine(0).boot();
    lead();
    auto& other = world_->machine(1);
    other.boot();
    ASSERT_TRUE(world_->run_until([&] { return other.process() != nullptr; }, 1s));
    cut(other, log);
    world_->run_for(5s);
    EXPECT_FALSE(other.board()->replica.copy_complete);
    EXPECT_EQ(other.board()->replica.lag, std::nullopt);
    cut(other, log, false);
    ASSERT_TRUE(world_->run_until(
        [&] { return other.board()->replica.copy_complete && other.board()->replica.lag; }, 20s));
    cut(other, log);
    world_->run_for(10s);
    EXPECT_GT(other.board()->replica.lag->transactions, 5U);
    EXPECT_GT(other.board()->replica.lag->ms, 5'000);
    cut(other, log, false);
    expect_rest();
}

// defects.md C38: a first copy that is cut off again and again goes on where it was.
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
    auto* const reader = other.process()->clients()[log];
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
    expect_rest();
}

TEST_F(Defect, AFirstCopyThatMetAFullDiskIsMadeWhenThereIsRoom) {
    world_.emplace(WorldSettings{.seed = 112, .machines = 2});
    world_->machine(0).boot();
    lead();
    world_->run_for(20s);
    auto& other = world_->machine(1);
    other.files().capacity(20'000);
    other.boot();
    ASSERT_TRUE(world_->run_until([&] { return count("during=download a snapshot") > 0; }, 20s));
    world_->run_for(5s);
    EXPECT_FALSE(other.board()->replica.copy_complete);
    other.files().capacity(UINT64_MAX);
    world_->run_for(10s);
    EXPECT_TRUE(other.board()->replica.copy_complete);
    expect_rest();
}

// A disk that stays full costs the store and the network little.
TEST_F(Defect, ACopyThatDoesNotFitIsTriedLessAndLess) {
    world_.emplace(WorldSettings{.seed = 113, .machines = 2});
    world_->machine(0).boot();
    lead();
    world_->run_for(20s);
    auto& other = world_->machine(1);
    other.files().capacity(20'300);  // half of the page that no longer fits does
    other.boot();
    world_->run_for(120s);
    EXPECT_FALSE(other.board()->replica.copy_complete);
    EXPECT_GE(count(other.id() + " snapshot.restore_started"), 5);
    EXPECT_LE(count(other.id() + " snapshot.restore_started"), 15);
    other.files().capacity(UINT64_MAX);
    world_->run_for(35s);
    EXPECT_TRUE(other.board()->replica.copy_complete);
    expect_rest();
}

}  // namespace
}  // namespace sim
