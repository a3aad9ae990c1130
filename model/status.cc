#include "model/status.h"

#include <array>
#include <utility>

namespace model {
namespace {

constexpr std::array<std::pair<ConditionType, std::string_view>, 12> names{
    {{ConditionType::lease_held, "LeaseHeld"},
     {ConditionType::sealed, "Sealed"},
     {ConditionType::data_promoted, "DataPromoted"},
     {ConditionType::replicating, "Replicating"},
     {ConditionType::backend_ready, "BackendReady"},
     {ConditionType::has_standby, "Protected"},
     {ConditionType::store_agreed, "StoreAgreed"},
     {ConditionType::backend_contained, "BackendContained"},
     {ConditionType::backend_configured, "BackendConfigured"},
     {ConditionType::warden_answers, "WardenAnswers"},
     {ConditionType::vip_bound, "VipBound"},
     {ConditionType::vip_conflict, "VipConflict"}}};

}  // namespace

std::string_view to_text(ConditionType type) {
    for (const auto& [each, name] : names) {
        if (each == type) return name;
    }
    return "?";
}

std::optional<ConditionType> parse_condition_type(std::string_view text) {
    for (const auto& [type, name] : names) {
        if (name == text) return type;
    }
    return std::nullopt;
}

const Condition* NodeStatus::condition(ConditionType type) const {
    for (const auto& each : conditions) {
        if (each.type == type) return &each;
    }
    return nullptr;
}

std::string_view to_text(Role role) { return role == Role::primary ? "PRIMARY" : "PASSIVE"; }

}  // namespace model
