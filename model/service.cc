#include "model/service.h"

#include <algorithm>

#include "model/names.h"

namespace model {

std::string_view to_text(ServiceHealth health) {
    switch (health) {
        case ServiceHealth::passing:
            return "passing";
        case ServiceHealth::warning:
            return "warning";
        case ServiceHealth::critical:
            return "critical";
        case ServiceHealth::standby:
            return "standby";
    }
    return "?";
}

std::optional<ServiceHealth> parse_service_health(std::string_view text) {
    for (const auto each : {ServiceHealth::passing,
                            ServiceHealth::warning,
                            ServiceHealth::critical,
                            ServiceHealth::standby}) {
        if (text == to_text(each)) return each;
    }
    return std::nullopt;
}

// A service's name is a part of a key, as a node's id is.
std::string why_no_service_name(std::string_view name) {
    if (name.size() > 64) return "must have at most 64 characters";
    return why_no_node_id(name);
}

std::string service_key(std::string_view service, std::string_view node) {
    return std::string{service} + '/' + std::string{node};
}

Result<std::pair<std::string, std::string>> parse_service_key(std::string_view key) {
    const auto slash = key.find('/');
    if (slash == std::string_view::npos) {
        return error(Errc::invalid, "the key is not <service>/<node>");
    }
    std::pair parts{std::string{key.substr(0, slash)}, std::string{key.substr(slash + 1)}};
    if (const auto why = why_no_service_name(parts.first); !why.empty()) {
        return error(Errc::invalid, "the key's service " + why);
    }
    if (const auto why = why_no_node_id(parts.second); !why.empty()) {
        return error(Errc::invalid, "the key's node " + why);
    }
    return parts;
}

bool same_service(const ServiceEntry& a, const ServiceEntry& b) {
    auto timeless = b;
    timeless.registered_at = a.registered_at;
    timeless.updated_at = a.updated_at;
    return a == timeless;
}

ServiceEntry silenced(ServiceEntry entry, std::string reason) {
    entry.health = ServiceHealth::critical;
    entry.health_reason = std::move(reason);
    entry.role = "UNKNOWN";
    return entry;
}

bool ServiceFilter::matches(const ServiceEntry& entry) const {
    if (!name.empty() && entry.name != name) return false;
    if (!node.empty() && entry.node_id != node) return false;
    if (health && entry.health != *health) return false;
    const auto has_tag = [&entry](const std::string& tag) {
        return std::find(entry.tags.begin(), entry.tags.end(), tag) != entry.tags.end();
    };
    const auto has_fact = [&entry](const auto& fact) {
        const auto found = entry.metadata.find(fact.first);
        return found != entry.metadata.end() && found->second == fact.second;
    };
    return std::all_of(tags.begin(), tags.end(), has_tag) &&
           std::all_of(metadata.begin(), metadata.end(), has_fact);
}

std::vector<ServiceEntry> filtered(std::vector<ServiceEntry> entries, const ServiceFilter& filter) {
    entries.erase(std::remove_if(entries.begin(),
                                 entries.end(),
                                 [&](const auto& each) { return !filter.matches(each); }),
                  entries.end());
    return entries;
}

}  // namespace model
