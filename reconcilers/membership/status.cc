// From the board to the status that a node publishes.
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

model::NodeStatus make_status(const Settings& settings,
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
    status.epoch = valid ? role.lease->epoch : role.record_epoch;
    status.position = replica.position;
    status.lag = replica.lag;
    status.has_database = replica.has_database;
    status.copy_complete = replica.copy_complete;
    status.heartbeat_ms = model::to_ms(settings.heartbeat);
    status.addresses = settings.addresses;
    status.api_url = settings.api_url;
    status.incarnation = settings.incarnation;
    status.host = settings.host;
    status.priority = settings.priority;
    status.nofailover = settings.nofailover;
    status.set_aside = replica.set_aside;
    status.alarm = replica.alarm;

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
                backend.ready && !backend.dead,
                backend.ready ? "Healthy" : camel(status.backend_status),
                backend.message),
        verdict(ConditionType::protected_,
                replica.protected_,
                replica.protected_ ? "CopyElsewhere" : "NoCopyElsewhere",
                "")};
    for (auto& condition : status.conditions) {
        condition.epoch = status.epoch;
        condition.since = wall;
        for (const auto& old : before.conditions) {
            if (old.type == condition.type && old.status == condition.status) {
                condition.since = old.since;
            }
        }
    }
    return status;
}

}  // namespace reconcilers::membership
