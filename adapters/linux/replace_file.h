// A file that other programs watch.
#pragma once

#include <string>
#include <string_view>

#include "model/result.h"

namespace adapters::linux_host {

/// Makes `text` the content of a file, so that a reader sees the old one or the new one, never a
/// part. One that has it already is not touched; a new one has mode 0644, an existing one keeps its
/// own. Returns whether it was changed. unavailable: it was not; the message names the path.
[[nodiscard]] model::Result<bool> replace_file(const std::string& path, std::string_view text);

}  // namespace adapters::linux_host
