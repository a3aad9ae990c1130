// From a spawn specification as people write it to one as the warden takes it.
#pragma once

#include "model/result.h"
#include "model/warden_message.h"
#include "reconcilers/ports/warden.h"

namespace adapters::linux_host {

/// Finds the command in PATH of `env`, user and group in the machine's name service (which may
/// block), and checks the names of the limits. invalid: one of them is not there; the message says
/// which.
[[nodiscard]] model::Result<model::Spawn> look_up(const reconcilers::ports::SpawnSpec& spec);

}  // namespace adapters::linux_host
