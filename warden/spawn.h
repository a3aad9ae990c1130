// Children with a clean slate: default signals, no scheduling policy, no descriptors but those
// named here, a session of their own, and a death that follows the warden's.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "model/result.h"
#include "model/warden_message.h"

namespace warden {

struct Child {
    pid_t pid = 0;
    int failure_fd = -1;  // closed by a good exec; else brings a SpawnFailure. The caller closes it
};

/// What a child writes when it could not become the program.
struct SpawnFailure {
    int reason = 0;  // errno
    char stage[28] = {};
};
[[nodiscard]] std::string to_text(const SpawnFailure& failure);

/// What the warden itself was started with, and changed: children get it back.
struct Origin {
    std::string oom_score_adj;
};

/// Starts the node process with `socket` as its descriptor 3 and "--fd 3" after its arguments.
/// unavailable: no process could be made.
[[nodiscard]] model::Result<Child> spawn_node(const std::vector<std::string>& command,
                                              const std::vector<std::string>& env,
                                              int socket,
                                              const Origin& origin);

/// Starts a backend, which joins `cgroup` ("": none) before its program runs.
[[nodiscard]] model::Result<Child> spawn_backend(const model::Spawn& spawn,
                                                 const std::string& token,
                                                 const std::string& cgroup,
                                                 const Origin& origin);

}  // namespace warden
