// Converts a spawn specification from its configured form to the warden's.
#pragma once

#include <string>

#include "model/result.h"
#include "model/warden_list.h"
#include "reconcilers/ports/warden.h"

namespace adapters::linux_host {

/// Looks up user and group in the machine's name service (which may block), splits PATH of `env`
/// and checks the names of the limits. The program is looked up at each start, not here. invalid:
/// one of them does not exist; the message says which.
[[nodiscard]] model::Result<model::Spawn> resolve(const reconcilers::ports::SpawnSpec& spec);

/// The file that would be executed now. invalid: there is none; the message has the reason.
[[nodiscard]] model::Result<std::string> find_program(const reconcilers::ports::SpawnSpec& spec);

/// As config::why_it_escapes(), and with links followed: a program is also known by the name of the
/// file that it is. "": nothing is known against it.
[[nodiscard]] std::string why_it_escapes(const reconcilers::ports::SpawnSpec& spec);

}  // namespace adapters::linux_host
