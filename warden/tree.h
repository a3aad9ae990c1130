// All descendants of a backend. The warden is a child subreaper: a process whose parent dies
// becomes its child, whatever session, cgroup or environment it has. So a living descendant of the
// backend has an ancestor among the warden's own children; where there is no such child, no
// descendant is alive.
#pragma once

#include <sys/types.h>

#include <set>
#include <vector>

#include "model/result.h"
#include "warden/life.h"

namespace warden {

/// Children of the warden that are not the backend's: the node process, helpers, and those from
/// before the exec.
using Others = std::set<pid_t>;

class Tree {
public:
    Tree() = default;
    ~Tree();
    Tree(const Tree&) = delete;
    Tree& operator=(const Tree&) = delete;

    /// From here on orphaned descendants become children of this process. invalid: the kernel
    /// refuses that.
    [[nodiscard]] model::Result<void> open();

    /// All present children: those from before an exec, as of a shell that became the daemon.
    [[nodiscard]] Others children() const;

    /// Sends SIGKILL to each child but `others`. Does not block.
    void kill_children(const Others& others) const;
    /// Sends SIGKILL to descendants of those, too. Processes missed here become children when their
    /// parents are dead.
    void kill_descendants(const Others& others) const;

    /// dead: no living child but `others`. Only the children that have ended need to be readable,
    /// so none can hide, and none can appear in between.
    [[nodiscard]] Life life(const Others& others) const;

private:
    [[nodiscard]] model::Result<std::vector<pid_t>> list() const;

    int children_ = -1;
};

}  // namespace warden
