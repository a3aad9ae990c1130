// The program `convex-cluster-manager`: parses the command line and runs the command.
#pragma once

#include <string>
#include <vector>

namespace app {

/// Runs a command to its end. `arguments`: without the program's name. Returns an exit status.
[[nodiscard]] int run_command_line(const std::vector<std::string>& arguments);

}  // namespace app
