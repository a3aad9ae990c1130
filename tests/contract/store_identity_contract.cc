// The contract of store identities: the same over every connection to one store.
#include <gtest/gtest.h>

#include "tests/contract/store_world.h"
#include "tests/support/eventually.h"

namespace contract {
namespace {

using model::StoreIdentity;
using model::StoreMatch;
using test_support::eventually;

class StoreIdentityContract : public StoreContract {};
INSTANTIATE_TEST_SUITE_P(All, StoreIdentityContract, testing::ValuesIn(worlds), world_name);

TEST_P(StoreIdentityContract, OfAnEmptyStoreIsKnownToBeEmpty) {
    EXPECT_TRUE(world_->identity().surely_empty());
}

TEST_P(StoreIdentityContract, NamesEachStreamThatIsThere) {
    (void)world_->kv("election");
    const auto begun = world_->identity();
    EXPECT_TRUE(begun.any_stream());
    EXPECT_NE(begun.election, "");
    EXPECT_EQ(begun.state, "");
    EXPECT_EQ(begun.log, "");
    (void)world_->kv("state");
    (void)world_->log("wal");
    const auto whole = world_->identity();
    EXPECT_TRUE(whole.every_stream());
    EXPECT_EQ(whole.election, begun.election);
    EXPECT_EQ(compare(begun, whole), StoreMatch::same);
}

TEST_P(StoreIdentityContract, IsTheSameForEveryConnectionAndAfterARestart) {
    (void)world_->kv("election");
    (void)world_->kv("state");
    (void)world_->log("wal");
    const auto before = world_->identity();
    EXPECT_EQ(world_->identity(), before);
    world_->restart();
    EXPECT_TRUE(eventually([&] { return world_->identity() == before; }));
}

// L12: a node recognises the store whose log it has read by this value.
TEST_P(StoreIdentityContract, OfTheLogIsWhatTheLogReports) {
    const auto log = world_->log("wal");
    EXPECT_EQ(world_->identity().log, log->state().value().created);
}

TEST_P(StoreIdentityContract, ChangesWithAStreamThatIsMadeAnew) {
    (void)world_->kv("election");
    (void)world_->log("wal");
    const auto before = world_->identity();
    world_->remove_stream("OBJ_wal");
    EXPECT_EQ(world_->identity().log, "");
    (void)world_->log("wal");
    const auto after = world_->identity();
    EXPECT_NE(after.log, before.log);
    EXPECT_NE(after.log, "");
    EXPECT_EQ(compare(before, after), StoreMatch::same) << "in that one store";
    world_->remove_stream("KV_election");
    EXPECT_EQ(compare(before, world_->identity()), StoreMatch::other);
}

}  // namespace
}  // namespace contract
