// The rules about includes between directories.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace architecture {

/// For each file its includes as written: `"model/ids.h"` or `<vector>`, with quotes or brackets.
using Includes = std::map<std::string, std::vector<std::string>>;

/// Reads every .h and .cc file of the program. root: the source tree.
[[nodiscard]] Includes read_includes(const std::string& root);

/// A sentence for each include that breaks a rule, and for each cycle.
[[nodiscard]] std::vector<std::string> violations(const Includes& files);

}  // namespace architecture
