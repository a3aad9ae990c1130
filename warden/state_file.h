// The warden's state file, on tmpfs: what a new warden must enforce before anything else (W6). Text
// with a checksum; replaced whole by a rename, so that a reader sees one state or the next.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "model/result.h"
#include "warden/core.h"

namespace warden {

[[nodiscard]] std::string to_text(const Saved& saved);
/// corrupt: anything but exactly what to_text made.
[[nodiscard]] model::Result<Saved> parse_saved(std::string_view text);

/// Empty: there is no such file. corrupt: it is damaged; unavailable: it cannot be read.
[[nodiscard]] model::Result<std::optional<Saved>> load_state(const std::string& path);
/// Not synced: it outlives the process, and on tmpfs nothing outlives the machine.
[[nodiscard]] model::Result<void> save_state(const std::string& path, const Saved& saved);

}  // namespace warden
