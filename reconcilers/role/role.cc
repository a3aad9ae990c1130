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
        // A holder looks whether the record is still its own; a candidate reads what there is now.
        if (memory_.lease) memory_.known = false;
        memory_.read_at = Instant{} - std::chrono::hours{1};
    }
    Plan plan;
    for (int i = 0; i < most_actions_in_a_pass; ++i) {
        if (ports_.store.session() != memory_.session && memory_.known) forget(memory_);
        const auto warden = ports_.warden.view();
        if (warden.lost && memory_.lease)
            give_up({.deposed = true, .reason = "the warden is gone"});
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

/// False: it did not work; nothing else is tried in this pass.
bool RoleReconciler::act(const Board& board, const Action& action) {
    if (std::holds_alternative<ReadRecord>(action)) return read();
    if (const auto* write = std::get_if<WriteRecord>(&action)) return this->write(board, *write);
    if (const auto* fence = std::get_if<Fence>(&action)) {
        give_up(*fence);
    } else if (const auto* drain = std::get_if<BeginDrain>(&action)) {
        memory_.phase = Phase::draining;
        memory_.drain_reason = drain->reason;
        ports_.events.info(
            "role.draining_started",
            {{"reason", drain->reason}, {"epoch", std::to_string(memory_.lease->epoch.value)}});
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
    const auto session = ports_.store.session();
    auto entry = ports_.store.read();
    if (!entry) {
        forget(memory_);  // a gap of the watch
        if (!std::exchange(unreachable_, true)) {
            ports_.events.warning("lease.read_failed", {{"error", entry.error().message}});
        }
        return false;
    }
    if (std::exchange(unreachable_, false)) ports_.events.info("lease.read_again");
    learn(memory_,
          std::move(*entry),
          session,
          ports_.clock.now(),
          milliseconds{ports_.random.below(100)});
    check_holder();
    return true;
}

/// What the record just read means for a lease that is held or asked for.
void RoleReconciler::check_holder() {
    const auto& record = memory_.entry.record;
    const auto sent = record ? memory_.sent.find(record->nonce) : memory_.sent.end();
    const bool my_nonce = sent != memory_.sent.end();
    if (memory_.lease) {
        // L7: another holder, or no record: fence at once. My own older record: go on from there.
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
    // L3: an ambiguous request of mine was applied; it counts from its own t0.
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

LeaseRecord RoleReconciler::make_record(const Board& board, const WriteRecord& write) {
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
    record.members = board.membership.members;
    if (!board.membership.read && memory_.entry.record) {
        record.members = memory_.entry.record->members;
    }
    if (std::find(record.members.begin(), record.members.end(), settings_.node_id) ==
        record.members.end()) {
        record.members.push_back(settings_.node_id);
        std::sort(record.members.begin(), record.members.end());
    }
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
    auto record = make_record(board, write);
    // L1: t0 is read before the send, and kept by nonce until the lease ends.
    const auto sent_at = ports_.clock.now();
    memory_.sent[record.nonce] = sent_at;
    auto written = ports_.store.write(record, memory_.entry.revision);
    if (written) {
        memory_.sent = {{record.nonce, sent_at}};  // older ones expect a revision that is gone
        memory_.entry = {.record = std::move(record), .revision = *written};
        memory_.read_at = ports_.clock.now();
        settled(board, write, sent_at);
        return true;
    }
    ports_.events.warning(
        "lease.write_failed",
        {{"write", std::string{name(write.kind)}}, {"error", written.error().message}});
    // Refused or unanswered: read before anything else (L3, L7). A refused candidate waits anew
    // (L4).
    if (written.error().code == Errc::conflict) {
        memory_.sent.erase(record.nonce);
        if (!memory_.lease) forget(memory_);
    }
    memory_.known = false;
    memory_.next_renewal = ports_.clock.now() + retry_interval;
    // The answer decides whether this node is still the holder. Another try is for the next pass.
    if (written.error().code != Errc::unavailable) (void)read();
    return false;
}

void RoleReconciler::settled(const Board& board, const WriteRecord& write, Instant sent_at) {
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

void RoleReconciler::hold(model::Lease lease, Write kind) {
    const auto now = ports_.clock.now();
    // L2: a renewal counts only while the present validity lasts; a takeover only while its own
    // does.
    const bool still = memory_.lease ? now < memory_.lease->fence_at() : now < lease.fence_at();
    if (!still) {
        if (memory_.lease) return;  // the next plan fences
        memory_.sent.clear();
        forget(memory_);
        return;
    }
    // W0: the warden holds the new end before anything is done under it.
    if (auto held = ports_.warden.hold_until(lease.valid_until); !held) {
        ports_.events.error("warden.hold_failed", {{"error", held.error().message}});
        if (!memory_.lease) {
            memory_.sent.clear();
            forget(memory_);
        }
        return;
    }
    const bool gained = !memory_.lease;
    memory_.lease = lease;
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
    memory_.sent.clear();  // what is in flight gives nothing any more (L2, L8)
    memory_.adopted = false;
    memory_.may_adopt = false;
    memory_.promote_after = {};
    ++memory_.fences;
    forget(memory_);
    // Deposed: nothing may wait for the strike time. Otherwise the backend has until then to stop;
    // this process acts no more under that deadline, so the strike spares it.
    auto told = fence.deposed ? ports_.warden.hold_until({}) : ports_.warden.disarm();
    ports_.events.warning("lease.lost",
                          {{"epoch", std::to_string(epoch.value)}, {"reason", fence.reason}});
    if (!told) ports_.events.error("warden.disarm_failed", {{"error", told.error().message}});
}

void RoleReconciler::release(const Board& board, const WriteRecord& write) {
    // L9: after this the node is a follower whatever the answer. The warden first: from here on it
    // kills whatever still comes to life.
    auto record = make_record(board, write);
    memory_.lease.reset();
    memory_.phase = Phase::follower;
    memory_.sent.clear();
    memory_.adopted = false;
    memory_.cooldown_until = ports_.clock.now() + settings_.timing.cooldown;
    if (auto told = ports_.warden.hold_until({}); !told) {
        ports_.events.error("warden.hold_failed", {{"error", told.error().message}});
    }
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
    view.promote_after = memory_.promote_after;
    view.confirmed = memory_.confirmed;
    const auto& record = memory_.entry.record;
    if (record && record->state == LeaseRecord::State::held) view.leader = record->node_id;
    if (record) view.record_epoch = record->epoch;
    view.fences = memory_.fences;
    view.waiting_for = waiting_for_;
    view.switchover = memory_.refused;
    view.finished = memory_.finished;
    return view;
}

}  // namespace reconcilers::role
