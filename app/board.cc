#include "app/board.h"

#include <utility>

namespace app {
namespace {

/// What changes with every transaction moves nobody.
reconcilers::ReplicaView without_progress(reconcilers::ReplicaView view) {
    view.position.txid = {};
    view.lag.reset();
    view.wal_bytes_total = 0;
    view.message.clear();
    return view;
}

/// Nor does the heartbeat of every other node.
reconcilers::MembershipView without_heartbeats(reconcilers::MembershipView view) {
    for (auto& peer : view.peers) {
        peer.status.last_seen = {};
        peer.status.uptime_ms = 0;
        peer.status.position.txid = {};
        peer.status.lag.reset();
    }
    return view;
}

}  // namespace

void SharedBoard::wake() const {
    for (const auto& waker : wakers_)
        waker();
}

void SharedBoard::write(const reconcilers::RoleView& view) {
    {
        const std::lock_guard lock{mutex_};
        if (board_.role == view) return;
        board_.role = view;
    }
    wake();
}

void SharedBoard::write(const reconcilers::ReplicaView& view) {
    {
        const std::lock_guard lock{mutex_};
        const bool same = without_progress(board_.replica) == without_progress(view);
        board_.replica = view;
        if (same) return;
    }
    wake();
}

void SharedBoard::write(const reconcilers::BackendView& view) {
    {
        const std::lock_guard lock{mutex_};
        if (board_.backend == view) return;
        board_.backend = view;
    }
    wake();
}

void SharedBoard::write(const reconcilers::MembershipView& view, const model::NodeStatus& status) {
    {
        const std::lock_guard lock{mutex_};
        status_ = status;
        const bool same = without_heartbeats(board_.membership) == without_heartbeats(view);
        board_.membership = view;
        if (same) return;
    }
    wake();
}

void SharedBoard::turned(const std::string& loop, model::Instant at) {
    const std::lock_guard lock{mutex_};
    turns_[loop] = at;
}

void SharedBoard::shut_down() {
    {
        const std::lock_guard lock{mutex_};
        board_.shutdown = true;
    }
    wake();
}

}  // namespace app
