#include "app/service_settings.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "app/nats_options.h"

namespace app {
namespace {

using reconcilers::registry::Service;

constexpr const char* health_name = "health";

std::optional<model::ServiceCheck> service_check(const config::Service& service,
                                                 const std::string& address) {
    if (!service.check) return std::nullopt;
    using Kind = model::ServiceCheck::Kind;
    const auto& check = *service.check;
    auto kind = Kind::tcp;
    if (!check.path.empty()) kind = service.protocol == "https" ? Kind::https : Kind::http;
    return model::ServiceCheck{.kind = kind,
                               .host = address,
                               .port = service.port,
                               .path = check.path,
                               .expected_status = check.expected_status,
                               .expected_body = check.expected_body,
                               .interval = check.interval,
                               .timeout = check.timeout};
}

/// The API's port, where others can reach it; "" they cannot.
std::string health_address(const config::Config& config, const std::string& address) {
    const auto& host = config.api.host;
    if (host == "0.0.0.0" || host == "::") return address;
    return is_loopback(host) && !is_loopback(address) ? std::string{} : host;
}

}  // namespace

bool is_loopback(std::string_view host) {
    return host.starts_with("127.") || host == "::1" || host == "localhost";
}

std::vector<Service> service_settings(const config::Config& config, const std::string& address) {
    std::vector<Service> services;
    const auto add = [&services](Service service) {
        if (!service.address.empty()) services.push_back(std::move(service));
    };
    const bool health_given =
        std::any_of(config.services.begin(), config.services.end(), [](const auto& each) {
            return each.name == health_name;
        });
    if (!health_given) {
        add({.name = health_name,
             .address = health_address(config, address),
             .port = config.api.port,
             .protocol = "http",
             .path = "/health"});
    }
    for (const auto& given : config.services) {
        const auto host = given.address.empty() ? address : given.address;
        add({.name = given.name,
             .address = host,
             .port = given.port,
             .protocol = given.protocol,
             .path = given.path,
             .metadata = given.metadata,
             .tags = given.tags,
             .bound_to_primary = given.bound_to_primary,
             .internal = given.internal,
             .check = service_check(given, host)});
    }
    return services;
}

std::string outside_address(const config::Config& config) {
    if (!config.advertise.empty()) return config.advertise;
    auto address = address_towards(config.nats.servers);
    if (!address.empty() && !is_loopback(address)) return address;
    // Addresses of documentation (RFC 5737, RFC 3849): the route to anywhere. Nothing is sent.
    for (const auto* const anywhere : {"nats://192.0.2.1:9", "nats://[2001:db8::1]:9"}) {
        address = address_towards({anywhere});
        if (!address.empty() && !is_loopback(address)) return address;
    }
    return {};
}

}  // namespace app
