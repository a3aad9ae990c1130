#include "reconcilers/membership/membership.h"

#include <algorithm>
#include <utility>

namespace reconcilers::membership {
namespace {

using model::Errc;
using model::Instant;
using std::chrono::milliseconds;

constexpr int heartbeats_to_be_stale = 3;
constexpr int changes_of_an_owner = 2;
constexpr milliseconds retry_interval{500};
constexpr milliseconds least_publish_interval{50};

/// Whether others should hear of it before the next heartbeat.
bool differs(const model::NodeStatus& a, const model::NodeStatus& b) {
    const auto verdicts = [](const model::NodeStatus& status) {
        std::vector<std::pair<bool, std::string>> list;
        for (const auto& each : status.conditions)
            list.emplace_back(each.status, each.reason);
        return list;
    };
    return a.role != b.role || a.leader != b.leader || a.epoch != b.epoch ||
           a.position.tenure != b.position.tenure || a.has_database != b.has_database ||
           a.copy_complete != b.copy_complete || a.alarm != b.alarm ||
           a.backend_status != b.backend_status || a.switchover != b.switchover ||
           verdicts(a) != verdicts(b);
}

}  // namespace

MembershipReconciler::MembershipReconciler(Settings settings, Ports ports)
    : settings_{std::move(settings)}, ports_{ports}, started_at_{ports.clock.now()} {}

bool MembershipReconciler::fresh(const Seen& seen,
                                 const model::NodeStatus& status,
                                 Instant now) const {
    // By the writer's own heartbeat, where it tells one that can be true.
    const auto theirs = milliseconds{std::clamp<std::int64_t>(status.heartbeat_ms, 0, 60'000)};
    const auto beat = std::max<model::Duration>(settings_.heartbeat, theirs);
    return now < seen.changed_at + heartbeats_to_be_stale * beat;
}

MembershipReconciler::Pass MembershipReconciler::step(const Board& board) {
    const auto now = ports_.clock.now();
    auto wake_at = now + settings_.heartbeat;
    // Before the nodes: a wish is judged by what was published before it, or later.
    auto spec = ports_.store.spec();
    auto nodes = ports_.store.nodes();
    if (nodes) {
        last_error_.clear();
        read_nodes(*nodes, now);
        if (!view_.claimed && !left_) claim(*nodes, now);
    } else {
        if (last_error_.empty()) {
            ports_.events.warning("membership.read_failed", {{"error", nodes.error().message}});
        }
        last_error_ = nodes.error().message;
        wake_at = now + retry_interval;
    }
    read_spec(board, spec);
    const auto& leaving = view_.spec.leave;
    const bool leaves =
        std::find(leaving.begin(), leaving.end(), settings_.node_id) != leaving.end();
    if (leaves && view_.claimed) {
        leave(board);
    } else if (left_ && !leaves) {
        left_ = false;  // it was asked to join again
    }
    if (view_.claimed) {
        publish(board, now, &wake_at);
    } else {
        status_ = make_status(settings_, board, status_, now, ports_.clock.wall());
        wake_at = std::min(wake_at, now + retry_interval);
    }
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

/// L11: the key of our id is ours alone.
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
            // A live owner writes again and again. One change may be a late request of a process of
            // ours that is gone, and the first sight, however late it comes, is none.
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
    auto status = make_status(settings_, {}, {}, now, ports_.clock.wall());
    status.has_database =
        true;  // until the board says otherwise: nobody may make a database meanwhile
    auto written = ports_.store.write(status, expected);
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
    auto status = make_status(settings_, board, status_, now, ports_.clock.wall());
    status.uptime_ms = model::to_ms(now - started_at_);
    status.switchover = outcome_;
    // The local records must be read before the first true word about our data is said.
    const bool data_known = !board.replica.state.empty() && board.replica.state != "opening";
    if (!data_known) status.has_database = true;
    status_ = status;
    const bool news = differs(status, published_);
    const auto next = published_at_ + least_publish_interval;
    if (now < published_at_ + settings_.heartbeat && (!news || now < next)) {
        // What came too soon after the last word is said as soon as it may be.
        if (news) *wake_at = std::min(*wake_at, next);
        return;
    }
    auto written = ports_.store.write(status, own_revision_);
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
        view_.claimed = false;  // claimed by another process: look again who it is
        ports_.events.error("membership.claim_lost", {{"by", (*stored)->status.api_url}});
        return;
    }
    own_revision_ = *stored ? (*stored)->revision : model::Revision{};
}

void MembershipReconciler::read_spec(const Board& board,
                                     const model::Result<ports::SpecEntry>& entry) {
    if (!entry) {
        if (entry.error().code == Errc::corrupt && spec_error_ != entry.error().message) {
            spec_error_ = entry.error().message;
            ports_.events.error("spec.unreadable", {{"error", spec_error_}});
        }
        return;
    }
    if (!std::exchange(spec_error_, {}).empty()) ports_.events.info("spec.read_again");
    view_.spec = entry->spec;
    view_.read = read_at_ != Instant{};
    settle_wish(board, *entry);
}

/// The leader removes a wish that is fulfilled or refused, and says how it ended.
void MembershipReconciler::settle_wish(const Board& board, const ports::SpecEntry& entry) {
    const auto& wish = entry.spec.switchover;
    const auto& role = board.role;
    if (!wish || !role.holds() || !role.lease) return;
    const bool promoted = board.replica.promoted == role.lease->epoch && board.backend.ready;
    const bool here = wish->to == settings_.node_id ||
                      (wish->to.empty() && !wish->from.empty() && wish->from != settings_.node_id);
    const bool refused = role.switchover && role.switchover->id == wish->id;
    if (!(here && promoted) && !refused) return;
    outcome_ = refused ? *role.switchover
                       : model::SwitchoverOutcome{.id = wish->id, .done = true, .reason = {}};
    auto next = entry.spec;
    next.switchover.reset();
    if (auto written = ports_.store.write(next, entry.revision)) {
        view_.spec = next;
        ports_.events.info("switchover.settled",
                           {{"id", outcome_->id}, {"done", outcome_->done ? "true" : "false"}});
    }
}

void MembershipReconciler::leave(const Board& board) {
    if (board.role.phase != RoleView::Phase::follower || !board.backend.dead) return;
    if (auto gone = ports_.store.erase(settings_.node_id, own_revision_); !gone) return;
    view_.claimed = false;
    left_ = true;
    own_revision_ = {};
    ports_.events.info("membership.left", {{"node", settings_.node_id}});
}

}  // namespace reconcilers::membership
