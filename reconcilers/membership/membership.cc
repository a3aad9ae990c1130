#include "reconcilers/membership/membership.h"

#include <algorithm>
#include <utility>

#include "reconcilers/freshness.h"

namespace reconcilers::membership {
namespace {

using model::Errc;
using model::Instant;
using std::chrono::milliseconds;

constexpr int changes_of_an_owner = 2;
constexpr milliseconds retry_interval{500};
constexpr milliseconds least_publish_interval{50};

/// Whether to publish the change before the next heartbeat.
bool differs(const model::NodeStatus& a, const model::NodeStatus& b) {
    const auto verdicts = [](const model::NodeStatus& status) {
        std::vector<std::pair<bool, std::string>> list;
        for (const auto& each : status.conditions)
            list.emplace_back(each.status, each.reason);
        return list;
    };
    return a.role != b.role || a.leader != b.leader || a.epoch != b.epoch ||
           a.position.tenure != b.position.tenure || a.has_database != b.has_database ||
           a.copy_complete != b.copy_complete || a.alarm != b.alarm || a.fit != b.fit ||
           a.released_because != b.released_because || a.backend_status != b.backend_status ||
           a.switchover != b.switchover || verdicts(a) != verdicts(b);
}

}  // namespace

MembershipReconciler::MembershipReconciler(Settings settings, Ports ports)
    : settings_{std::move(settings)}, ports_{ports}, started_at_{ports.clock.now()} {}

bool MembershipReconciler::fresh(const Seen& seen,
                                 const model::NodeStatus& status,
                                 Instant now) const {
    return is_fresh(seen.changed_at, status.heartbeat_ms, settings_.heartbeat, now);
}

MembershipReconciler::Pass MembershipReconciler::step(const Board& board) {
    const auto now = ports_.clock.now();
    auto wake_at = now + settings_.heartbeat;
    // Read before the nodes, so that a request is judged by statuses published before it or later.
    auto spec = ports_.store.spec();
    auto nodes = ports_.store.nodes();
    view_.current = nodes.has_value();
    if (nodes) {
        if (reads_.succeeded()) ports_.events.info("membership.read_again");
        read_nodes(*nodes, now);
        if (!view_.claimed && !left_) claim(*nodes, now);
    } else {
        if (reads_.failed(nodes.error().message))
            ports_.events.warning("membership.read_failed", {{"error", nodes.error().message}});
        wake_at = now + retry_interval;
    }
    read_spec(board, spec);
    const auto& leaving = view_.spec.leave;
    const bool leaves =
        std::find(leaving.begin(), leaving.end(), settings_.node_id) != leaving.end();
    if (leaves && view_.claimed) {
        leave(board);
    } else if (left_ && !leaves) {
        left_ = false;  // it joined again
    }
    if (view_.claimed) {
        publish(board, now, &wake_at);
    } else {
        status_ = build_status(settings_, board, status_, now, ports_.clock.wall());
        wake_at = std::min(wake_at, now + retry_interval);
    }
    for (auto& each : status_.conditions) {
        if (each.type == model::ConditionType::lease_held) add_reason(board, each);
    }
    report_store(board);
    for (auto& peer : view_.peers) {
        peer.fresh = fresh(seen_[peer.status.node_id], peer.status, ports_.clock.now());
    }
    return {.view = view_, .status = status_, .wake_at = wake_at};
}

void MembershipReconciler::read_nodes(const std::vector<ports::StatusEntry>& nodes, Instant now) {
    view_.members.clear();
    view_.peers.clear();
    for (const auto& entry : nodes) {
        const auto& id = entry.status.node_id;
        view_.members.push_back(id);
        auto& seen = seen_[id];
        if (seen.revision != entry.revision) {
            const bool first = seen.revision == model::Revision{};
            seen = {.revision = entry.revision,
                    .changed_at = now,
                    .changes = first ? 0 : seen.changes + 1};
        }
        if (id == settings_.node_id) continue;
        view_.peers.push_back({.status = entry.status, .fresh = fresh(seen, entry.status, now)});
    }
    std::sort(view_.members.begin(), view_.members.end());
    read_at_ = now;
}

/// L11: only this process may own the key of this node id.
void MembershipReconciler::claim(const std::vector<ports::StatusEntry>& nodes, Instant now) {
    const auto own = std::find_if(nodes.begin(), nodes.end(), [&](const ports::StatusEntry& each) {
        return each.status.node_id == settings_.node_id;
    });
    model::Revision expected{};
    if (own != nodes.end()) {
        expected = own->revision;
        const auto& other = own->status;
        const bool was_mine = other.incarnation == settings_.incarnation ||
                              (other.host == settings_.host && !other.incarnation.empty() &&
                               other.incarnation == ports_.warden.view().incarnation);
        if (!was_mine && fresh(seen_[settings_.node_id], other, now)) {
            // A live owner writes repeatedly. A single change may be a delayed write of an earlier
            // process of this node, and the first sight of the key, however late, is not a change.
            const bool changed = seen_[settings_.node_id].changes >= changes_of_an_owner;
            const auto text = "node id '" + settings_.node_id + "' is in use by another process (" +
                              other.api_url + ", machine " + other.host.machine_id +
                              "): give this node another nodeId, or stop that one";
            if (changed && view_.refused.empty()) {
                ports_.events.error("membership.id_refused", {{"reason", text}});
            }
            if (changed) view_.refused = text;
            return;
        }
    }
    auto status = build_status(settings_, {}, {}, now, ports_.clock.wall());
    status.has_database =
        // assumed until the board shows otherwise, so that no node creates a database meanwhile
        true;
    auto written = ports_.store.write(status, expected);
    wrote(written);
    if (!written) return;  // conflict or no answer: read again in the next pass
    own_revision_ = *written;
    if (auto named = ports_.warden.claim(settings_.incarnation); !named) {
        ports_.events.warning("membership.claim_not_kept", {{"error", named.error().message}});
    }
    view_.refused.clear();
    view_.claimed = true;
    seen_[settings_.node_id] = {.revision = *written, .changed_at = now};
    ports_.events.info("membership.claimed", {{"node", settings_.node_id}});
}

void MembershipReconciler::publish(const Board& board, Instant now, Instant* wake_at) {
    auto status = build_status(settings_, board, status_, now, ports_.clock.wall());
    status.uptime_ms = model::to_ms(now - started_at_);
    status.switchover = outcome_;
    // The local records must be read before anything is published about this node's data.
    const bool data_known = !board.replica.state.empty() && board.replica.state != "opening";
    if (!data_known) status.has_database = true;
    status_ = status;
    const bool news = differs(status, published_);
    const auto next = published_at_ + least_publish_interval;
    if (now < published_at_ + settings_.heartbeat && (!news || now < next)) {
        // Writes that would come too soon after the last one are postponed.
        if (news) *wake_at = std::min(*wake_at, next);
        return;
    }
    auto written = ports_.store.write(status, own_revision_);
    wrote(written);
    if (written) {
        own_revision_ = *written;
        published_ = status;
        published_at_ = now;
        seen_[settings_.node_id] = {.revision = *written, .changed_at = now};
        if (data_known && view_.published_since == Instant{}) view_.published_since = now;
        if (!data_known) view_.published_since = {};
        return;
    }
    *wake_at = std::min(*wake_at, now + retry_interval);
    if (written.error().code == Errc::unavailable) return;
    auto stored = ports_.store.node(settings_.node_id);
    if (!stored) return;
    if (*stored && (*stored)->status.incarnation != settings_.incarnation) {
        view_.claimed = false;  // claimed by another process: find out which
        ports_.events.error("membership.claim_lost", {{"by", (*stored)->status.api_url}});
        return;
    }
    own_revision_ = *stored ? (*stored)->revision : model::Revision{};
}

void MembershipReconciler::wrote(const model::Result<model::Revision>& written) {
    if (written) {
        if (writes_.succeeded()) ports_.events.info("membership.written_again");
        return;
    }
    // A conflict is resolved by reading. In an outage that no read gets through either, it is
    // reported by the reads.
    if (written.error().code == Errc::conflict || reads_.ongoing()) return;
    const auto& error = written.error().message;
    if (writes_.failed(error)) ports_.events.warning("membership.write_failed", {{"error", error}});
}

/// A node that may not read or write the nodes' status never leads: its condition has the reason.
void MembershipReconciler::add_reason(const Board& board, model::Condition& lease) const {
    if (view_.claimed) {
        if (writes_.ongoing() && lease.message.empty())
            lease.message = "this node's status cannot be written: " + writes_.reason();
    } else if (reads_.ongoing()) {
        // Where the record can be read, this is what the role waits for.
        if (board.role.leader_known)
            lease.message = "the nodes' status cannot be read: " + reads_.reason();
    } else if (writes_.ongoing()) {
        lease.message = "the node id cannot be claimed: " + writes_.reason();
    }
}

void MembershipReconciler::read_spec(const Board& board,
                                     const model::Result<ports::SpecEntry>& entry) {
    if (!entry) {
        const auto& error = entry.error();
        // Where the nodes' status cannot be read either, that was reported.
        if (error.code != Errc::corrupt && reads_.ongoing()) return;
        if (spec_reads_.failed(error.message)) {
            if (error.code == Errc::corrupt)
                ports_.events.error("spec.unreadable", {{"error", error.message}});
            else
                ports_.events.warning("spec.read_failed", {{"error", error.message}});
        }
        return;
    }
    if (spec_reads_.succeeded()) ports_.events.info("spec.read_again");
    view_.spec = entry->spec;
    view_.read = read_at_ != Instant{};
    resolve_switchover(board, *entry);
}

/// The leader removes a request that is fulfilled or refused, and publishes how it ended.
void MembershipReconciler::resolve_switchover(const Board& board, const ports::SpecEntry& entry) {
    const auto& request = entry.spec.switchover;
    const auto& role = board.role;
    if (!request || !role.holds() || !role.lease) return;
    const bool promoted = board.replica.promoted == role.lease->epoch && board.backend.ready;
    const bool here =
        request->to == settings_.node_id ||
        (request->to.empty() && !request->from.empty() && request->from != settings_.node_id);
    const bool refused = role.switchover && role.switchover->id == request->id;
    if (!(here && promoted) && !refused) return;
    outcome_ = refused ? *role.switchover
                       : model::SwitchoverOutcome{.id = request->id, .done = true, .reason = {}};
    auto next = entry.spec;
    next.switchover.reset();
    if (auto written = ports_.store.write(next, entry.revision)) {
        view_.spec = next;
        ports_.events.info("switchover.resolved",
                           {{"id", outcome_->id}, {"done", outcome_->done ? "true" : "false"}});
    }
}

/// L12: servers that are not one store need an operator, even where this node may still lead.
void MembershipReconciler::report_store(const Board& board) {
    const auto verdict = judge_store(board);
    const auto& text = verdict.reason == "StoresDiffer" ? verdict.barred : board.store.differs;
    if (text == reported_store_) return;
    if (text.empty()) {
        ports_.events.info("store.agreed");
    } else {
        ports_.events.error("store.differs", {{"reason", text}});
    }
    reported_store_ = text;
}

void MembershipReconciler::leave(const Board& board) {
    if (board.role.phase != RoleView::Phase::follower || !all_off(board)) return;
    if (auto gone = ports_.store.erase(settings_.node_id, own_revision_); !gone) return;
    view_.claimed = false;
    left_ = true;
    own_revision_ = {};
    ports_.events.info("membership.left", {{"node", settings_.node_id}});
}

}  // namespace reconcilers::membership
