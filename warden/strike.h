// `--strike-only`: a strike requested from outside, with or without a running warden.
#pragma once

#include <string>

#include "warden/options.h"

namespace warden {

/// Makes the running warden strike, or does what the state files of a dead one require. Blocks
/// until it is done, at most ten seconds. Returns an exit status: 0: everything is proven dead;
/// otherwise the reason is on stderr.
[[nodiscard]] int strike_only(const Options& options, const std::string& boot_id);

}  // namespace warden
