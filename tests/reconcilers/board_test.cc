// Which changes of a view wake the other reconcilers.
#include "reconcilers/board.h"

#include <gtest/gtest.h>

namespace reconcilers {
namespace {

TEST(Board, WhatChangesWithEachTransactionIsNoNews) {
    const ReplicaView before{.position = {.tenure = {1}, .txid = {7}}};
    auto after = before;
    after.position.txid = {8};
    after.lag = model::Lag{.transactions = 1};
    after.wal_bytes_total = 4096;
    after.message = "downloaded 1 of 2 bytes";
    EXPECT_FALSE(is_news(before, after));
    after.position.tenure = {2};
    EXPECT_TRUE(is_news(before, after));
    after = before;
    after.flushed = {.epoch = {3}};
    EXPECT_TRUE(is_news(before, after));
}

TEST(Board, AHeartbeatIsNoNewsAndWhatANodeSaysOfItselfIs) {
    const MembershipView before{.peers = {{.status = {.node_id = "n2"}, .fresh = true}}};
    auto after = before;
    auto& status = after.peers[0].status;
    status.last_seen = {.ms = 5};
    status.uptime_ms = 5;
    status.position.txid = {5};
    status.lag = model::Lag{};
    EXPECT_FALSE(is_news(before, after));
    status.copy_complete = true;
    EXPECT_TRUE(is_news(before, after));
    after = before;
    after.peers[0].fresh = false;
    EXPECT_TRUE(is_news(before, after));
}

TEST(Board, AnyChangeOfRoleOrBackendIsNews) {
    EXPECT_FALSE(is_news(RoleView{}, RoleView{}));
    EXPECT_TRUE(is_news(RoleView{}, RoleView{.confirmed = 1}));
    EXPECT_FALSE(is_news(BackendView{}, BackendView{}));
    EXPECT_TRUE(is_news(BackendView{}, BackendView{.starts = 1}));
}

TEST(Board, AllIsOffOnlyWhenEachOutputWasObservedOff) {
    Board board;
    EXPECT_FALSE(all_off(board)) << "what was not observed is not off";
    EXPECT_EQ(not_off(board), "the backend");
    board.backend.output.off = true;
    EXPECT_TRUE(all_off(board));
    EXPECT_EQ(not_off(board), "");
    EXPECT_FALSE(any_stuck(board));
    board.backend.output = {.off = false, .stuck = true};
    EXPECT_TRUE(any_stuck(board));
    EXPECT_FALSE(all_off(board));
    board.backend.output = {.off = true};
    board.vip.configured = true;
    EXPECT_FALSE(all_off(board));
    EXPECT_EQ(not_off(board), "the virtual address");
    board.vip.output.off = true;
    EXPECT_TRUE(all_off(board));
}

}  // namespace
}  // namespace reconcilers
