#include "reconcilers/role/plan.h"

#include <algorithm>

namespace reconcilers::role {
namespace {

using model::Epoch;
using model::Instant;
using model::LeaseRecord;
using std::chrono::milliseconds;
using Phase = RoleView::Phase;

constexpr milliseconds poll_interval{1000};  // fallback of the watch
constexpr milliseconds rank_step{500};
constexpr milliseconds flush_patience{10'000};  // of a flush, without progress
// oldest unshipped commit with which a step-down may begin
constexpr milliseconds oldest_unshipped{1'000};
// how long a request may wait for a condition that may pass
constexpr milliseconds request_patience{5'000};

bool mine(const LeaseRecord& record, const Settings& settings) {
    return record.node_id == settings.node_id && record.host == settings.host;
}

bool contains(const std::vector<std::string>& list, const std::string& item) {
    return std::find(list.begin(), list.end(), item) != list.end();
}

/// Incarnation and counter of a nonce; empty: not of this form.
std::optional<std::pair<std::string, std::uint64_t>> parts(const std::string& nonce) {
    const auto dash = nonce.rfind('-');
    if (dash == std::string::npos) return std::nullopt;
    const auto counter = model::parse_number(std::string_view{nonce}.substr(dash + 1));
    if (!counter) return std::nullopt;
    return std::pair{nonce.substr(0, dash), *counter};
}

/// L5: whether `released` ends the tenure whose record `held` was watched: its heldNonce is that
/// nonce, or a later one by the same process in the same epoch (a renewal that this node did not
/// read because the release followed at once).
bool ends(const LeaseRecord& released, const LeaseRecord& held) {
    if (held.state != LeaseRecord::State::held || released.state != LeaseRecord::State::released) {
        return false;
    }
    if (released.held_nonce == held.nonce) return true;
    if (released.node_id != held.node_id || released.epoch != held.epoch) return false;
    const auto watched = parts(held.nonce);
    const auto last = parts(released.held_nonce);
    return watched && last && watched->first == last->first && watched->second < last->second;
}

Epoch next_epoch(const Memory& memory, const Board& board) {
    Epoch highest = std::max(board.replica.newest_epoch, memory.highest_epoch);
    if (memory.entry.record) highest = std::max(highest, memory.entry.record->epoch);
    if (board.replica.raise) highest = std::max(highest, *board.replica.raise);
    return highest.next();
}

/// D5: the order of candidates.
struct Rank {
    bool released = false;  // D11: it released the lease, and would do so again as far as it knows
    model::Position position;
    int priority = 0;
    std::string node;
};

Rank rank_of(const model::NodeStatus& status) {
    return {.released = !status.released_because.empty(),
            .position = status.position,
            .priority = status.priority,
            .node = status.node_id};
}

bool better(const Rank& a, const Rank& b) {
    if (a.released != b.released) return b.released;
    if (a.position.tenure != b.position.tenure) return a.position.tenure > b.position.tenure;
    if (a.priority != b.priority) return a.priority > b.priority;
    if (a.position.txid != b.position.txid) return a.position.txid > b.position.txid;
    return a.node < b.node;
}

bool can_follow_up(const model::NodeStatus& status) {
    return status.copy_complete && status.alarm.empty() && !status.nofailover;
}

/// The node that should lead next: named by the last holder or by an operator.
std::string favoured(const Memory& memory, const Board& board) {
    const auto& request = board.membership.spec.switchover;
    if (request && !request->to.empty()) return request->to;
    const auto& record = memory.entry.record;
    if (!record) return {};
    if (!record->successor.empty()) return record->successor;
    // The lease of a living node expired: only that node has what it did not ship (C37).
    return record->state == LeaseRecord::State::held ? record->node_id : std::string{};
}

/// A request for this leader to hand over that is not yet resolved.
const model::Spec::Switchover* open_switchover(const Memory& memory,
                                               const Settings& settings,
                                               const Board& board) {
    const auto& request = board.membership.spec.switchover;
    if (!request || request->to == settings.node_id) return nullptr;
    if (!request->from.empty() && request->from != settings.node_id) return nullptr;
    if (memory.refused && memory.refused->id == request->id) return nullptr;
    return &*request;
}

/// D11: a reason why this holder cannot become primary.
struct Obstacle {
    // constant, so that two nodes with the same obstacle have the same name
    std::string_view name;
    std::string reason;
};

std::string reason_of(std::string_view name, const std::string& detail) {
    return std::string{name} + ": " + detail;
}

std::optional<Obstacle> obstacle(const Memory& memory,
                                 const Settings& settings,
                                 const Board& board,
                                 Instant now) {
    const auto& replica = board.replica;
    if (board.backend.give_up) {
        constexpr std::string_view name = "start the backend";
        return Obstacle{.name = name, .reason = reason_of(name, board.backend.message)};
    }
    if (!board.vip.give_up.empty()) {
        constexpr std::string_view name = "bind the address";
        return Obstacle{.name = name, .reason = reason_of(name, board.vip.give_up)};
    }
    if (replica.failing_in.empty() || now < memory.progress.at + settings.timing.ttl) return {};
    return Obstacle{.name = replica.failing_in,
                    .reason = reason_of(replica.failing_in, replica.failure)};
}

/// D11: the best other node that, as far as is known, does not have the same obstacle.
std::string other_than(const Settings& settings, const Board& board, const Obstacle& obstacle) {
    const Peer* best = nullptr;
    for (const auto& peer : board.membership.peers) {
        const auto& status = peer.status;
        const bool same = status.released_because.starts_with(reason_of(obstacle.name, ""));
        if (!peer.fresh || same || !status.fit || !can_follow_up(status) ||
            contains(board.membership.spec.leave, status.node_id) ||
            status.position.tenure < board.replica.position.tenure) {
            continue;
        }
        if (best == nullptr || better(rank_of(status), rank_of(best->status))) best = &peer;
    }
    return best == nullptr || best->status.node_id == settings.node_id ? std::string{}
                                                                       : best->status.node_id;
}

/// With a valid lease and no step-down under way: whether to begin one.
std::optional<Action> plan_step_down(const Memory& memory,
                                     const Settings& settings,
                                     const Board& board,
                                     Instant now) {
    const auto& replica = board.replica;
    const bool promoted = replica.promoted == memory.lease->epoch;
    if (board.shutdown) return BeginDrain{"Shutdown"};
    // A step-down that cannot be completed would stop the backend again and again for nothing.
    const bool may_begin = now >= memory.next_drain_at;
    const bool can_end = !promoted || why_no_hand_over(board).empty();
    if (contains(board.membership.spec.leave, settings.node_id) && may_begin && can_end) {
        return BeginDrain{"Leave"};
    }
    if (const auto* request = open_switchover(memory, settings, board)) {
        const auto refuse = [request](std::string reason) {
            return RefuseSwitchover{
                {.id = request->id, .done = false, .reason = std::move(reason)}};
        };
        if (!replica.alarm.empty()) {
            return refuse("this node cannot ship what it has: " + replica.alarm);
        }
        if (promoted) {
            // Conditions that may pass get some time: a node that has just stepped down is reading
            // the log, or a burst of commits is being shipped.
            const bool waits = now < memory.request_at + request_patience;
            auto candidate = fit_candidate(settings, board, request->to, request->force);
            if (candidate.node.empty()) {
                if (candidate.may_come && waits) return std::nullopt;
                return refuse(std::move(candidate.none_because));
            }
            if (auto why = why_no_hand_over(board); !why.empty()) {
                if (waits && replica.alarm.empty()) return std::nullopt;
                return refuse(std::move(why));
            }
            return BeginDrain{"Switchover"};
        }
    }
    if (promoted && board.backend.give_up && replica.alarm.empty() &&
        !board.membership.spec.paused && may_begin && can_end &&
        !fit_candidate(settings, board, "", false).node.empty()) {
        return BeginDrain{"BackendFailed"};
    }
    // Clients reach it by its address: without that it serves nobody.
    if (promoted && !board.vip.give_up.empty() && replica.alarm.empty() &&
        !board.membership.spec.paused && may_begin && can_end &&
        !fit_candidate(settings, board, "", false).node.empty()) {
        return BeginDrain{"AddressFailed"};
    }
    return std::nullopt;
}

/// With a step-down under way: whether it ends, and how.
Plan plan_draining(const Memory& memory,
                   const Settings& settings,
                   const Board& board,
                   Instant now) {
    const auto& lease = *memory.lease;
    const auto& replica = board.replica;
    const StepDown step_down{.epoch = lease.epoch, .number = memory.step_downs};
    const bool flushed = replica.flushed == step_down;
    // The backend ends before the flush, within limits of its own; the address goes after it.
    const bool off = flushed ? all_drained(board, step_down) : board.backend.output.off;
    if (!off) {
        // D8: what survives its end, or cannot be observed, must not keep the lease alive for ever.
        const bool too_long = flushed && now >= memory.progress.at + flush_patience;
        if (!any_stuck(board) && !too_long) return {};
        const auto what = not_off(board);
        return {.wake_at = lease.fence_at(),
                .waiting_for = "what cannot be ended: " +
                               (what.empty() ? "an address that this host has" : what)};
    }
    if (flushed) {  // L9: off, and everything is shipped
        const auto request = board.membership.spec.switchover;
        const auto candidate = fit_candidate(
            settings, board, request ? request->to : std::string{}, request && request->force);
        return {.action = WriteRecord{
                    .kind = Write::release, .epoch = lease.epoch, .successor = candidate.node}};
    }
    if (!replica.alarm.empty()) {
        // S10: it cannot be shipped before an operator has acted. The lease expires, and this node
        // continues in place if the log turns out to be complete (D2).
        return {.action = Fence{.reason = "what it has cannot be shipped: " + replica.alarm}};
    }
    if (now < memory.progress.at + flush_patience) return {};
    const auto why = "for " + std::to_string(flush_patience.count() / 1000) +
                     " s the log has taken nothing of what the backend left" +
                     (replica.failure.empty() ? "" : ": " + replica.failure);
    // A shutdown is never refused: the lease expires, and this node continues in place later (D2).
    if (board.shutdown) return {.action = Fence{.reason = why}};
    return {.action = UndoDrain{why}};
}

Plan plan_holder(const Memory& memory, const Settings& settings, const Board& board, Instant now) {
    const auto& lease = *memory.lease;
    const auto& replica = board.replica;
    if (now >= lease.fence_at()) return {.action = Fence{.reason = "the lease was not renewed"}};
    if (!memory.known) return {.action = ReadRecord{}, .wake_at = lease.fence_at()};
    if (memory.offer) {
        if (now >= memory.next_offer_at) return {.action = OfferDeadline{}};
        return {.wake_at = std::min(memory.next_offer_at, lease.fence_at()),
                .waiting_for = "the warden, which does not answer"};
    }

    if (replica.raise && *replica.raise >= lease.epoch) {  // L6
        return {.action = WriteRecord{.kind = Write::raise, .epoch = next_epoch(memory, board)}};
    }
    std::string waiting_for;
    if (memory.phase == Phase::holder) {
        if (auto action = plan_step_down(memory, settings, board, now)) {
            return {.action = *std::move(action)};
        }
        if (replica.promoted != lease.epoch && all_off(board)) {
            // S8: this node's data is behind the log; another node's may not be.
            if (replica.cannot_promote) {
                return {.action = WriteRecord{.kind = Write::release,
                                              .epoch = lease.epoch,
                                              .reason = "cannot promote: " + replica.message}};
            }
            if (auto stuck = obstacle(memory, settings, board, now)) {
                const std::string name{stuck->name};
                const auto next = other_than(settings, board, *stuck);
                if (!replica.may_have_unshipped && !next.empty() &&
                    !memory.released_for.contains(name)) {
                    return {.action = WriteRecord{.kind = Write::release,
                                                  .epoch = lease.epoch,
                                                  .successor = next,
                                                  .obstacle = name,
                                                  .reason = stuck->reason}};
                }
                waiting_for = std::move(stuck->reason);
            }
        }
    } else {
        auto plan = plan_draining(memory, settings, board, now);
        if (!std::holds_alternative<std::monostate>(plan.action) || plan.wake_at != Instant{}) {
            return plan;
        }
    }
    if (now >= memory.next_renewal || replica.confirm_wanted > memory.confirmed) {
        return {.action = WriteRecord{.kind = Write::renew, .epoch = lease.epoch}};
    }
    return {.wake_at = std::min(memory.next_renewal, lease.fence_at()),
            .waiting_for = std::move(waiting_for)};
}

}  // namespace

Candidate fit_candidate(const Settings& settings,
                        const Board& board,
                        const std::string& wanted,
                        bool force) {
    const Peer* best = nullptr;
    std::string none = "no other node is known";
    bool may_come = false;
    for (const auto& peer : board.membership.peers) {
        const auto& status = peer.status;
        if (!wanted.empty() && status.node_id != wanted) continue;
        std::string why;
        if (!peer.fresh) {
            why = "is not heard of";
        } else if (contains(board.membership.spec.leave, status.node_id)) {
            why = "is leaving";
        } else if (!status.alarm.empty()) {
            why = "needs an operator: " + status.alarm;
        } else if (!status.copy_complete) {
            why = "has no whole copy of the data";
        } else if (status.position.tenure != board.replica.position.tenure) {
            why = "has the data of another tenure";
        } else if (status.nofailover && !force) {
            why = "has nofailover set";
        } else if (!status.fit) {
            why = "cannot lead: " + status.unfit_because;
            may_come = true;
        }
        if (!why.empty()) {
            none = "node " + status.node_id + " " + why;
            continue;
        }
        if (best == nullptr || better(rank_of(status), rank_of(best->status))) {
            best = &peer;
        }
    }
    if (best != nullptr) return {.node = best->status.node_id, .none_because = {}};
    if (!wanted.empty() && none == "no other node is known") {
        none = wanted == settings.node_id ? "it leads already" : "node " + wanted + " is not known";
    }
    return {.node = {}, .none_because = none, .may_come = may_come};
}

model::Duration rank_wait(const Memory& memory, const Settings& settings, const Board& board) {
    const auto first = favoured(memory, board);
    if (first == settings.node_id) return {};
    const Rank own{.released = !memory.released_because.empty(),
                   .position = board.replica.position,
                   .priority = settings.priority,
                   .node = settings.node_id};
    int ahead = 0;
    for (const auto& peer : board.membership.peers) {
        const bool named = peer.status.node_id == first;
        if (!peer.fresh || (!named && !can_follow_up(peer.status))) continue;
        if (named || better(rank_of(peer.status), own)) ++ahead;
    }
    return ahead * rank_step + memory.jitter;
}

std::string takeover_barred(
    const Memory& memory, const Settings& settings, const Board& board, Instant now, Instant* at) {
    const auto& record = memory.entry.record;
    const auto& spec = board.membership.spec;
    const auto& request = spec.switchover;
    const bool last_holder = record && record->node_id == settings.node_id;
    const bool asked_for = request && request->to == settings.node_id;
    *at = now;
    if (board.shutdown) return "this node shuts down";
    if (!board.membership.refused.empty()) return board.membership.refused;
    if (!board.membership.claimed) return "the node id is not claimed yet";
    if (!board.membership.read) return "the other nodes' status was not read yet";
    if (contains(spec.leave, settings.node_id)) return "this node leaves the cluster";
    if (spec.paused && !last_holder) return "the cluster is paused";
    if (settings.nofailover && !(asked_for && request->force))
        return "nofailover is set on this node";
    if (!board.replica.fit) {
        const auto& why = board.replica.unfit_because;
        return why.empty() ? "the data here is not known yet" : why;
    }
    if (!board.backend.unfit_because.empty()) {
        return "the backend could not run here: " + board.backend.unfit_because;
    }
    if (board.vip.configured && !board.vip.unfit_because.empty()) return board.vip.unfit_because;
    if (!all_off(board)) return "not observed to be off on this node: " + not_off(board);
    if (auto store = judge_store(board); !store.barred.empty()) return std::move(store.barred);
    // F5; an operator's force waives it, when all of the members are gone for good.
    const bool stranger =
        record && !record->members.empty() && !contains(record->members, settings.node_id);
    if (stranger && !(asked_for && request->force))
        return "the leader has not admitted this node yet";
    // L5: the record never existed, or was watched going from held to released, or was watched for
    // the whole wait. First sight of `released` is waived only where nobody else can be about.
    Instant allowed = memory.watched_since + settings.timing.candidate_wait();
    const bool never = !record && memory.entry.revision.value == 0;
    const bool released = record && record->state == LeaseRecord::State::released;
    const bool anyone = std::any_of(board.membership.peers.begin(),
                                    board.membership.peers.end(),
                                    [](const Peer& peer) { return peer.fresh; });
    const bool cold = released && memory.cold_start && !anyone && board.replica.log_read &&
                      board.replica.newest_epoch <= record->epoch;
    // Forced in where the holder did not ask it for promises: never before the whole wait.
    if (!stranger && (never || memory.saw_release || cold)) allowed = memory.watched_since;
    allowed += rank_wait(memory, settings, board);
    // The cooldown prevents taking back a lease that was just released, unless this node is asked
    // to take it.
    const bool asked = favoured(memory, board) == settings.node_id;
    *at = asked ? allowed : std::max(allowed, memory.cooldown_until);
    return {};
}

Plan plan_role(const Memory& memory,
               const Settings& settings,
               const Board& board,
               Instant warden_until,
               Instant now) {
    if (memory.finished) return {.wake_at = now + settings.timing.heartbeat};
    if (memory.lease) return plan_holder(memory, settings, board, now);
    if (memory.owed_to_warden != Memory::Owed::nothing && now >= memory.next_notice_at) {
        // W0: the warden must know that nothing may be alive any more
        return {.action = NotifyWarden{}};
    }

    if (memory.phase == Phase::fencing) {
        if (all_off(board)) return {.action = BecomeFollower{}};
        return {.wake_at = now + poll_interval, .waiting_for = "the end of " + not_off(board)};
    }
    if (board.shutdown && all_off(board)) return {.action = Finish{}};
    if (!memory.known || now >= memory.read_at + poll_interval) {
        return {.action = ReadRecord{}, .wake_at = now + poll_interval};
    }
    const auto next_read = memory.read_at + poll_interval;
    const auto& record = memory.entry.record;
    if (memory.phase == Phase::starting) {
        // L8: this node's own lease, in this boot, under the warden that holds the lock, before its
        // strike time.
        const bool own =
            record && record->state == LeaseRecord::State::held && mine(*record, settings);
        const bool alive =
            warden_until != Instant{} && now < warden_until - settings.timing.margin / 2;
        if (memory.may_adopt && own && alive && board.membership.refused.empty() &&
            !board.shutdown) {
            if (!board.membership.claimed) {
                return {.wake_at = std::min(next_read, warden_until - settings.timing.margin / 2),
                        .waiting_for = "the claim of the node id"};
            }
            return {.action =
                        WriteRecord{.kind = Write::adopt, .epoch = next_epoch(memory, board)}};
        }
        return {.action = BecomeFollower{}};
    }
    Instant at{};
    if (auto barred = takeover_barred(memory, settings, board, now, &at); !barred.empty()) {
        return {.wake_at = next_read, .waiting_for = std::move(barred)};
    }
    if (now >= at) {
        return {.action =
                    WriteRecord{.kind = Write::take_over, .epoch = next_epoch(memory, board)}};
    }
    return {.wake_at = std::min(next_read, at), .waiting_for = "the wait of a candidate"};
}

std::string why_no_hand_over(const Board& board) {
    const auto& replica = board.replica;
    if (!replica.alarm.empty()) return "this node cannot ship what it has: " + replica.alarm;
    if (!replica.lag) return "how far the log is behind is not known";
    if (replica.lag->ms < oldest_unshipped.count()) return {};
    return "the log does not take this node's commits: the oldest one waits since " +
           std::to_string(replica.lag->ms) + " ms" +
           (replica.failure.empty() ? "" : ": " + replica.failure);
}

void observe(Memory& memory, const Board& board, Instant now) {
    const Memory::Progress next{.count = board.replica.progress,
                                .all_off = all_off(board),
                                .phase = memory.phase,
                                .at = now};
    const auto& last = memory.progress;
    if (next.count != last.count || next.all_off != last.all_off || next.phase != last.phase) {
        memory.progress = next;
    }
    const auto& request = board.membership.spec.switchover;
    if ((request ? request->id : std::string{}) != memory.request) {
        memory.request = request ? request->id : std::string{};
        memory.request_at = now;
    }
    const bool primary =
        memory.lease && board.replica.promoted == memory.lease->epoch && board.backend.ready;
    if (primary) {
        memory.released_for.clear();
        memory.released_because.clear();
    }
}

void forget(Memory& memory) {
    memory.known = false;
    if (!memory.lease) {
        // Candidates start their wait again: the store may have lost what they watched.
        memory.entry = {};
        memory.saw_release = false;
    }
}

void learn(Memory& memory,
           ports::LeaseEntry entry,
           std::uint64_t generation,
           Instant now,
           model::Duration jitter) {
    const bool gap = !memory.known || generation != memory.connection_generation;
    const auto before = gap ? std::optional<LeaseRecord>{} : memory.entry.record;
    const bool same = !gap && before.has_value() == entry.record.has_value() &&
                      (!before || before->nonce == entry.record->nonce);
    if (!same) {
        memory.watched_since = now;
        memory.jitter = jitter;
        const auto& after = entry.record;
        memory.saw_release = before && after && ends(*after, *before);
    }
    if (entry.record) memory.highest_epoch = std::max(memory.highest_epoch, entry.record->epoch);
    memory.known = true;
    memory.connection_generation = generation;
    memory.read_at = now;
    memory.entry = std::move(entry);
}

}  // namespace reconcilers::role
