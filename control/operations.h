// What operators may ask of a cluster. Each request is a change of the spec in the store, which the
// nodes then carry out. Pure functions, so that CLI, library and API answer the same request alike.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/result.h"
#include "model/status.h"

namespace control {

using Switchover = model::Spec::Switchover;

/// What the store showed just before the request.
struct Seen {
    std::string leader;                  // the holder named in the lease record; "" none
    std::vector<std::string> members;    // the nodes that have published a status
    std::vector<std::string> answering;  // those of them whose daemon answers
};

// Each function returns the spec unchanged where there is nothing left to do: a request may be
// repeated, and after a lost answer it is repeated (control/change.h). Errors of all:
//
// conflict   not in the present state of the cluster; the message says what is in the way
// invalid    the request makes no sense in any state
// not_found  no such node is a member

/// Whether two requests ask for the same, under whatever id.
[[nodiscard]] bool same_request(const Switchover& a, const Switchover& b);

/// Requests a planned switchover. The pending request is then `switchover` of the result: this one,
/// or an earlier one by another operator with the same `from` and `to`, under its own id.
/// conflict: the cluster is paused, `to` is leaving, or a different request is pending; the message
/// names it, and it stays.
[[nodiscard]] model::Result<model::Spec> request_switchover(model::Spec spec,
                                                            const Switchover& request);

/// A forced request to move the lease to `request.to`, for a cluster whose leader does not answer.
/// Replaces any pending switchover, because no node may be left that would complete it. The rules
/// of the lease stay: the node waits as long as any candidate does. conflict: paused, `to` is
/// leaving, or another node leads and answers.
[[nodiscard]] model::Result<model::Spec> force_failover(model::Spec spec,
                                                        const Switchover& request,
                                                        const Seen& seen);

/// Withdraws the request with this id, if it is still pending. A hand-over that has begun goes on.
[[nodiscard]] model::Result<model::Spec> withdraw_switchover(model::Spec spec, std::string_view id);

/// The node hands over the lease if it holds it, deletes its status and stays idle until join().
/// conflict: it leads and the cluster is paused: no other node would take over.
[[nodiscard]] model::Result<model::Spec> leave(model::Spec spec,
                                               const std::string& node,
                                               const Seen& seen);

/// Undoes leave() or remove().
[[nodiscard]] model::Result<model::Spec> join(model::Spec spec, const std::string& node);

/// Removes a node that died and does not come back; erase_member() then deletes its status. If the
/// node comes back nevertheless, it stays idle.
/// conflict: it leads, or its daemon answers.
[[nodiscard]] model::Result<model::Spec> remove(model::Spec spec,
                                                const std::string& node,
                                                const Seen& seen);

/// No failover and no restart of a backend until resume(); fencing goes on.
/// conflict: a switchover is pending: its new leader might not be allowed to take over.
[[nodiscard]] model::Result<model::Spec> pause(model::Spec spec);
[[nodiscard]] model::Result<model::Spec> resume(model::Spec spec);

/// Whether the lease is already where the request wants it. The request then stays pending only
/// until the new leader serves.
[[nodiscard]] bool handed_over(const Switchover& request, const std::string& leader);

/// "to n2", "away from n1", "from n1 to n2".
[[nodiscard]] std::string direction(const Switchover& request);

}  // namespace control
