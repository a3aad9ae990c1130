// `daemon`: hands over to the warden, which starts the node process. `node`: that process.
#pragma once

#include <string>
#include <vector>

#include "model/config.h"

namespace app {

/// The command line of the warden for this configuration. `self`: this program's path; `arguments`:
/// how the node process finds the same configuration again.
[[nodiscard]] std::vector<std::string> warden_command(const model::Config& config,
                                                      const std::string& warden,
                                                      const std::string& self,
                                                      const std::vector<std::string>& arguments);

/// The warden's executable: beside this program, or in ../libexec/convex-cluster-manager; "" where
/// it is in neither.
[[nodiscard]] std::string find_warden(const std::string& self);

/// This program's path.
[[nodiscard]] std::string own_path();

/// Execs the warden. Returns only where that failed: an exit status, the reason on stderr.
[[nodiscard]] int run_daemon(const model::Config& config,
                             const std::vector<std::string>& arguments);

/// The node process under the warden at the other end of `fd`. An exit status.
[[nodiscard]] int run_node_process(const model::Config& config, int fd);

}  // namespace app
