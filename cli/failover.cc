#include "cli/failover.h"

#include <cstdint>
#include <utility>

#include "cli/switch_over.h"
#include "cli/table.h"
#include "cli/watch.h"
#include "control/operations.h"
#include "model/wall_time.h"

namespace cli {
namespace {

std::string state_of(const NodeRow& row, const std::string& leader) {
    std::string text = !row.readable ? "unreadable" : row.answers ? "running" : "no answer";
    if (row.status.node_id == leader) text += ", has the lease";
    if (!row.status.alarm.empty()) text += ", alarm";
    return text;
}

/// "3 transactions", "1 transaction".
std::string transactions(std::uint64_t count) {
    return std::to_string(count) + (count == 1 ? " transaction" : " transactions");
}

std::string last_word(const model::NodeStatus& status) {
    return status.last_seen.ms == 0 ? "" : " (at " + model::to_rfc3339(status.last_seen) + ")";
}

/// What of this node's data the cluster may never see again; "" nothing that is known of.
std::string at_risk(const NodeRow& row, const NodeRow& next) {
    const auto& status = row.status;
    const auto& node = status.node_id;
    const auto& theirs = status.position;
    const auto& ours = next.status.position;
    if (!row.readable) return "what " + node + " has cannot be read\n";
    std::string text;
    if (theirs.tenure > ours.tenure) {
        text += node + " has data of tenure " + std::to_string(theirs.tenure.value) + ", " +
                next.status.node_id + " of tenure " + std::to_string(ours.tenure.value) +
                ": what is not in the log of it is lost\n";
    } else if (theirs.tenure == ours.tenure && theirs.txid > ours.txid) {
        text += node + " is ahead by " + transactions(theirs.txid.value - ours.txid.value) +
                ": they are read from the log first; those that are not in it are lost\n";
    }
    if (status.role == model::Role::primary && !row.answers) {
        const auto& lag = status.lag;
        text += node + " was primary: ";
        if (!lag) {
            text += "how much it had not shipped is not known";
        } else {
            text += transactions(lag->transactions) + " (" + std::to_string(lag->bytes) +
                    " bytes) of it were not shipped when it was last heard of" + last_word(status);
        }
        text += "; they, and what it committed after that, are lost to the cluster\n";
    }
    return text;
}

}  // namespace

std::string failover_report(const ClusterView& view, const std::string& to) {
    std::vector<std::vector<std::string>> rows{{"NODE", "STATE", "TENURE", "TXID", "LAST SEEN"}};
    const auto leader = view.leader();
    for (const auto& row : view.nodes) {
        const auto& status = row.status;
        rows.push_back({status.node_id,
                        state_of(row, leader),
                        row.readable ? std::to_string(status.position.tenure.value) : "unknown",
                        row.readable ? model::to_hex16(status.position.txid.value) : "unknown",
                        status.last_seen.ms == 0 ? "-" : model::to_rfc3339(status.last_seen)});
    }
    auto text = table(rows) + "\n";
    const auto* next = view.node(to);
    if (next == nullptr) return text;
    std::string lost;
    for (const auto& row : view.nodes) {
        if (&row != next) lost += at_risk(row, *next);
    }
    text += lost.empty() ? "Nothing is known that " + to + " would lack.\n" : lost;
    return text +
           "What a former primary has and the log does not is set aside there when it comes back; "
           "nothing is deleted.\n";
}

int run_failover(const Command& command,
                 const config::Config& config,
                 World& world,
                 const Lines& lines) {
    const auto& id = config.node_id;
    lines.out("Attempting a failover of cluster " + config.cluster_id + " to node " + id + "...\n");
    control::Seen seen;
    const auto ask_nodes = [&]() -> model::Result<ClusterView> {
        auto view = read_view(world);
        if (!view) return view;
        seen = {.leader = view->leader()};
        for (auto& row : view->nodes) {
            seen.members.push_back(row.status.node_id);
            if (const auto now = world.answers(row.status.node_id)) row.hear(*now);
            if (row.answers) seen.answering.push_back(row.status.node_id);
        }
        return view;
    };
    const control::Switchover request{.id = world.new_id(), .to = id, .from = {}, .force = true};
    const auto operation = [&](model::Spec spec) {
        return control::force_failover(std::move(spec), request, seen);
    };
    const std::string success = "✓ Successfully promoted to leader";
    const auto view = ask_nodes();
    if (!view) return failed(lines, view.error());
    const auto* const here = view->node(id);
    if (here != nullptr && here->answers && view->serves(id)) {
        lines.err(id + " leads already.\n");
        lines.out(success + "\n");
        return exit_done;
    }
    if (const auto possible = operation(view->spec); !possible)
        return refused(lines, possible.error());
    if (!here->answers)
        return not_reached(lines, "the daemon of " + id + " does not answer; start it first");
    if (!here->status.alarm.empty()) {
        return not_reached(
            lines, id + " needs an operator first, and would not lead: " + here->status.alarm);
    }
    lines.out("\n" + failover_report(*view, id) + "\n");
    if (!command.yes) {
        const auto typed =
            world.ask ? world.ask("Type the name of the node (" + id + ") to make it the leader: ")
                      : std::nullopt;
        if (!typed) {
            lines.err("Error: nobody can be asked without a terminal; --yes asks nobody\n");
            return exit_usage;
        }
        if (*typed != id && *typed != config.cluster_id)
            return not_reached(lines, "not confirmed; nothing was requested");
        // Much may have happened while somebody read.
        if (const auto now = ask_nodes(); !now) return failed(lines, now.error());
    }
    SwitchOver switchover{request,
                          world,
                          lines,
                          success,
                          [&](const ClusterView& now) { return serves_now(world, now, id); },
                          operation};
    return switchover.run(command);
}

}  // namespace cli
