// Backend kind `process`: a child process of the warden.
#pragma once

#include <functional>

#include "reconcilers/ports/backend.h"
#include "reconcilers/ports/warden.h"

namespace adapters::process {

/// The warden starts, kills and observes the backend. It reports each change, so observe() needs no
/// request; Warden::on_change wakes.
class ProcessBackend final : public reconcilers::ports::Backend {
public:
    /// Whether what it needs is on this machine; as check().
    using SpawnCheck = std::function<model::Result<void>()>;

    /// `warden` must outlive this. `entry`: the backend's entry in the warden's list.
    ProcessBackend(reconcilers::ports::Warden& warden,
                   model::WardenEntry entry,
                   SpawnCheck spawn_check);

    [[nodiscard]] model::Result<void> start() override;
    [[nodiscard]] model::Result<void> stop() override;
    [[nodiscard]] model::Result<void> kill() override;
    [[nodiscard]] model::Result<reconcilers::ports::BackendObserved> observe() override;
    [[nodiscard]] model::Result<void> check() override { return spawn_check_(); }

private:
    reconcilers::ports::Warden& warden_;
    model::WardenEntry entry_;
    SpawnCheck spawn_check_;
};

}  // namespace adapters::process
