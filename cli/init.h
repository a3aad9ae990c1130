// `init`: the first cluster.json of a node.
#pragma once

#include <string>
#include <vector>

#include "cli/command_line.h"
#include "cli/world.h"
#include "model/config_value.h"

namespace cli {

/// The file's text: what was given, and the keys that people change, with their defaults.
[[nodiscard]] std::string initial_config(const InitOptions& options);

/// The same as a tree, to be checked before anything is written.
[[nodiscard]] model::ConfigValue initial_tree(const InitOptions& options);

/// Writes the file (mode 0600, its folder too where it is missing) and says what comes next. One
/// that is there is replaced with --force only.
[[nodiscard]] int run_init(const Command& command, const Lines& lines);

}  // namespace cli
