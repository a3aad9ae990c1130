#include "app/node_settings.h"

#include <string_view>
#include <utility>

#include "adapters/linux/clock.h"
#include "app/nats_options.h"
#include "app/service_settings.h"
#include "app/version.h"
#include "app/warden_list.h"
#include "model/host_port.h"

namespace app {
namespace {

reconcilers::vip::Settings vip_settings(const config::Config& config) {
    reconcilers::vip::Settings settings{.take_on_conflict = config.vip.take_on_conflict,
                                        .probe = config.vip.probe,
                                        .link_down = config.vip.link_down,
                                        .ttl = config.election.timing.ttl,
                                        .tick = adapters::linux_host::kernel_tick()};
    for (auto& each : virtual_addresses(config)) {
        const auto entry = address_entry(settings.addresses.size());
        settings.addresses.push_back({.what = std::move(each), .entry = entry});
    }
    return settings;
}

}  // namespace

std::vector<model::VirtualAddress> virtual_addresses(const config::Config& config) {
    std::vector<model::VirtualAddress> all;
    for (const auto& each : config.vips) {
        auto address = model::parse_ip_address(each.address);
        model::check(address.has_value(), "a virtual address that was checked");
        all.push_back(
            {.at = {.address = *address, .length = each.prefix}, .interface = each.interface});
    }
    return all;
}

reconcilers::NodeSettings node_settings(const config::Config& config,
                                        const model::Host& host,
                                        std::string incarnation) {
    const auto address =
        config.advertise.empty() ? address_towards(config.nats.servers) : config.advertise;
    reconcilers::NodeSettings settings{
        .node_id = config.node_id,
        .cluster_id = config.cluster_id,
        .host = host,
        .incarnation = std::move(incarnation),
        .version = std::string{version},
        .addresses = {},
        .api_url = {},
        .timing = config.election.timing,
        .nofailover = config.election.nofailover,
        .priority = config.election.priority,
        .paths = {.data = config.backend.data_path,
                  .replica = config.wal.replica_path,
                  .state = config.state_dir},
        .snapshot_interval = config.wal.snapshot_interval,
        .backend = {.health_url = config.backend.health_endpoint,
                    .health_interval = config.backend.health_interval,
                    .health_timeout = config.backend.health_timeout,
                    .start_timeout = config.backend.start_timeout,
                    .stop_timeout = config.backend.stop_timeout}};
    if (!address.empty()) {
        settings.addresses = {address};
        settings.api_url = "http://" + model::to_text({.host = address, .port = config.api.port});
    }
    settings.vip = vip_settings(config);
    settings.services = service_settings(config, outside_address(config));
    return settings;
}

std::string new_incarnation(reconcilers::ports::Random& random) {
    constexpr std::string_view digits = "0123456789abcdefghijklmnopqrstuvwxyz";
    std::string text;
    for (int i = 0; i < 12; ++i)
        text += digits[random.below(digits.size())];
    return text;
}

reconcilers::ports::SpawnSpec spawn_spec(const config::Process& process) {
    return {.command = process.command,
            .dir = process.dir,
            .env = process.env,
            .user = process.user,
            .group = process.group,
            .limits = process.limits};
}

}  // namespace app
