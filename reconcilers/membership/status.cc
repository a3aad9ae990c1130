// Makes the published status from the board.
#include <algorithm>

#include "reconcilers/membership/membership.h"

namespace reconcilers::membership {
namespace {

using model::Condition;
using model::ConditionType;

std::string backend_status(const BackendView& backend) {
    switch (backend.state) {
        case BackendView::State::starting:
        case BackendView::State::running:
        case BackendView::State::stopping:
            return "running";
        case BackendView::State::failed:
            return "failed";
        case BackendView::State::stopped:
        case BackendView::State::unknown:
            break;
    }
    return "stopped";
}

Condition verdict(ConditionType type, bool status, std::string reason, std::string message) {
    return {
        .type = type, .status = status, .reason = std::move(reason), .message = std::move(message)};
}

Condition contained_verdict(const std::optional<bool>& contained,
                            const std::vector<ports::BackendConcern>& concerns) {
    constexpr auto type = ConditionType::backend_contained;
    if (!contained) {
        auto unknown =
            verdict(type, false, "NotReported", "neither warden nor supervisor has reported");
        unknown.known = false;
        return unknown;
    }
    if (*contained) return verdict(type, true, "OwnCgroup", "");
    if (!concerns.empty())
        return verdict(type, false, concerns.front().reason, concerns.front().message);
    return verdict(type,
                   false,
                   "NoCgroup",
                   "no cgroup of its own can be made for the backend: what detaches itself from it "
                   "and drops its environment would outlive a warden that is killed");
}

/// What of the backend's own configuration is not as it should be; none of it is known to be false
/// where nothing is found.
Condition configured_verdict(const std::vector<ports::BackendConcern>& concerns) {
    constexpr auto type = ConditionType::backend_configured;
    if (concerns.empty()) return verdict(type, true, "AsExpected", "");
    std::string message;
    for (const auto& concern : concerns)
        message += (message.empty() ? "" : "; ") + concern.message;
    return verdict(type, false, concerns.front().reason, std::move(message));
}

/// W7. The alarm is for what the node process had to do in its place.
Condition warden_verdict(const ports::WardenView& warden) {
    constexpr auto type = ConditionType::warden_answers;
    if (!warden.struck.empty()) {
        return verdict(type,
                       false,
                       "Replaced",
                       "the warden did not act at the strike time, and the node process did: " +
                           warden.struck);
    }
    if (warden.silent) {
        return verdict(type, false, "Silent", "the warden does not answer (stopped or traced?)");
    }
    return verdict(type, true, "Answers", "");
}

/// "copying" -> "Copying": a reason in CamelCase from a state of one or two words.
std::string camel(const std::string& words) {
    std::string text;
    bool upper = true;
    for (const char c : words) {
        if (c == '-') {
            upper = true;
            continue;
        }
        text += upper && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
        upper = false;
    }
    return text;
}

std::string phase_reason(const RoleView& role) {
    switch (role.phase) {
        case RoleView::Phase::starting:
            return "Starting";
        case RoleView::Phase::follower:
            return "Following";
        case RoleView::Phase::holder:
            return "Holding";
        case RoleView::Phase::draining:
            return "SteppingDown";
        case RoleView::Phase::fencing:
            return "Fencing";
    }
    return "Unknown";
}

}  // namespace

model::NodeStatus build_status(const Settings& settings,
                               const Board& board,
                               const model::NodeStatus& before,
                               model::Instant now,
                               model::WallTime wall) {
    const auto& role = board.role;
    const auto& replica = board.replica;
    const auto& backend = board.backend;
    const bool valid = role.holds() && role.lease && now < role.lease->fence_at();
    const bool promoted = valid && replica.promoted == role.lease->epoch;

    model::NodeStatus status;
    status.node_id = settings.node_id;
    status.cluster_id = settings.cluster_id;
    status.role = promoted ? model::Role::primary : model::Role::passive;
    status.backend_status = backend_status(backend);
    status.last_seen = wall;
    status.version = settings.version;
    status.leader = role.leader;
    status.leader_unknown = !role.leader_known && !valid;
    status.epoch = valid ? role.lease->epoch : role.record_epoch;
    status.position = replica.position;
    status.lag = replica.lag;
    status.has_database = replica.has_database;
    status.copy_complete = replica.copy_complete;
    // While the primary is busy, a follower may not reach the end of the log for long. It may take
    // over nevertheless, because it reads the whole log before it promotes anything (S4).
    const bool data_fit = replica.fit || replica.catching_up;
    status.unfit_because = data_fit ? backend.unfit_because : replica.unfit_because;
    const auto& vip = board.vip;
    if (status.unfit_because.empty() && vip.configured) status.unfit_because = vip.unfit_because;
    if (!data_fit && status.unfit_because.empty()) status.unfit_because = "not known yet";
    const auto store = judge_store(board);
    if (status.unfit_because.empty()) status.unfit_because = store.barred;
    const auto warden = warden_verdict(board.warden);
    if (status.unfit_because.empty() && !warden.status) status.unfit_because = warden.message;
    status.fit = status.unfit_because.empty();
    status.released_because = role.released_because;
    status.heartbeat_ms = model::to_ms(settings.heartbeat);
    status.addresses = settings.addresses;
    status.api_url = settings.api_url;
    status.incarnation = settings.incarnation;
    status.host = settings.host;
    status.priority = settings.priority;
    status.nofailover = settings.nofailover;
    status.set_aside = replica.set_aside;
    status.alarm = replica.alarm;
    if (status.alarm.empty() && !board.warden.struck.empty()) status.alarm = warden.message;
    status.store = board.store.identity;

    status.conditions = {
        verdict(ConditionType::lease_held, valid, phase_reason(role), role.waiting_for),
        verdict(ConditionType::sealed,
                valid && replica.sealed,
                camel(replica.state),
                replica.sealed ? "" : replica.message),
        verdict(ConditionType::data_promoted, promoted, camel(replica.state), replica.message),
        verdict(ConditionType::replicating,
                replica.replicating,
                camel(replica.state),
                replica.replicating ? "" : replica.message),
        verdict(ConditionType::backend_ready,
                backend.ready && !backend.output.off,
                backend.ready ? "Healthy" : camel(status.backend_status),
                backend.message),
        verdict(ConditionType::has_standby,
                replica.has_standby,
                replica.has_standby ? "CopyElsewhere" : "NoCopyElsewhere",
                ""),
        verdict(ConditionType::store_agreed,
                store.barred.empty(),
                store.reason,
                store.barred + (store.barred.empty() ? board.store.differs : "") +
                    (board.store.kept_out.empty() ? "" : "; kept out: " + board.store.kept_out)),
        contained_verdict(backend.contained, backend.concerns),
        configured_verdict(backend.concerns),
        warden};
    if (vip.configured) {
        // As the kernel shows it, whatever the lease is.
        const bool held = valid && vip.bound == role.lease->epoch;
        status.conditions.push_back(
            verdict(ConditionType::vip_bound, held, vip.reason, vip.message));
        status.conditions.push_back(verdict(ConditionType::vip_conflict,
                                            !vip.conflict.empty(),
                                            vip.conflict.empty() ? "None" : "OtherOwner",
                                            vip.conflict));
    }
    for (auto& condition : status.conditions) {
        condition.epoch = status.epoch;
        condition.since = wall;
        for (const auto& old : before.conditions) {
            if (old.type == condition.type && old.status == condition.status &&
                old.known == condition.known) {
                condition.since = old.since;
            }
        }
    }
    return status;
}

}  // namespace reconcilers::membership
