// What a former holder does with staged files damaged by a power cut. Rules D3, S3 of
// docs/protocol.md; further cases are in tests/scripts.
#include <gtest/gtest.h>

#include "tests/sim/cluster_test.h"

namespace sim {
namespace {

using namespace std::chrono_literals;

class Proof : public ClusterTest {
protected:
    /// The other node is off, the log out of reach, and `former` has commits that it could not
    /// ship.
    void leave_a_staged_file(Machine& former, Machine& other) {
        world_->write_rows(false);
        ASSERT_TRUE(world_->run_until([&] { return world_->converged(); }, 20s));
        other.cut_power(false);
        log_of(former).set_partitioned(true);
        world_->write_now();
        world_->run_for(1s);
    }
    [[nodiscard]] static SimClient& log_of(Machine& machine) {
        return machine.process()->client(Connection::log);
    }
    [[nodiscard]] static std::vector<std::string> staged(Machine& machine) {
        return machine.files().list(machine.paths().state + "/staged").value();
    }
};

// D3: a staged file need not survive a power cut; a torn one is not used.
TEST_F(Proof, ATornStagedFileIsNotPublished) {
    start({.seed = 23});
    auto& former = leader();
    auto& other = follower();
    leave_a_staged_file(former, other);
    const auto rows = *former.rows();
    auto& files = former.files();
    const auto torn = former.paths().state + "/staged/" + staged(former).back();
    ASSERT_TRUE(files.truncate(torn, files.size(torn).value() * 2 / 3));
    former.sync_staged();
    former.sync_wal();
    former.cut_power(false);
    former.boot();
    lead(90s);
    EXPECT_EQ(&leader(), &former);
    EXPECT_EQ(*former.rows(), rows);
    world_->run_for(3s);
    other.boot();
    EXPECT_EQ(count("replica.set_aside"), 0);
    expect_converged();
    EXPECT_FALSE(world_->alarmed());
}

// S3: a staged file without its predecessor would leave a gap in the log.
TEST_F(Proof, AStagedFileWithoutTheOneBeforeItIsNotPublished) {
    start({.seed = 24});
    auto& former = leader();
    auto& other = follower();
    leave_a_staged_file(former, other);
    const auto rows = *former.rows();
    auto& files = former.files();
    const auto directory = former.paths().state + "/staged/";
    const auto name = staged(former).back();
    const auto parsed = reconcilers::replica::parse_staged_name(name);
    ASSERT_TRUE(parsed);
    const auto next = reconcilers::replica::staged_name(parsed->first.next(), parsed->second);
    ASSERT_TRUE(files.rename(directory + name, directory + next));
    former.sync_staged();
    former.sync_wal();
    former.cut_power(false);
    former.boot();
    lead(90s);
    EXPECT_EQ(*former.rows(), rows);
    world_->run_for(3s);
    other.boot();
    EXPECT_EQ(count("replica.set_aside"), 0);
    EXPECT_EQ(count("snapshot.started level=0"), 1);
    expect_converged();
    EXPECT_FALSE(world_->alarmed());
}

}  // namespace
}  // namespace sim
