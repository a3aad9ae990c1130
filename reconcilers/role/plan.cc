#include "reconcilers/role/plan.h"

#include <algorithm>

namespace reconcilers::role {
namespace {

using model::Epoch;
using model::Instant;
using model::LeaseRecord;
using std::chrono::milliseconds;
using Phase = RoleView::Phase;

constexpr milliseconds poll_interval{1000};  // the watch wakes earlier; this is its fallback
constexpr milliseconds rank_step{500};

bool mine(const LeaseRecord& record, const Settings& settings) {
    return record.node_id == settings.node_id && record.host == settings.host;
}

bool contains(const std::vector<std::string>& list, const std::string& item) {
    return std::find(list.begin(), list.end(), item) != list.end();
}

/// A nonce's incarnation and counter; none: not of this form.
std::optional<std::pair<std::string, std::uint64_t>> parts(const std::string& nonce) {
    const auto dash = nonce.rfind('-');
    if (dash == std::string::npos) return std::nullopt;
    const auto counter = model::parse_number(std::string_view{nonce}.substr(dash + 1));
    if (!counter) return std::nullopt;
    return std::pair{nonce.substr(0, dash), *counter};
}

/// L5: whether `released` ends the tenure of which `held` was watched: its heldNonce is that one,
/// or one that the same process sent later under the same epoch (a renewal that this node's read
/// skipped because the release followed at once).
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
    Epoch highest = board.replica.newest_epoch;
    if (memory.entry.record) highest = std::max(highest, memory.entry.record->epoch);
    if (board.replica.raise) highest = std::max(highest, *board.replica.raise);
    return highest.next();
}

/// D5: what makes one node better than another.
struct Rank {
    model::Position position;
    int priority = 0;
    std::string node;
};

Rank rank_of(const model::NodeStatus& status) {
    return {.position = status.position, .priority = status.priority, .node = status.node_id};
}

bool better(const Rank& a, const Rank& b) {
    if (a.position.tenure != b.position.tenure) return a.position.tenure > b.position.tenure;
    if (a.priority != b.priority) return a.priority > b.priority;
    if (a.position.txid != b.position.txid) return a.position.txid > b.position.txid;
    return a.node < b.node;
}

bool can_follow_up(const model::NodeStatus& status) {
    return status.copy_complete && status.alarm.empty() && !status.nofailover;
}

/// The node that shall be first: named by the last holder, or by an operator.
std::string favoured(const Memory& memory, const Board& board) {
    const auto& wish = board.membership.spec.switchover;
    if (wish && !wish->to.empty()) return wish->to;
    const auto& record = memory.entry.record;
    if (!record) return {};
    if (!record->successor.empty()) return record->successor;
    // A lease that lapsed on a living node: what it did not ship is nowhere else (C37).
    return record->state == LeaseRecord::State::held ? record->node_id : std::string{};
}

std::string drain_reason(const Settings& settings, const Board& board) {
    if (board.shutdown) return "Shutdown";
    if (contains(board.membership.spec.leave, settings.node_id)) return "Leave";
    return {};
}

/// A wish for this leader to hand over that it has not dealt with.
const model::Spec::Switchover* open_wish(const Memory& memory,
                                         const Settings& settings,
                                         const Board& board) {
    const auto& wish = board.membership.spec.switchover;
    if (!wish || wish->to == settings.node_id) return nullptr;
    if (!wish->from.empty() && wish->from != settings.node_id) return nullptr;
    if (memory.refused && memory.refused->id == wish->id) return nullptr;
    return &*wish;
}

Plan plan_holder(const Memory& memory, const Settings& settings, const Board& board, Instant now) {
    const auto& lease = *memory.lease;
    const auto& replica = board.replica;
    const auto& backend = board.backend;
    if (now >= lease.fence_at()) return {.action = Fence{.reason = "the lease was not renewed"}};
    if (!memory.known) return {.action = ReadRecord{}, .wake_at = lease.fence_at()};

    if (replica.raise && *replica.raise >= lease.epoch) {  // L6
        return {.action = WriteRecord{.kind = Write::raise, .epoch = next_epoch(memory, board)}};
    }
    if (memory.phase == Phase::holder) {
        if (auto reason = drain_reason(settings, board); !reason.empty()) {
            return {.action = BeginDrain{std::move(reason)}};
        }
        if (const auto* wish = open_wish(memory, settings, board);
            wish != nullptr && !replica.alarm.empty()) {
            return {.action = RefuseSwitchover{
                        {.id = wish->id,
                         .done = false,
                         .reason = "this node can not ship what it has: " + replica.alarm}}};
        }
        const bool promoted = replica.promoted == lease.epoch;
        if (const auto* wish = open_wish(memory, settings, board); wish != nullptr && promoted) {
            auto candidate = fit_candidate(settings, board, wish->to, wish->force);
            if (!candidate.node.empty()) return {.action = BeginDrain{"Switchover"}};
            return {.action = RefuseSwitchover{
                        {.id = wish->id, .done = false, .reason = candidate.none_because}}};
        }
        if (backend.give_up && replica.alarm.empty() && !board.membership.spec.paused &&
            !fit_candidate(settings, board, "", false).node.empty()) {
            return {.action = BeginDrain{"BackendFailed"}};
        }
        if (replica.cannot_promote && backend.dead) {
            return {.action = WriteRecord{.kind = Write::release, .epoch = lease.epoch}};
        }
    } else if (backend.dead && replica.swept == lease.epoch) {  // L9: dead, and all of it shipped
        const auto wish = board.membership.spec.switchover;
        const auto candidate =
            fit_candidate(settings, board, wish ? wish->to : std::string{}, wish && wish->force);
        return {.action = WriteRecord{
                    .kind = Write::release, .epoch = lease.epoch, .successor = candidate.node}};
    } else if (backend.dead && !replica.alarm.empty()) {
        // S10: it will not be shipped before an operator has looked, and the log is not its end.
        // The lease lapses, and this node goes on in place if the log turns out to be whole (D2).
        return {.action = Fence{.reason = "what it has can not be shipped: " + replica.alarm}};
    } else if (backend.stuck) {
        // D8: what does not die after its kill must not keep the lease alive for ever.
        return {.wake_at = lease.fence_at(), .waiting_for = "a backend that can not be killed"};
    }
    if (now >= memory.next_renewal || replica.confirm_wanted > memory.confirmed) {
        return {.action = WriteRecord{.kind = Write::renew, .epoch = lease.epoch}};
    }
    return {.wake_at = std::min(memory.next_renewal, lease.fence_at())};
}

}  // namespace

