// `daemon`: becomes the warden, which starts the node process. `node`: that process.
#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "app/node_arguments.h"
#include "config/config.h"

namespace app {

/// The warden's command line for this configuration. `self`: this program's path; `arguments`: how
/// the node process finds the same configuration.
[[nodiscard]] std::vector<std::string> warden_command(const config::Config& config,
                                                      const std::string& warden,
                                                      const std::string& self,
                                                      const std::vector<std::string>& arguments);

/// Path of the warden's executable: beside this program, or in ../libexec/convex-cluster-manager;
/// "" where it is in neither.
[[nodiscard]] std::string find_warden(const std::string& self);

/// This program's path.
[[nodiscard]] std::string own_path();

/// Executes the warden, after changing the environment of this process. Returns only on failure,
/// with an exit status; the reason is on stderr.
[[nodiscard]] int run_daemon(const config::Config& config, const NodeArguments& arguments);

/// Why this version cannot run a node with this configuration; "" it can.
[[nodiscard]] std::string not_runnable(const config::Config& config);

/// `fence`: kills everything that the warden's state file names, through the running warden or
/// without one.
[[nodiscard]] int run_fence(const config::Config& config);

/// The same for a daemon whose configuration, at `path`, cannot be loaded any more: by what its
/// last daemon left beside the warden's state file. Returns an exit status on failure.
[[nodiscard]] int run_fence_without_config(const std::string& path);

/// Runs the node process under the warden at the other end of `fd`, until `stop`. `started`: called
/// once, when connected to the warden. Returns an exit status; 0: an orderly step-down.
[[nodiscard]] int run_node_process(const config::Config& given,
                                   int fd,
                                   const std::stop_token& stop,
                                   const std::function<void()>& started);

}  // namespace app
