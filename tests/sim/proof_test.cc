// What a former holder proves of its own data, and goes on with: after a power cut, a lost answer,
// a store that is slow. Rules D2, D3, S3 of docs/protocol.md.
#include <gtest/gtest.h>

#include "tests/sim/story.h"

namespace sim {
namespace {

using namespace std::chrono_literals;

class Proof : public Story {
protected:
    [[nodiscard]] static SimClient& log_of(Machine& machine) {
        return *machine.process()->clients()[2];
    }
    [[nodiscard]] static std::vector<std::string> staged(Machine& machine) {
        return machine.files().list(machine.paths().state + "/staged").value();
    }
};

// D2, hole 4: an opened that an adoption wrote is no promise of what the disk has.
TEST_F(Proof, AnAdoptionIsNoProofOfWhatAPowerCutLeft) {
    start({.seed = 21});
    auto& former = leader();
    auto& other = follower();
    world_->write_rows(false);
    ASSERT_TRUE(world_->run_until([&] { return world_->converged(); }, 20s));
    const auto rows = *former.rows();
    former.kill_node();
    lead(3s);
    ASSERT_EQ(&leader(), &former);
    world_->run_for(1s);
    // The tail of its WAL, and what was staged, are never synced; that older files went is.
    ASSERT_TRUE(former.files().sync_folder(former.paths().state + "/staged"));
    other.cut_power(false);
    former.cut_power(false);
    former.boot();
    lead(90s);
    EXPECT_EQ(&leader(), &former);
    EXPECT_EQ(*former.rows(), rows);
    EXPECT_EQ(count("replica.set_aside"), 1);
    other.boot();
    world_->write_rows(true);
    world_->run_for(3s);
    expect_rest();
}

// S6, D3: the answer to a file of every page is lost. It is in the log, the data stays where it is.
TEST_F(Proof, AnImageWhoseAnswerIsLostIsGoneOnFrom) {
    start({.seed = 22});
    auto& machine = leader();
    const auto starts = machine.backend_starts();
    machine.kill_node();
    machine.checkpoint();
    world_->write_now();
    ASSERT_TRUE(world_->run_until([&] { return machine.process() != nullptr; }, 3s));
    auto& log = log_of(machine);
    for (int i = 0; i < 3; ++i)
        log.fail_next(SimFault::none);  // marker, opened, its chunk
    log.fail_next(SimFault::answer_lost);
    ASSERT_TRUE(world_->run_until([&] { return count("log.publish_refused") == 1; }, 10s));
    world_->run_for(5s);
    EXPECT_EQ(count("snapshot.started level=0"), 1);
    EXPECT_EQ(count("replica.set_aside"), 0);
    EXPECT_EQ(machine.backend_starts(), starts);
    expect_rest();
    EXPECT_EQ(leader().rows()->size(), world_->committed());
}

// D3: a staged file need not survive the machine, and half of one is none.
TEST_F(Proof, ATornStagedFileIsNotPublished) {
    start({.seed = 23});
    auto& former = leader();
    auto& other = follower();
    world_->write_rows(false);
    ASSERT_TRUE(world_->run_until([&] { return world_->converged(); }, 20s));
    other.cut_power(false);
    log_of(former).set_partitioned(true);
    world_->write_now();
    world_->run_for(1s);
    const auto rows = *former.rows();
    auto& files = former.files();
    const auto torn = former.paths().state + "/staged/" + staged(former).back();
    ASSERT_TRUE(files.truncate(torn, files.size(torn).value() * 2 / 3));
    sync_staged(former);
    ASSERT_TRUE(files.sync(former.paths().data + "-wal"));
    ASSERT_TRUE(files.sync_folder("/data"));
    former.cut_power(false);
    former.boot();
    lead(90s);
    EXPECT_EQ(&leader(), &former);
    EXPECT_EQ(*former.rows(), rows);
    world_->run_for(3s);
    other.boot();
    EXPECT_EQ(count("replica.set_aside"), 0);
    expect_rest();
    EXPECT_FALSE(world_->alarmed());
}

// S3: a staged file without the one before it would leave a hole in the log.
TEST_F(Proof, AStagedFileWithoutTheOneBeforeItIsNotPublished) {
    start({.seed = 24});
    auto& former = leader();
    auto& other = follower();
    world_->write_rows(false);
    ASSERT_TRUE(world_->run_until([&] { return world_->converged(); }, 20s));
    other.cut_power(false);
    log_of(former).set_partitioned(true);
    world_->write_now();
    world_->run_for(1s);
    const auto rows = *former.rows();
    auto& files = former.files();
    const auto folder = former.paths().state + "/staged/";
    const auto name = staged(former).back();
    const auto parsed = reconcilers::replica::parse_staged_name(name);
    ASSERT_TRUE(parsed);
    const auto next = reconcilers::replica::staged_name(parsed->first.next(), parsed->second);
    ASSERT_TRUE(files.rename(folder + name, folder + next));
    sync_staged(former);
    ASSERT_TRUE(files.sync(former.paths().data + "-wal"));
    ASSERT_TRUE(files.sync_folder("/data"));
    former.cut_power(false);
    former.boot();
    lead(90s);
    EXPECT_EQ(*former.rows(), rows);
    world_->run_for(3s);
    other.boot();
    EXPECT_EQ(count("replica.set_aside"), 0);
    EXPECT_EQ(count("snapshot.started level=0"), 1);
    expect_rest();
    EXPECT_FALSE(world_->alarmed());
}

}  // namespace
}  // namespace sim
