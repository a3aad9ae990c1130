// Helper processes of the warden for work that may block: forks without an exec. One that hangs
// delays only its own work: it holds no lock, socket or deadline.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

#include "model/result.h"

namespace warden {

/// Settings that the warden was started with and changed; restored in children.
struct Origin {
    std::string oom_score_adj;
};

/// Stores where the command line is, so that helpers can change theirs. Call once, in main().
void remember_arguments(int argc, char** argv);

/// Runs `work` in a new process, which exits when it returns. It has a session of its own, ignores
/// every signal that can be ignored, has no descriptors but `keep` and 0 to 2, normal scheduling,
/// and `name` in its command line.
///
/// keep         descriptors; 0, 1 and 2 are /dev/null unless named here
/// with_warden  it is killed when the warden ends
/// unavailable: no process could be created.
[[nodiscard]] model::Result<pid_t> start_helper(const char* name,
                                                std::vector<int> keep,
                                                bool with_warden,
                                                const Origin& origin,
                                                const std::function<void()>& work);

/// In a child: restores the OOM score that the warden was started with.
void reset_oom_score(const Origin& origin);
/// In a child: resets scheduling policy and priority.
void reset_scheduling();

}  // namespace warden
