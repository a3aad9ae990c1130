// Backend kind `process`: a child of the warden.
#pragma once

#include <string>

#include "reconcilers/ports/backend.h"
#include "reconcilers/ports/warden.h"

namespace adapters::process {

/// The warden does it all: parent, killer and witness of the backend. Its view is told at each
/// change, so that observe() asks nobody; Warden::on_change wakes.
class ProcessBackend final : public reconcilers::ports::Backend {
public:
    /// `warden` outlives this.
    ProcessBackend(reconcilers::ports::Warden& warden, reconcilers::ports::SpawnSpec spec);

    [[nodiscard]] model::Result<void> start() override;
    [[nodiscard]] model::Result<void> stop() override;
    [[nodiscard]] model::Result<void> kill() override;
    [[nodiscard]] model::Result<reconcilers::ports::BackendObserved> observe() override;

private:
    reconcilers::ports::Warden& warden_;
    reconcilers::ports::SpawnSpec spec_;
};

/// "exit 1", "signal 9 (KILL)".
[[nodiscard]] std::string describe_exit(std::int32_t wait_status);

}  // namespace adapters::process
