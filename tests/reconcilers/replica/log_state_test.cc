// Folding the log into a LogState.
#include "reconcilers/replica/log_state.h"

#include <gtest/gtest.h>

namespace reconcilers::replica {
namespace {

using Kind = Folded::Kind;

class LogStateTest : public testing::Test {
protected:
    Kind put(model::ObjectMeta meta, const std::string& nuid = {}) {
        meta.nuid = nuid;
        return fold(state, {.sequence = {++sequence}, .meta = std::move(meta), .stored_at = {}})
            .kind;
    }
    Kind marker(std::uint64_t epoch, const std::string& node = "n1") {
        return put(model::to_meta(model::Marker{.epoch = {epoch}, .node = node}));
    }
    Kind opened(std::uint64_t epoch, std::uint64_t tenure, std::uint64_t start) {
        history.emplace_back(model::Tenure{tenure}, model::Txid{start});
        return put(model::to_meta(model::Opened{
            .epoch = {epoch}, .tenure = {tenure}, .start = {start}, .history = history}));
    }
    Kind file(std::uint64_t epoch,
              std::uint64_t txid,
              const std::string& nuid,
              const std::string& prev) {
        return put(model::to_meta(model::LtxObject{
                       .level = 0, .min = {txid}, .max = {txid}, .epoch = {epoch}, .prev = prev}),
                   nuid);
    }
    Kind snapshot(std::uint64_t epoch, std::uint64_t max) {
        return put(model::to_meta(
                       model::LtxObject{.level = 9, .min = {1}, .max = {max}, .epoch = {epoch}}),
                   "s");
    }

    LogState state;
    std::uint64_t sequence = 0;
    std::vector<std::pair<model::Tenure, model::Txid>> history;
};

TEST_F(LogStateTest, AnEmptyLogHasNoData) { EXPECT_FALSE(state.has_data()); }

TEST_F(LogStateTest, FollowsTheChainFromTheFirstFile) {
    EXPECT_EQ(marker(1), Kind::marker);
    EXPECT_EQ(opened(1, 1, 0), Kind::opened);
    EXPECT_EQ(snapshot(1, 1), Kind::snapshot);
    EXPECT_EQ(file(1, 2, "a", ""), Kind::level0);
    EXPECT_EQ(file(1, 3, "b", "a"), Kind::level0);
    EXPECT_EQ(state.visible(), model::Txid{3});
    EXPECT_EQ(state.last_nuid, "b");
    EXPECT_TRUE(state.has_data());
}

TEST_F(LogStateTest, TheFirstImageMayComeAfterTheFirstFiles) {  // S3
    marker(1);
    opened(1, 1, 0);
    EXPECT_EQ(file(1, 2, "a", ""), Kind::level0);
    EXPECT_EQ(snapshot(1, 1), Kind::snapshot);
    EXPECT_EQ(file(1, 3, "b", "a"), Kind::level0);
    EXPECT_EQ(state.visible(), model::Txid{3});
}

TEST_F(LogStateTest, WhatComesAfterANewerMarkerIsVoid) {  // S7; defects.md C17
    marker(1);
    opened(1, 1, 0);
    file(1, 2, "a", "");
    marker(2, "n2");
    EXPECT_EQ(file(1, 3, "b", "a"), Kind::void_epoch);
    EXPECT_EQ(state.visible(), model::Txid{2});
    EXPECT_EQ(marker(1), Kind::void_epoch);
    EXPECT_EQ(state.marker, model::Epoch{2});
    EXPECT_EQ(opened(1, 1, 2), Kind::void_epoch);
    EXPECT_EQ(snapshot(1, 2), Kind::void_epoch);
}

TEST_F(LogStateTest, AnotherPredecessorIsABrokenLogAndChangesNothing) {  // S9
    marker(1);
    file(1, 2, "a", "");
    const auto before = state;
    EXPECT_EQ(file(1, 3, "c", "b"), Kind::broken);
    EXPECT_EQ(state, before);
    EXPECT_EQ(file(1, 4, "c", "a"), Kind::broken);
    EXPECT_EQ(state, before);
}

TEST_F(LogStateTest, ATenureThatDoesNotBeginAtTheEndIsABrokenLog) {  // S5
    marker(1);
    file(1, 2, "a", "");
    marker(2);
    EXPECT_EQ(opened(2, 2, 3), Kind::broken);
    EXPECT_EQ(opened(2, 2, 2), Kind::opened);
}

TEST_F(LogStateTest, FilesOfOtherToolsNameNoPredecessor) {
    EXPECT_EQ(file(0, 1, "x", ""), Kind::level0);
    EXPECT_EQ(file(0, 2, "y", ""), Kind::level0);
    EXPECT_EQ(file(0, 4, "z", ""), Kind::broken);
}

}  // namespace
}  // namespace reconcilers::replica
