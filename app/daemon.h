// `daemon`: hands over to the warden, which starts the node process. `node`: that process.
#pragma once

#include <stop_token>
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

/// The arguments of `node` that find the configuration of this `daemon` again.
[[nodiscard]] std::vector<std::string> node_arguments(
    const std::vector<std::string>& daemon_arguments);

/// Why this version can not run a node with this configuration; "" where it can.
[[nodiscard]] std::string not_runnable(const model::Config& config);

/// `fence`: kills now what the warden's state file names, by the running warden or without one.
[[nodiscard]] int run_fence(const model::Config& config);

/// The node process under the warden at the other end of `fd`, until `stop`. An exit status.
[[nodiscard]] int run_node_process(const model::Config& config,
                                   int fd,
                                   const std::stop_token& stop);

/// The warden does not start a node process again that ends like this, nor systemd the daemon
/// (EX_CONFIG).
inline constexpr int exit_for_good = 78;

}  // namespace app
