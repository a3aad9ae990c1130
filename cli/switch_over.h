// A switchover from its request to its end.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "cli/command_line.h"
#include "cli/views.h"
#include "cli/world.h"
#include "control/change.h"
#include "control/operations.h"

namespace cli {

/// Waits for the end of an earlier switchover whose lease has already moved, makes the request, and
/// watches until it is fulfilled, refused or out of time; then it withdraws the request, unless it
/// is another operator's equal one, which was joined.
class SwitchOver {
public:
    /// success    the line on stdout once `fulfilled` holds
    /// operation  that makes the request; empty: control::request_switchover, after the end of one
    ///            whose lease has moved already
    /// world and lines outlive this.
    SwitchOver(control::Switchover request,
               World& world,
               const Lines& lines,
               std::string success,
               std::function<bool(const ClusterView&)> fulfilled,
               control::Operation operation = {});

    /// An exit status.
    [[nodiscard]] int run(const Command& command);

private:
    [[nodiscard]] std::optional<int> judge(const ClusterView& view);
    [[nodiscard]] std::optional<int> request(const ClusterView& view);
    [[nodiscard]] int give_up();

    const control::Switchover request_;
    World& world_;
    const Lines& lines_;
    const std::string success_;
    const std::function<bool(const ClusterView&)> fulfilled_;
    const control::Operation operation_;
    std::optional<std::string> pending_id_;      // the id of the request that is waited for
    std::optional<control::Switchover> before_;  // another one, which is waited for first
    std::string waiting_;                        // what the node to lead waits for
    std::string reported_;                       // the same, as it was printed last
};

}  // namespace cli
