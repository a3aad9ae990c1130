#include "reconcilers/backend/plan.h"

#include <algorithm>

namespace reconcilers::backend {
namespace {

using model::Instant;
using std::chrono::milliseconds;
using State = ports::BackendObserved::State;

constexpr milliseconds poll_interval{500};
// Until a start that was not answered is requested again, if nothing of it is seen.
constexpr milliseconds unanswered_pause{250};

// It ended, and nobody here had asked it to. After a longer healthy run, earlier failures no longer
// count.
void count_failure(Memory& memory, const Settings& settings, Instant now) {
    const bool stable = memory.ready && now - memory.ready_since >= settings.start_timeout;
    memory.failures = stable ? 1 : memory.failures + 1;
}

}  // namespace

model::Duration back_off(int failures) {
    if (failures <= 0) return {};
    const int doublings = std::min(failures - 1, 7);
    return std::min<model::Duration>(milliseconds{250} * (1 << doublings),
                                     std::chrono::seconds{30});
}

bool wanted(const Board& board, Instant now, std::string* why_not) {
    const auto& role = board.role;
    const auto& replica = board.replica;
    const auto no = [why_not](const char* why) {
        *why_not = why;
        return false;
    };
    if (!role.holds() || !role.lease) return no("this node does not hold the lease");
    if (now >= role.lease->fence_at()) return no("the lease ends");
    if (role.phase == RoleView::Phase::draining) return no("the node steps down");
    if (replica.backend_must_stop) return no("its data is of an older tenure");
    if (replica.conversion_wanted) return no("the database is converted to WAL mode");
    // A running backend stays during an adoption or another seal (D2 decides); a new one waits for
    // it.
    if (!replica.create_wanted && replica.promoted != role.lease->epoch)
        return no("the data is not promoted yet");
    if (board.vip.configured && board.vip.bound != role.lease->epoch)
        return no("the virtual address is not bound yet");
    return true;
}

bool healthy_elsewhere(const Board& board) {
    const auto ready = [](const model::Condition& each) {
        return each.type == model::ConditionType::backend_ready && each.status;
    };
    return std::any_of(
        board.membership.peers.begin(), board.membership.peers.end(), [&ready](const Peer& peer) {
            const auto& all = peer.status.conditions;
            return std::any_of(all.begin(), all.end(), ready);
        });
}

void learn(Memory& memory,
           const Settings& settings,
           const ports::BackendObserved& observed,
           const ports::Health& health,
           Instant now) {
    if (observed.state == State::absent) {
        // It may have started and died between two observations.
        const bool unseen = memory.start_sent && observed.starts != memory.starts_seen;
        const bool ran = memory.started_at != Instant{} || unseen;
        if (ran) {
            memory.start_sent = false;
            memory.starts_seen = observed.starts;
            const bool asked = memory.stop_asked != Instant{} || memory.kill_asked != Instant{};
            if (!asked) {
                count_failure(memory, settings, now);
                memory.last_failure = "it ended: " + observed.last_exit;
            } else if (memory.found_unhealthy ||
                       (memory.kill_asked != Instant{} && !memory.last_failure.empty())) {
                // stopped because of its health, or killed because it did not stop
                ++memory.failures;
            }
            memory.start_after = now + back_off(memory.failures);
        }
        memory.started_at = {};
        memory.stop_asked = {};
        memory.found_unhealthy = false;
        memory.kill_asked = {};
        memory.ready = false;
        memory.failed_probes = 0;
        memory.next_probe = {};
        return;
    }
    if (observed.state == State::unknown) return;
    memory.unanswered_since = {};
    if (memory.started_at == Instant{} || observed.starts != memory.starts_seen) {
        // It ended and was started again, and not from here: its supervisor does that.
        if (memory.started_at != Instant{} && !memory.start_sent &&
            memory.stop_asked == Instant{} && memory.kill_asked == Instant{}) {
            count_failure(memory, settings, now);
            memory.last_failure = "it ended, and was started again by others: " +
                                  (observed.last_exit.empty() ? "?" : observed.last_exit);
        }
        memory.started_at = now;  // started by this process, or found running
        memory.start_sent = false;
        memory.starts_seen = observed.starts;
        memory.ready = false;
        memory.failed_probes = 0;
        memory.next_probe = now;
    }
    const auto became_ready = [&] {
        if (!memory.ready) memory.ready_since = now;
        memory.ready = true;
        memory.ever_ready = true;
        memory.failed_probes = 0;
        memory.failures = 0;
        memory.last_failure.clear();
    };
    if (settings.health_url.empty()) {
        if (!memory.ready) became_ready();
        return;
    }
    if (health.state == ports::Health::State::healthy) {
        became_ready();
    } else if (health.state == ports::Health::State::failed) {
        ++memory.failed_probes;
        memory.last_failure = health.reason;
        if (memory.failed_probes >= probes_to_fail) memory.ready = false;
    }
}

void learn_start(Memory& memory,
                 const Settings& settings,
                 const model::Result<void>& outcome,
                 Instant now) {
    const auto code = outcome ? model::Errc::invalid : outcome.error().code;
    const bool unanswered =
        code == model::Errc::unavailable || code == model::Errc::unknown_outcome;
    memory.start_sent = outcome || code == model::Errc::unknown_outcome;
    if (outcome) {
        memory.unanswered_since = {};
        return;
    }
    memory.last_failure = outcome.error().message;
    if (unanswered) {
        if (memory.unanswered_since == Instant{}) memory.unanswered_since = now;
        if (now < memory.unanswered_since + settings.start_timeout) {
            memory.start_after = now + unanswered_pause;
            return;
        }
    }
    memory.unanswered_since = {};
    ++memory.failures;
    memory.start_after = now + back_off(memory.failures);
}

Plan plan_backend(const Memory& memory,
                  const Settings& settings,
                  const Board& board,
                  const ports::BackendObserved& observed,
                  Instant now) {
    // Until the role has read the record, a backend found running may belong to a lease that will
    // be adopted (L8). The warden's deadline still applies to it.
    if (board.role.phase == RoleView::Phase::starting && !board.shutdown) {
        return {.wake_at = now + poll_interval, .reason = "the role is not known yet"};
    }
    std::string why_not;
    bool run = wanted(board, now, &why_not);
    const bool alive = observed.state != State::absent;
    const auto& lease = board.role.lease;
    // D2: during an adoption or another seal, a running backend is left alone until the data's
    // tenure is known. Only reasons to stop it count.
    if (!run && alive && memory.stop_asked == Instant{} && lease && board.role.holds() &&
        now < lease->fence_at() && board.role.phase == RoleView::Phase::holder &&
        !board.replica.backend_must_stop && !board.replica.conversion_wanted) {
        run = true;
    }
    if (observed.state == State::unknown) {
        return {.wake_at = now + poll_interval, .reason = "its state cannot be observed"};
    }
    if (run && alive && observed.unguarded) {  // W0
        run = false;
        why_not = "it runs where the warden does not watch it";
    }
    Plan plan{.wake_at = now + poll_interval, .reason = why_not};
    if (lease && now < lease->fence_at()) plan.wake_at = std::min(plan.wake_at, lease->fence_at());

    if (!run || memory.stop_asked != Instant{} || memory.kill_asked != Instant{}) {
        if (!alive) return plan;
        // A stop that has begun is completed, because a half-stopped backend is not a usable state.
        if (memory.kill_asked != Instant{}) {
            if (now >= memory.kill_asked + poll_interval) plan.action = Kill{};
            return plan;
        }
        if (memory.stop_asked == Instant{}) {
            plan.action = Stop{};
        } else if (now >= memory.stop_asked + settings.stop_timeout) {
            plan.action = Kill{};
        } else {
            plan.wake_at = std::min(plan.wake_at, memory.stop_asked + settings.stop_timeout);
        }
        return plan;
    }
    if (!alive) {
        if (now >= memory.start_after) {
            plan.action = Start{};
        } else {
            plan.wake_at = std::min(plan.wake_at, memory.start_after);
            plan.reason = "waiting before the next start: " + memory.last_failure;
        }
        return plan;
    }
    plan.reason.clear();
    if (settings.health_url.empty()) return plan;
    // Unhealthy for too long: restart it. If its endpoint never answered on any node, only warn,
    // since the endpoint may be misconfigured.
    const bool failing = memory.failed_probes >= probes_to_fail;
    if (!memory.ready && failing && memory.ever_ready && !board.membership.spec.paused &&
        now >= memory.started_at + settings.start_timeout) {
        plan.action = Stop{.unhealthy = true};
        plan.reason = "its health endpoint does not answer: " + memory.last_failure;
        return plan;
    }
    if (now >= memory.next_probe) {
        plan.action = Probe{};
    } else {
        plan.wake_at = std::min(plan.wake_at, memory.next_probe);
    }
    return plan;
}

}  // namespace reconcilers::backend
