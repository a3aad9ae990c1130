#include "reconcilers/board.h"

#include <algorithm>

namespace reconcilers {
namespace {

/// Fields that change with every transaction wake no other reconciler.
ReplicaView without_progress(ReplicaView view) {
    view.position.txid = {};
    view.lag.reset();
    view.wal_bytes_total = 0;
    view.log_created.clear();
    view.message.clear();
    view.progress = 0;
    view.failure.clear();
    return view;
}

VipView without_announcements(VipView view) {
    for (auto& each : view.each)
        each.announcements = 0;
    return view;
}

/// Heartbeats of other nodes wake no other reconciler.
MembershipView without_heartbeats(MembershipView view) {
    view.current = false;
    for (auto& peer : view.peers) {
        peer.status.last_seen = {};
        peer.status.uptime_ms = 0;
        peer.status.position.txid = {};
        peer.status.lag.reset();
    }
    return view;
}

}  // namespace

std::array<NamedOutput, 2> outputs(const Board& board) {
    const auto& vip = board.vip;
    return {{{.name = "the backend", .output = board.backend.output},
             {.name = "the virtual address",
              .output = vip.configured ? vip.output : Output{.off = true}}}};
}

bool all_off(const Board& board) {
    const auto all = outputs(board);
    return std::all_of(all.begin(), all.end(), [](const auto& each) { return each.output.off; });
}

bool all_drained(const Board& board, const StepDown& step_down) {
    const auto& vip = board.vip;
    return all_off(board) && board.backend.drained == step_down &&
           (!vip.configured || vip.drained == step_down);
}

bool any_stuck(const Board& board) {
    const auto all = outputs(board);
    return std::any_of(all.begin(), all.end(), [](const auto& each) { return each.output.stuck; });
}

std::string not_off(const Board& board) {
    std::string names;
    for (const auto& [name, output] : outputs(board)) {
        if (output.off) continue;
        names += (names.empty() ? "" : ", ") + std::string{name};
    }
    return names;
}

StoreVerdict judge_store(const Board& board) {
    const auto& store = board.store;
    if (!store.identity.any_stream()) {
        return {.reason = "NotFound",
                .barred = store.differs.empty() ? "no store of this cluster was found yet"
                                                : store.differs};
    }
    // A node that has read this store's log continues with it, whatever other servers are listed. A
    // node that has read none may be on the wrong one of two stores.
    const auto& log = store.identity.log;
    const bool remembered = log && !log->empty() && *log == board.replica.log_created;
    if (!store.differs.empty() && (store.other_log || !remembered)) {
        return {.reason = "StoresDiffer", .barred = store.differs};
    }
    if (!store.unconfirmed.empty() && !remembered) {
        return {.reason = "NotConfirmed", .barred = store.unconfirmed};
    }
    for (const auto& peer : board.membership.peers) {
        if (!peer.fresh || compare(store.identity, peer.status.store) != model::StoreMatch::other) {
            continue;
        }
        return {.reason = "StoresDiffer",
                .barred = "node " + peer.status.node_id + " uses another store, with " +
                          to_text(peer.status.store)};
    }
    return {.reason = store.differs.empty() ? "OneStore" : "OthersIgnored", .barred = {}};
}

bool is_news(const RoleView& before, const RoleView& after) { return !(before == after); }

bool is_news(const ReplicaView& before, const ReplicaView& after) {
    return !(without_progress(before) == without_progress(after));
}

bool is_news(const BackendView& before, const BackendView& after) { return !(before == after); }

bool is_news(const VipView& before, const VipView& after) {
    return !(without_announcements(before) == without_announcements(after));
}

bool is_news(const MembershipView& before, const MembershipView& after) {
    return !(without_heartbeats(before) == without_heartbeats(after));
}

bool is_news(const RegistryView&, const RegistryView&) { return false; }

}  // namespace reconcilers
