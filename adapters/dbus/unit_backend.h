// Backend kind `systemd`: a service unit, started and stopped over D-Bus.
#pragma once

#include <string>

#include "adapters/dbus/unit_cgroup.h"
#include "adapters/dbus/unit_link.h"
#include "reconcilers/ports/backend.h"
#include "reconcilers/ports/clock.h"
#include "reconcilers/ports/warden.h"

namespace adapters::dbus {

/// systemd runs the unit, so that it outlives the daemon; the warden kills it, by its cgroup, whose
/// path is on the warden's list. So the warden is asked to watch that before anything is started,
/// and what rises in it while no strike time is ahead dies.
class UnitBackend final : public reconcilers::ports::Backend {
public:
    struct Settings {
        std::string unit;         // with its suffix
        std::string cgroup_root;  // of the cgroup2 hierarchy, as systemd's paths count; "": none
        std::string cgroup;       // of the unit, below that root, as on the warden's list
        model::WardenEntry entry;
    };
    /// All three must outlive this.
    UnitBackend(Settings settings,
                UnitLink& link,
                reconcilers::ports::Warden& warden,
                const reconcilers::ports::Clock& clock);

    /// Where no answer comes from systemd, stop and kill go to the processes themselves.
    [[nodiscard]] model::Result<void> start() override;
    [[nodiscard]] model::Result<void> stop() override;
    [[nodiscard]] model::Result<void> kill() override;
    [[nodiscard]] model::Result<reconcilers::ports::BackendObserved> observe() override;
    [[nodiscard]] model::Result<void> check() override;

private:
    [[nodiscard]] model::Result<void> watch();
    [[nodiscard]] reconcilers::ports::BackendConcern misplaced(const UnitState& state) const;
    [[nodiscard]] reconcilers::ports::BackendConcern obstacle(const UnitSeen& seen) const;
    [[nodiscard]] CgroupLife life(const UnitSeen& seen) const;
    [[nodiscard]] std::optional<model::Instant> since(const UnitState& state) const;

    Settings settings_;
    std::string path_;  // of the unit's cgroup, absolute
    UnitLink& link_;
    reconcilers::ports::Warden& warden_;
    const reconcilers::ports::Clock& clock_;
    bool watched_ = false;  // by the warden
};

}  // namespace adapters::dbus
