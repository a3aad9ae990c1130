#include "app/warden_list.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <utility>

#include "adapters/linux/spawn_names.h"
#include "app/node_settings.h"

namespace app {

namespace {

constexpr const char* vips_variable = "CONVEX_VIRTUAL_ADDRESSES";

model::Spawn refused(std::string why) {
    return {.command = {"none"}, .dir = "/", .refused = std::move(why)};
}

void add_backend(const config::Config& config, const UnitPlace& place, model::WardenList& list) {
    if (config.backend.kind == config::Backend::Kind::systemd) {
        // Without a cgroup2 there is nothing by which the warden could end it: the node is not fit.
        if (place.root.empty())
            list.items.emplace_back(refused("no cgroup v2 is mounted"));
        else
            list.items.emplace_back(model::WardenTarget{.name = place.absolute(), .interface = {}});
        return;
    }
    auto spawn = adapters::linux_host::resolve(spawn_spec(config.backend.process));
    if (spawn)
        list.items.emplace_back(std::move(*spawn));
    else
        list.items.emplace_back(refused(std::move(spawn).error().message));
}

}  // namespace

// In the order of backend_entry and address_entry().
model::Result<model::WardenList> warden_list(const config::Config& config, const UnitPlace& place) {
    model::WardenList list;
    add_backend(config, place, list);
    for (const auto& each : virtual_addresses(config)) {
        list.items.emplace_back(model::WardenTarget{.kind = model::WardenTarget::Kind::address,
                                                    .name = to_text(each.at),
                                                    .interface = each.interface});
    }
    const bool unit = config.backend.kind == config::Backend::Kind::systemd;
    if (auto encoded = model::encode(list); !encoded)
        return std::move(encoded).error().during(unit ? "backend.serviceName" : "backend.process");
    return list;
}

void pass_on(const std::vector<config::Vip>& vips) {
    std::ostringstream text;
    for (const auto& each : vips)
        text << each.address << ' ' << each.prefix << ' ' << each.interface << '\n';
    ::setenv(vips_variable, text.str().c_str(), 1);
}

std::optional<std::vector<config::Vip>> passed_on_vips() {
    const char* const text = std::getenv(vips_variable);
    if (text == nullptr) return std::nullopt;
    std::istringstream lines{text};
    std::vector<config::Vip> vips;
    for (config::Vip each; lines >> each.address >> each.prefix >> each.interface;)
        vips.push_back(each);
    return vips;
}

std::string escaping_command(const config::Config& config) {
    if (config.backend.kind != config::Backend::Kind::process) return {};
    const auto why = adapters::linux_host::why_it_escapes(spawn_spec(config.backend.process));
    return why.empty() ? why : config.file + ": backend.process.command: " + why;
}

model::Result<int> open_list(const model::WardenList& list) {
    const auto failed = [](const char* what) {
        return model::error(model::Errc::unavailable,
                            std::string{what} + ": " + std::strerror(errno));
    };
    const auto bytes = model::encode(list);
    if (!bytes) return bytes.error();
    // Inherited by the warden only, which closes it.
    const int fd = ::memfd_create("convex-warden-list", 0);
    if (fd < 0) return failed("memfd_create");
    if (::write(fd, bytes->data(), bytes->size()) != static_cast<ssize_t>(bytes->size())) {
        auto failure = failed("write");
        ::close(fd);
        return failure;
    }
    return fd;
}

}  // namespace app
