#include "app/backend_kind.h"

#include <cstdlib>
#include <utility>

#include "adapters/dbus/unit_backend.h"
#include "adapters/linux/spawn_check.h"
#include "adapters/process/process_backend.h"
#include "app/node_settings.h"
#include "app/warden_list.h"

namespace app {
namespace {

using adapters::dbus::UnitLink;

constexpr const char* place_variable = "CONVEX_BACKEND_CGROUP";

bool is_unit(const config::Backend& backend) {
    return backend.kind == config::Backend::Kind::systemd;
}

}  // namespace

UnitPlace find_unit(const config::Backend& backend) {
    const auto unit = adapters::dbus::unit_name(backend.service_name);
    UnitLink link{unit};
    auto seen = link.seen();  // each waits for a moment
    for (int i = 0; i < 2 && !seen.read; ++i)
        seen = link.seen();
    const auto root = adapters::dbus::cgroup2_mount();
    if (!seen.state.cgroup.empty()) return {.root = root, .path = seen.state.cgroup};
    const auto slice = seen.state.slice.empty() ? std::string{"system.slice"} : seen.state.slice;
    return {.root = root, .path = adapters::dbus::cgroup_in(slice, unit)};
}

void pass_on(const UnitPlace& place) { ::setenv(place_variable, place.path.c_str(), 1); }

UnitPlace passed_on() {
    const char* const path = std::getenv(place_variable);
    return {.root = adapters::dbus::cgroup2_mount(), .path = path == nullptr ? "" : path};
}

void cancel_restart(const config::Backend& backend) {
    if (!is_unit(backend)) return;
    UnitLink link{adapters::dbus::unit_name(backend.service_name)};
    (void)link.stop();
}

bool end_unit(const config::Backend& backend) {
    const auto place = passed_on();
    if (!is_unit(backend) || place.root.empty() || place.path.empty()) return true;
    adapters::dbus::kill_cgroup(place.absolute());
    return adapters::dbus::cgroup_life(place.absolute()) == adapters::dbus::CgroupLife::empty;
}

struct BackendOfKind::Parts {
    std::unique_ptr<adapters::linux_host::SpawnCheck> needs;  // of a child
    std::unique_ptr<UnitLink> link;                           // to a unit
    std::unique_ptr<reconcilers::ports::Backend> backend;
};

BackendOfKind::BackendOfKind(const config::Backend& config,
                             reconcilers::ports::Warden& warden,
                             const reconcilers::ports::Clock& clock)
    : parts_{std::make_unique<Parts>()} {
    if (is_unit(config)) {
        const auto unit = adapters::dbus::unit_name(config.service_name);
        auto place = passed_on();
        parts_->link = std::make_unique<UnitLink>(unit);
        parts_->backend = std::make_unique<adapters::dbus::UnitBackend>(
            adapters::dbus::UnitBackend::Settings{.unit = unit,
                                                  .cgroup_root = std::move(place.root),
                                                  .cgroup = std::move(place.path),
                                                  .entry = backend_entry},
            *parts_->link,
            warden,
            clock);
        return;
    }
    parts_->needs = std::make_unique<adapters::linux_host::SpawnCheck>(spawn_spec(config.process));
    parts_->backend = std::make_unique<adapters::process::ProcessBackend>(
        warden, backend_entry, [needs = parts_->needs.get()] { return needs->check(); });
}

BackendOfKind::~BackendOfKind() = default;

reconcilers::ports::Backend& BackendOfKind::port() { return *parts_->backend; }

void BackendOfKind::on_change(std::function<void()> wake) {
    if (parts_->link) parts_->link->on_change(std::move(wake));
}

}  // namespace app
