// cluster.json: from the file to a checked configuration.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/config.h"
#include "model/config_value.h"
#include "model/result.h"

namespace adapters::json {

/// JSON text with // and /* */ comments as a tree that knows its lines.
///
/// name  of the file, for messages
///
/// invalid  no JSON (the message says at which line and column), a key twice in one object, nested
///          more than 64 deep
[[nodiscard]] model::Result<model::ConfigValue> parse_config(std::string_view text,
                                                             std::string_view name);

struct LoadedConfig {
    model::Config config;
    std::vector<model::ConfigProblem> warnings;
};

/// Reads, completes and checks the file at `path`. Looks at the disk too: a path that is a folder
/// where a file belongs is an error, a secret that others can read is a warning.
///
/// overrides  environment first, then flags
///
/// not_found  there is no such file
/// invalid    everything that is wrong, one problem on each line
[[nodiscard]] model::Result<LoadedConfig> load_config(
    const std::string& path, const std::vector<model::ConfigOverride>& overrides);

}  // namespace adapters::json
