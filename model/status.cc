#include "model/status.h"

#include <array>
#include <utility>

namespace model {
namespace {

constexpr std::array<std::pair<ConditionType, std::string_view>, 6> names{
    {{ConditionType::lease_held, "LeaseHeld"},
     {ConditionType::sealed, "Sealed"},
     {ConditionType::data_promoted, "DataPromoted"},
     {ConditionType::replicating, "Replicating"},
     {ConditionType::backend_ready, "BackendReady"},
     {ConditionType::protected_, "Protected"}}};

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

std::string_view to_text(Role role) { return role == Role::primary ? "PRIMARY" : "PASSIVE"; }

}  // namespace model
