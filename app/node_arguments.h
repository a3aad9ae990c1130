// How the node process finds the configuration of its daemon.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace app {

/// A command line can be read by every user while its process runs: logins are passed in the
/// environment, which only the same user can read.
struct NodeArguments {
    std::vector<std::string> words;
    /// Value for NATS_URL, where --nats had a login. Empty: the variable is left unchanged.
    std::optional<std::string> nats_url;
};

/// daemon_arguments  of a daemon that is about to start: options with a value, and the verb
[[nodiscard]] NodeArguments node_arguments(const std::vector<std::string>& daemon_arguments);

}  // namespace app
