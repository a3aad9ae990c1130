// Records, boards and memories for tests of the role's decisions.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <variant>

#include "reconcilers/role/plan.h"

namespace reconcilers::role::plan_world {

using model::Epoch;
using model::Instant;
using model::LeaseRecord;
using model::Revision;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Phase = RoleView::Phase;

constexpr Instant at(milliseconds since_boot) { return Instant{since_boot}; }

inline const Settings n1{.node_id = "n1",
                         .host = {.machine_id = "m1", .boot_id = "b1"},
                         .timing = {.ttl = seconds{10},
                                    .heartbeat = seconds{3},
                                    .margin = seconds{2},
                                    .cooldown = seconds{10}}};

inline LeaseRecord held_by(const std::string& node, Epoch epoch, const std::string& nonce) {
    return {.node_id = node,
            .host = {.machine_id = "m-" + node, .boot_id = "b-" + node},
            .nonce = nonce,
            .epoch = epoch,
            .members = {"n1", "n2", "n3"}};
}

inline Peer peer(const std::string& id, model::Position position, bool fresh = true) {
    return {.status = {.node_id = id, .position = position, .copy_complete = true, .fit = true},
            .fresh = fresh};
}

/// A board on which nothing prevents a takeover.
inline Board ready_board() {
    Board board;
    board.membership.claimed = true;
    board.membership.read = true;
    board.membership.members = {"n1", "n2", "n3"};
    board.replica.fit = true;
    board.replica.log_read = true;
    board.replica.position = {.tenure = {1}, .txid = {10}};
    board.replica.may_have_unshipped = false;
    board.replica.lag = model::Lag{};
    board.backend.output.off = true;
    board.backend.unfit_because.clear();
    board.store.identity = {.election = "e1", .state = "s1", .log = "l1"};
    return board;
}

/// Memory of a follower that has watched `record` since `since` without a gap.
inline Memory watching(const std::optional<LeaseRecord>& record, Instant since) {
    Memory memory;
    memory.phase = Phase::follower;
    memory.may_adopt = false;
    memory.known = true;
    memory.entry = {.record = record, .revision = record ? Revision{7} : Revision{}};
    memory.read_at = since;
    memory.watched_since = since;
    return memory;
}

inline bool takes_over(Memory memory, const Board& board, Instant now) {
    memory.read_at = now;  // the record was just read again, unchanged
    const auto plan = plan_role(memory, n1, board, {}, now);
    const auto* write = std::get_if<WriteRecord>(&plan.action);
    return write != nullptr && write->kind == Write::take_over;
}

inline Memory holding(Epoch epoch, Instant valid_until) {
    Memory memory;
    memory.phase = Phase::holder;
    memory.known = true;
    memory.entry = {.record = held_by("n1", epoch, "n-1"), .revision = {7}};
    memory.lease = model::Lease{.epoch = epoch, .valid_until = valid_until, .margin = seconds{2}};
    memory.next_renewal = valid_until - seconds{7};
    return memory;
}

}  // namespace reconcilers::role::plan_world
