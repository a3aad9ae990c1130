#include "reconcilers/board.h"

namespace reconcilers {
namespace {

/// What changes with every transaction moves nobody.
ReplicaView without_progress(ReplicaView view) {
    view.position.txid = {};
    view.lag.reset();
    view.wal_bytes_total = 0;
    view.message.clear();
    return view;
}

/// Nor does the heartbeat of every other node.
MembershipView without_heartbeats(MembershipView view) {
    for (auto& peer : view.peers) {
        peer.status.last_seen = {};
        peer.status.uptime_ms = 0;
        peer.status.position.txid = {};
        peer.status.lag.reset();
    }
    return view;
}

}  // namespace

bool is_news(const RoleView& before, const RoleView& after) { return !(before == after); }

bool is_news(const ReplicaView& before, const ReplicaView& after) {
    return !(without_progress(before) == without_progress(after));
}

bool is_news(const BackendView& before, const BackendView& after) { return !(before == after); }

bool is_news(const MembershipView& before, const MembershipView& after) {
    return !(without_heartbeats(before) == without_heartbeats(after));
}

}  // namespace reconcilers
