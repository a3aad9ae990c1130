#include "app/board.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace app {
namespace {

using reconcilers::NodeView;
using reconcilers::Part;
using std::chrono::seconds;

TEST(SharedBoard, IsReadAsItWasWritten) {
    SharedBoard board;
    board.update([](NodeView& view) {
        view.board.role.leader = "n1";
        view.status.node_id = "n2";
    });
    board.update([](NodeView& view) { view.board.shutdown = true; });
    EXPECT_EQ(board.board().role.leader, "n1");
    EXPECT_TRUE(board.board().shutdown);
    EXPECT_EQ(board.status().node_id, "n2");
}

TEST(SharedBoard, WhatWasReadStaysAsItWas) {
    SharedBoard board;
    const auto before = board.board();
    board.update([](NodeView& view) { view.board.role.leader = "n1"; });
    EXPECT_EQ(before.role.leader, "");
}

// Readers see each change completely, and no change is lost.
TEST(SharedBoard, IsOneForManyThreads) {
    constexpr std::uint64_t changes = 2'000;
    SharedBoard board;
    {
        std::vector<std::jthread> writers;
        for (int i = 0; i < 2; ++i) {
            writers.emplace_back([&board] {
                for (std::uint64_t change = 0; change < changes; ++change) {
                    board.update([](NodeView& view) {
                        ++view.board.role.confirmed;
                        ++view.board.role.lost_leases;
                    });
                }
            });
        }
        std::uint64_t seen = 0;
        while (seen < changes) {
            const auto role = board.board().role;
            ASSERT_EQ(role.confirmed, role.lost_leases);
            ASSERT_GE(role.confirmed, seen);
            seen = role.confirmed;
        }
    }
    EXPECT_EQ(board.board().role.confirmed, 2 * changes);
}

TEST(SharedBoard, RemembersTheLastTurnOfEachPart) {
    SharedBoard board;
    board.turned(Part::role, model::Instant{seconds{1}});
    board.turned(Part::replica, model::Instant{seconds{2}});
    board.turned(Part::role, model::Instant{seconds{3}});
    const std::map<Part, model::Instant> expected{{Part::role, model::Instant{seconds{3}}},
                                                  {Part::replica, model::Instant{seconds{2}}}};
    EXPECT_EQ(board.turns(), expected);
}

}  // namespace
}  // namespace app
