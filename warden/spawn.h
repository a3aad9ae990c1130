// Children with default signals and scheduling, only the descriptors named here, a session of their
// own, and PDEATHSIG, so that they die with the warden.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "model/result.h"
#include "model/warden_message.h"
#include "warden/helper.h"

namespace warden {

struct Child {
    pid_t pid = 0;
    // closed by a successful exec; else has a SpawnFailure to read. The caller closes it
    int failure_fd = -1;
};

/// Written by a child that could not execute the program.
struct SpawnFailure {
    int reason = 0;  // errno
    char stage[28] = {};
};
[[nodiscard]] std::string to_text(const SpawnFailure& failure);

/// Starts the node process with `socket` as its descriptor 3, and "--fd 3" appended to its
/// arguments.
/// output  becomes its stderr; its stdout is the warden's
/// unavailable: no process could be created.
[[nodiscard]] model::Result<Child> spawn_node(const std::vector<std::string>& command,
                                              const std::vector<std::string>& env,
                                              int socket,
                                              int output,
                                              const Origin& origin);

/// Starts a backend, which joins `cgroup` ("": none) before its program runs.
/// output  becomes its stdout and stderr
[[nodiscard]] model::Result<Child> spawn_backend(const model::Spawn& spawn,
                                                 const std::string& token,
                                                 const std::string& cgroup,
                                                 int output,
                                                 const Origin& origin);

}  // namespace warden
