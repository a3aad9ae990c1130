// `init`: the first cluster.json of a node.
#pragma once

#include <string>
#include <vector>

#include "cli/command_line.h"
#include "cli/world.h"
#include "config/value.h"

namespace cli {

/// The text of the file: the given values, and commonly changed keys with their defaults.
[[nodiscard]] std::string initial_config(const InitOptions& options);

/// The same as a tree, to be checked before writing.
[[nodiscard]] config::Value initial_tree(const InitOptions& options);

/// Writes the file (mode 0600, with its directory where missing) and prints the next steps. An
/// existing file is replaced with --force only.
[[nodiscard]] int run_init(const Command& command, const Lines& lines);

}  // namespace cli