Candidate fit_candidate(const Settings& settings,
                        const Board& board,
                        const std::string& wanted,
                        bool force) {
    const Peer* best = nullptr;
    std::string none = "no other node is known";
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
    return {.node = {}, .none_because = none};
}

model::Duration rank_wait(const Memory& memory, const Settings& settings, const Board& board) {
    const auto first = favoured(memory, board);
    if (first == settings.node_id) return {};
    const Rank own{.position = board.replica.position,
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
    const auto& wish = spec.switchover;
    const bool last_holder = record && record->node_id == settings.node_id;
    const bool asked_for = wish && wish->to == settings.node_id;
    *at = now;
    if (board.shutdown) return "this node shuts down";
    if (!board.membership.refused.empty()) return board.membership.refused;
    if (!board.membership.claimed) return "the node id is not claimed yet";
    if (!board.membership.read) return "the other nodes' status was not read yet";
    if (contains(spec.leave, settings.node_id)) return "this node leaves the cluster";
    if (spec.paused && !last_holder) return "the cluster is paused";
    if (settings.nofailover && !(asked_for && wish->force)) return "nofailover is set on this node";
    if (!board.replica.fit) {
        const auto& why = board.replica.unfit_because;
        return why.empty() ? "the data here is not known yet" : why;
    }
    if (!board.backend.dead) return "this node's own backend is not observed dead";
    if (record && !record->members.empty() && !contains(record->members, settings.node_id)) {
        return "the leader has not admitted this node yet";  // F5
    }
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
    if (never || memory.saw_release || cold) allowed = memory.watched_since;
    allowed += rank_wait(memory, settings, board);
    // The cooldown keeps a node from taking back what it has just let go, not from what it is asked
    // to take.
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

    if (memory.phase == Phase::fencing) {
        if (board.backend.dead) return {.action = BecomeFollower{}};
        return {.wake_at = now + poll_interval, .waiting_for = "the backend's end"};
    }
    if (board.shutdown && board.backend.dead) return {.action = Finish{}};
    if (!memory.known || now >= memory.read_at + poll_interval) {
        return {.action = ReadRecord{}, .wake_at = now + poll_interval};
    }
    const auto next_read = memory.read_at + poll_interval;
    const auto& record = memory.entry.record;
    if (memory.phase == Phase::starting) {
        // L8: my own lease, this boot, under the warden that holds the lock, before its strike
        // time.
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

void forget(Memory& memory) {
    memory.known = false;
    if (!memory.lease) {
        // Candidates begin again: the store may have lost what they had watched.
        memory.entry = {};
        memory.saw_release = false;
    }
}

void learn(Memory& memory,
           ports::LeaseEntry entry,
           std::uint64_t session,
           Instant now,
           model::Duration jitter) {
    const bool gap = !memory.known || session != memory.session;
    const auto before = gap ? std::optional<LeaseRecord>{} : memory.entry.record;
    const bool same = !gap && before.has_value() == entry.record.has_value() &&
                      (!before || before->nonce == entry.record->nonce);
    if (!same) {
        memory.watched_since = now;
        memory.jitter = jitter;
        const auto& after = entry.record;
        memory.saw_release = before && after && ends(*after, *before);
    }
    memory.known = true;
    memory.session = session;
    memory.read_at = now;
    memory.entry = std::move(entry);
}

}  // namespace reconcilers::role
