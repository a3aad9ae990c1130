#include "reconcilers/role/role.h"

#include <algorithm>
#include <utility>

namespace reconcilers::role {
namespace {

using model::Errc;
using model::Instant;
using model::LeaseRecord;
using std::chrono::milliseconds;
using Phase = RoleView::Phase;

constexpr milliseconds retry_interval{250};
// after one that was undone, unless a new request comes
constexpr milliseconds drain_again_after{60'000};
constexpr int most_actions_in_a_pass = 8;

std::string_view name(Write kind) {
    switch (kind) {
        case Write::renew:
            return "lease.renewed";
        case Write::take_over:
            return "lease.taken";
        case Write::adopt:
            return "lease.adopted";
        case Write::raise:
            return "lease.raised";
        case Write::release:
            return "lease.released";
    }
    return "lease.written";
}

}  // namespace

RoleReconciler::RoleReconciler(Settings settings, std::string incarnation, Ports ports)
    : settings_{std::move(settings)}, incarnation_{std::move(incarnation)}, ports_{ports} {}

RoleReconciler::Pass RoleReconciler::step(const Board& board, bool store_changed) {
    if (store_changed) {
        // A holder checks that the record is still its own; a candidate reads the present record.
        if (memory_.lease) memory_.known = false;
        memory_.read_at = Instant{} - std::chrono::hours{1};
    }
    Plan plan;
    for (int i = 0; i < most_actions_in_a_pass; ++i) {
        if (ports_.store.connection_generation() != memory_.connection_generation && memory_.known)
            forget(memory_);
        const auto warden = ports_.warden.view();
        if (warden.lost && memory_.lease)
            give_up({.deposed = true, .reason = "the warden is gone"});
        observe(memory_, board, ports_.clock.now());
        plan = plan_role(memory_, settings_, board, warden.valid_until, ports_.clock.now());
        waiting_for_ = plan.waiting_for;
        if (std::holds_alternative<std::monostate>(plan.action)) break;
        if (!act(board, plan.action)) {
            plan.wake_at = ports_.clock.now() + retry_interval;
            if (memory_.lease) plan.wake_at = std::min(plan.wake_at, memory_.lease->fence_at());
            break;
        }
        plan.wake_at = ports_.clock.now();
    }
    return {.view = view(), .wake_at = plan.wake_at};
}

/// False: the action failed; no other is attempted in this pass.
bool RoleReconciler::act(const Board& board, const Action& action) {
    if (std::holds_alternative<ReadRecord>(action)) return read();
    if (const auto* write = std::get_if<WriteRecord>(&action)) return this->write(board, *write);
    if (const auto* fence = std::get_if<Fence>(&action)) {
        give_up(*fence);
    } else if (const auto* drain = std::get_if<BeginDrain>(&action)) {
        memory_.phase = Phase::draining;
        memory_.drain_reason = drain->reason;
        ++memory_.step_downs;
        ports_.events.info(
            "role.draining_started",
            {{"reason", drain->reason}, {"epoch", std::to_string(memory_.lease->epoch.value)}});
    } else if (const auto* undo = std::get_if<UndoDrain>(&action)) {
        undo_drain(board, *undo);
    } else if (std::holds_alternative<NotifyWarden>(action)) {
        notify_warden();
    } else if (std::holds_alternative<OfferDeadline>(action)) {
        const auto offer = *memory_.offer;
        hold(offer.lease, offer.kind);
        return !memory_.offer;
    } else if (const auto* refuse = std::get_if<RefuseSwitchover>(&action)) {
        memory_.refused = refuse->outcome;
        ports_.events.warning("switchover.refused",
                              {{"id", refuse->outcome.id}, {"reason", refuse->outcome.reason}});
    } else if (std::holds_alternative<BecomeFollower>(action)) {
        memory_.phase = Phase::follower;
        memory_.may_adopt = false;
    } else if (std::holds_alternative<Finish>(action)) {
        memory_.finished = true;
    }
    return true;
}

bool RoleReconciler::read() {
    const auto generation = ports_.store.connection_generation();
    auto entry = ports_.store.read();
    if (!entry) {
        forget(memory_);  // a gap of the watch
        if (reads_.failed(entry.error().message))
            ports_.events.warning("lease.read_failed", {{"error", entry.error().message}});
        return false;
    }
    if (reads_.succeeded()) ports_.events.info("lease.read_again");
    if (entry->record) {
        seen_epoch_ = entry->record->epoch;
        // Somebody else's write worked.
        if (!entry->record->nonce.starts_with(incarnation_ + "-") &&
            entry->record->nonce != other_nonce_) {
            if (!other_nonce_.empty()) {
                write_error_.clear();
                writes_ = {};
            }
            other_nonce_ = entry->record->nonce;
        }
    }
    learn(memory_,
          std::move(*entry),
          generation,
          ports_.clock.now(),
          milliseconds{ports_.random.below(100)});
    check_holder();
    return true;
}

/// Handles the record just read while a lease is held or a request is pending.
void RoleReconciler::check_holder() {
    const auto& record = memory_.entry.record;
    const auto sent = record ? memory_.sent.find(record->nonce) : memory_.sent.end();
    const bool my_nonce = sent != memory_.sent.end();
    if (memory_.lease) {
        // L7: another holder, or no record: fence at once. An older record of this node: continue
        // from it.
        const bool own =
            my_nonce || (record && record->node_id == settings_.node_id &&
                         record->host == settings_.host && record->epoch <= memory_.lease->epoch);
        if (!own) {
            give_up({.deposed = true,
                     .reason = record ? "the record names " + record->node_id + " with epoch " +
                                            std::to_string(record->epoch.value)
                                      : std::string{"the record is gone"}});
            return;
        }
    }
    if (!my_nonce || record->state != LeaseRecord::State::held) return;
    // L3: a request without an answer was applied; it counts from its own t0.
    const model::Lease lease{.epoch = record->epoch,
                             .valid_until = sent->second + settings_.timing.ttl,
                             .margin = settings_.timing.margin};
    if (!memory_.lease) {
        hold(lease, Write::take_over);
    } else if (lease.epoch > memory_.lease->epoch) {
        memory_.promote_after = ports_.clock.now() + settings_.timing.candidate_wait();  // L6
        hold(lease, Write::raise);
    } else if (lease.valid_until > memory_.lease->valid_until) {
        hold(lease, Write::renew);
    }
}

LeaseRecord RoleReconciler::build_record(const Board& board, const WriteRecord& write) {
    LeaseRecord record;
    if (memory_.entry.record) record.unknown_fields = memory_.entry.record->unknown_fields;
    record.node_id = settings_.node_id;
    record.host = settings_.host;
    record.nonce = incarnation_ + "-" + std::to_string(++counter_);
    record.epoch = write.epoch;
    record.state =
        write.kind == Write::release ? LeaseRecord::State::released : LeaseRecord::State::held;
    if (write.kind == Write::release && memory_.entry.record) {
        record.held_nonce = memory_.entry.record->nonce;
    }
    // L5: members are listed only while this node's own failsafe runs, and it has none.
    record.ttl_ms = model::to_ms(settings_.timing.ttl);
    record.txid = board.replica.position.txid;
    record.successor = write.successor;
    record.renewed_at = ports_.clock.wall();
    return record;
}

bool RoleReconciler::write(const Board& board, const WriteRecord& write) {
    if (write.kind == Write::release) {
        release(board, write);
        return true;
    }
    if (write.kind == Write::take_over && !warden_answers()) return false;
    const auto& before = memory_.entry.record;
    if (write.kind == Write::take_over)
        // A release that was seen: what was released long ago says nothing of the addresses now.
        memory_.after_release =
            memory_.saw_release && before && before->state == LeaseRecord::State::released;
    auto record = build_record(board, write);
    // L1: t0 is read before sending, and stored by nonce until the lease ends.
    const auto sent_at = ports_.clock.now();
    memory_.sent[record.nonce] = sent_at;
    auto written = ports_.store.write(record, memory_.entry.revision);
    if (written) {
        memory_.sent = {{record.nonce, sent_at}};  // older requests expect a revision that is gone
        memory_.entry = {.record = std::move(record), .revision = *written};
        memory_.read_at = ports_.clock.now();
        seen_epoch_ = write.epoch;
        write_error_.clear();
        if (writes_.succeeded()) ports_.events.info("lease.written_again");
        on_acknowledged(board, write, sent_at);
        return true;
    }
    // A refusal is another answer each time.
    if (written.error().code == Errc::conflict ||
        writes_.failed(std::string{name(write.kind)} + ": " + written.error().message)) {
        ports_.events.warning(
            "lease.write_failed",
            {{"write", std::string{name(write.kind)}}, {"error", written.error().message}});
    }
    // Refused or unanswered: read before anything else (L3, L7). A refused candidate waits anew
    // (L4).
    if (written.error().code == Errc::conflict) {
        memory_.sent.erase(record.nonce);
        if (!memory_.lease) forget(memory_);
        write_error_.clear();
    } else {
        write_error_ = written.error().message;
    }
    memory_.known = false;
    memory_.next_renewal = ports_.clock.now() + retry_interval;
    // The read shows whether this node is still the holder. The next attempt is made in the next
    // pass.
    if (written.error().code != Errc::unavailable) (void)read();
    return false;
}

void RoleReconciler::on_acknowledged(const Board& board,
                                     const WriteRecord& write,
                                     Instant sent_at) {
    const model::Lease lease{.epoch = write.epoch,
                             .valid_until = sent_at + settings_.timing.ttl,
                             .margin = settings_.timing.margin};
    memory_.next_renewal = sent_at + settings_.timing.heartbeat;
    if (write.kind == Write::raise) {
        memory_.promote_after = ports_.clock.now() + settings_.timing.candidate_wait();  // L6
    }
    hold(lease, write.kind);
    if (memory_.lease) memory_.confirmed = board.replica.confirm_wanted;
}

/// Before a takeover: a lease that no warden guards could not be used, and would keep the other
/// nodes waiting for its end. Claiming the same incarnation again changes nothing at the warden;
/// its answer shows that it is at work.
bool RoleReconciler::warden_answers() {
    const auto answered = ports_.warden.claim(incarnation_);
    if (answered) {
        silence_.clear();
        return true;
    }
    waiting_for_ = "the warden, which does not answer: " + answered.error().message;
    if (answered.error().message != silence_) {
        silence_ = answered.error().message;
        ports_.events.error("warden.silent", {{"error", silence_}});
    }
    return false;
}

void RoleReconciler::hold(model::Lease lease, Write kind) {
    const auto now = ports_.clock.now();
    // L2: a renewal counts only while the present validity lasts; a takeover only while its own
    // does.
    const bool still = memory_.lease ? now < memory_.lease->fence_at() : now < lease.fence_at();
    if (!still) {
        if (memory_.lease) return;  // the next plan will fence
        memory_.sent.clear();
        forget(memory_);
        return;
    }
    // W0: the warden gets the new deadline before anything is done under it.
    memory_.offer.reset();
    if (auto held = ports_.warden.set_deadline(lease.valid_until); !held) {
        if (held.error().message != deadline_error_) {
            deadline_error_ = held.error().message;
            ports_.events.error("warden.deadline_failed", {{"error", deadline_error_}});
        }
        if (!memory_.lease) {
            memory_.sent.clear();
            forget(memory_);
        } else {
            memory_.offer = Memory::Offer{.lease = lease, .kind = kind};
            memory_.next_offer_at = ports_.clock.now() + retry_interval;
        }
        return;
    }
    deadline_error_.clear();
    memory_.owed_to_warden = Memory::Owed::nothing;
    const bool gained = !memory_.lease;
    memory_.lease = lease;
    memory_.highest_epoch = std::max(memory_.highest_epoch, lease.epoch);
    if (gained) {
        memory_.phase = Phase::holder;
        memory_.adopted = kind == Write::adopt;
        memory_.may_adopt = false;
        memory_.cold_start = false;
        memory_.saw_release = false;
        memory_.next_renewal =
            lease.valid_until - settings_.timing.ttl + settings_.timing.heartbeat;
    }
    if (gained || kind == Write::raise) {
        ports_.events.info(name(kind),
                           {{"epoch", std::to_string(lease.epoch.value)},
                            {"ttlMs", std::to_string(model::to_ms(settings_.timing.ttl))}});
    }
}

void RoleReconciler::give_up(const Fence& fence) {
    const auto epoch = memory_.lease->epoch;
    memory_.lease.reset();
    memory_.phase = Phase::fencing;
    memory_.sent.clear();  // requests under way give no lease any more (L2, L8)
    memory_.offer.reset();
    memory_.adopted = false;
    memory_.may_adopt = false;
    memory_.promote_after = {};
    ++memory_.lost_leases;
    forget(memory_);
    // Deposed: do not wait for the strike time. Otherwise the backend has until then to stop; this
    // process will not act again under that deadline, so the strike spares it.
    memory_.owed_to_warden = fence.deposed ? Memory::Owed::no_lease : Memory::Owed::disarm;
    notify_warden();
    ports_.events.warning("lease.lost",
                          {{"epoch", std::to_string(epoch.value)}, {"reason", fence.reason}});
}

/// Repeated until confirmed: a request without an answer may not have arrived.
void RoleReconciler::notify_warden() {
    const bool deposed = memory_.owed_to_warden == Memory::Owed::no_lease;
    auto answered = deposed ? ports_.warden.set_deadline({}) : ports_.warden.disarm();
    memory_.next_notice_at = ports_.clock.now() + retry_interval;
    if (answered) {
        memory_.owed_to_warden = Memory::Owed::nothing;
        warden_error_.clear();
        return;
    }
    if (answered.error().code == Errc::fenced) memory_.owed_to_warden = Memory::Owed::nothing;
    if (answered.error().message == warden_error_) return;  // reported
    warden_error_ = answered.error().message;
    ports_.events.error("warden.disarm_failed", {{"error", warden_error_}});
}

/// D8: the backend starts again in place; the request is refused.
void RoleReconciler::undo_drain(const Board& board, const UndoDrain& undo) {
    memory_.phase = Phase::holder;
    memory_.next_drain_at = ports_.clock.now() + drain_again_after;
    ports_.events.warning("role.draining_undone",
                          {{"epoch", std::to_string(memory_.lease->epoch.value)},
                           {"asked", memory_.drain_reason},
                           {"reason", undo.reason}});
    memory_.drain_reason.clear();
    const auto& request = board.membership.spec.switchover;
    if (!request) return;
    memory_.refused = {.id = request->id, .done = false, .reason = undo.reason};
    ports_.events.warning("switchover.refused", {{"id", request->id}, {"reason", undo.reason}});
}

void RoleReconciler::release(const Board& board, const WriteRecord& write) {
    // L9: after sending this the node is a follower, whatever the answer. The warden is notified
    // first: from then on it kills whatever is still alive.
    auto record = build_record(board, write);
    memory_.lease.reset();
    memory_.offer.reset();
    memory_.phase = Phase::follower;
    memory_.sent.clear();
    memory_.adopted = false;
    memory_.cooldown_until = ports_.clock.now() + settings_.timing.cooldown;
    memory_.owed_to_warden = Memory::Owed::no_lease;
    notify_warden();
    if (!write.obstacle.empty()) {
        memory_.released_for.insert(write.obstacle);
        memory_.released_because = write.reason;
    }
    if (!write.reason.empty()) memory_.drain_reason = write.reason;
    auto written = ports_.store.write(record, memory_.entry.revision);
    forget(memory_);
    if (written) {
        ports_.events.info("lease.released",
                           {{"epoch", std::to_string(record.epoch.value)},
                            {"successor", record.successor},
                            {"reason", memory_.drain_reason}});
    } else {
        ports_.events.warning("lease.release_failed", {{"error", written.error().message}});
    }
    memory_.drain_reason.clear();
}

RoleView RoleReconciler::view() const {
    RoleView view;
    view.phase = memory_.phase;
    view.lease = memory_.lease;
    view.adopted = memory_.adopted;
    view.after_release = memory_.lease && memory_.after_release && !memory_.adopted;
    view.promote_after = memory_.promote_after;
    view.confirmed = memory_.confirmed;
    const auto& record = memory_.entry.record;
    if (record && record->state == LeaseRecord::State::held) view.leader = record->node_id;
    view.leader_known = memory_.known;
    view.record_epoch = record ? record->epoch : seen_epoch_;
    view.lost_leases = memory_.lost_leases;
    view.waiting_for = waiting_for_;
    if (reads_.ongoing()) {
        view.waiting_for = "the lease record cannot be read: " + reads_.reason();
    } else if (!write_error_.empty()) {
        view.waiting_for = "the lease cannot be written: " + write_error_;
    }
    view.switchover = memory_.refused;
    view.released_because = memory_.released_because;
    view.step_downs = memory_.step_downs;
    view.finished = memory_.finished;
    return view;
}

}  // namespace reconcilers::role
