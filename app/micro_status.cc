#include "app/micro_status.h"

#include <chrono>
#include <nlohmann/json.hpp>

namespace app {

std::string micro_status(const model::NodeStatus& status) {
    const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::system_clock::now().time_since_epoch());
    const auto* const lease = status.condition(model::ConditionType::lease_held);
    nlohmann::ordered_json body{
        {"nodeId", status.node_id},
        {"clusterId", status.cluster_id},
        {"role", std::string{model::to_text(status.role)}},
        {"leader", status.leader},
        {"backendStatus", status.backend_status},
        {"replicationLag", status.lag ? nlohmann::ordered_json(status.lag->ms) : nullptr},
        {"walSequence", status.position.txid.value},
        {"uptimeMs", status.uptime_ms},
        {"timestamp", now.count()},
        {"epoch", status.epoch.value},
        {"leaseHeld", lease != nullptr && lease->status},
        {"waitingFor", lease == nullptr ? "" : lease->message}};
    return body.dump();
}

}  // namespace app
