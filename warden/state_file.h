// The warden's state file, on tmpfs: what a new warden must enforce first (W6). Text with a
// checksum; replaced as a whole by a rename, so that readers see the old or the new state.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "model/result.h"
#include "warden/core.h"

namespace warden {

[[nodiscard]] std::string to_text(const Saved& saved);
/// corrupt: anything but exactly the output of to_text.
[[nodiscard]] model::Result<Saved> parse_saved(std::string_view text);

// A state file is trusted, and written, only where no other user can have written it: a regular
// file of this user, not writable by others, in a directory for which the same holds. So a forged
// file cannot make root's warden kill processes. Neither function blocks on a FIFO or device in its
// place.

/// Whether a state file could be there. unavailable: its directory does not exist, or is not
/// exclusively this user's.
[[nodiscard]] model::Result<void> check_directory_of(const std::string& path);
/// Empty: there is no such file. corrupt: it is damaged; unavailable: it cannot be read, or is not
/// trusted.
[[nodiscard]] model::Result<std::optional<Saved>> load_state(const std::string& path);
/// Not synced: it survives the process; on tmpfs nothing survives the machine.
[[nodiscard]] model::Result<void> save_state(const std::string& path, const Saved& saved);
void remove_state(const std::string& path);

}  // namespace warden
