// The arrows between our folders, as includes show them.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace house {

/// What a file includes, as it is written: `"model/ids.h"` or `<vector>`, brackets and all.
using Includes = std::map<std::string, std::vector<std::string>>;

/// Reads every .h and .cc below our folders. root: of the source tree.
[[nodiscard]] Includes read_includes(const std::string& root);

/// One sentence for each include that breaks a rule, and for each cycle.
[[nodiscard]] std::vector<std::string> violations(const Includes& files);

}  // namespace house
