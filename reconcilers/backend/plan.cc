#include "reconcilers/backend/plan.h"

#include <algorithm>

namespace reconcilers::backend {
namespace {

using model::Instant;
using std::chrono::milliseconds;
using State = ports::BackendObserved::State;

constexpr milliseconds look_again{500};

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
    if (replica.create_wanted) return true;
    // A running one stays through an adoption or another seal (D2 decides); a new one waits for it.
    if (replica.promoted == role.lease->epoch) return true;
    return no("the data is not promoted yet");
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
        // One that died between two looks ran all the same.
        const bool unseen = memory.start_sent && observed.starts != memory.starts_seen;
        const bool ran = memory.started_at != Instant{} || unseen;
        if (ran) {
            memory.start_sent = false;
            memory.starts_seen = observed.starts;
            const bool asked = memory.stop_asked != Instant{} || memory.kill_asked != Instant{};
            if (!asked) {
                // A run that was healthy for a while wipes the slate clean.
                const bool settled =
                    memory.ready && now - memory.ready_since >= settings.start_timeout;
                memory.failures = settled ? 1 : memory.failures + 1;
                memory.last_failure = "it ended: " + observed.last_exit;
            } else if (memory.found_unhealthy ||
                       (memory.kill_asked != Instant{} && !memory.last_failure.empty())) {
                ++memory.failures;  // ended for its health, or killed for not ending
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
    if (memory.started_at == Instant{} || observed.starts != memory.starts_seen) {
        memory.started_at = now;  // ours, or found running
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

Plan plan_backend(const Memory& memory,
                  const Settings& settings,
                  const Board& board,
                  const ports::BackendObserved& observed,
                  Instant now) {
    // Until the role has read the record, a backend found running may be an adopted lease's (L8).
    // The warden's deadline is still over it.
    if (board.role.phase == RoleView::Phase::starting && !board.shutdown) {
        return {.wake_at = now + look_again, .reason = "the role is not known yet"};
    }
    std::string why_not;
    bool run = wanted(board, now, &why_not);
    const bool alive = observed.state != State::absent;
    const auto& lease = board.role.lease;
    // D2: through an adoption and every other seal a running backend is left alone until the data's
    // tenure was looked at. Only the reasons to stop it count.
    if (!run && alive && memory.stop_asked == Instant{} && lease && board.role.holds() &&
        now < lease->fence_at() && board.role.phase == RoleView::Phase::holder &&
        !board.replica.backend_must_stop && !board.replica.conversion_wanted) {
        run = true;
    }
    if (observed.state == State::unknown) {
        return {.wake_at = now + look_again, .reason = "its state can not be told"};
    }
    Plan plan{.wake_at = now + look_again, .reason = why_not};
    if (lease && now < lease->fence_at()) plan.wake_at = std::min(plan.wake_at, lease->fence_at());

    if (!run || memory.stop_asked != Instant{} || memory.kill_asked != Instant{}) {
        if (!alive) return plan;
        // A stop that was begun is carried through: half a stop is no state to go on from.
        if (memory.kill_asked != Instant{}) {
            if (now >= memory.kill_asked + look_again) plan.action = Kill{};
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
    // Unhealthy for too long: start it anew. One that never answered on any node only warns, as
    // its endpoint may be configured wrongly.
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
