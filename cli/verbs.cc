#include "cli/verbs.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "cli/switch_over.h"
#include "cli/views.h"
#include "cli/watch.h"
#include "control/change.h"
#include "control/operations.h"

namespace cli {
namespace {

using model::Result;

void ask_all(World& world, ClusterView& view) {
    for (auto& row : view.nodes) {
        if (const auto now = world.answers(row.status.node_id)) row.hear(*now);
    }
}

/// A node whose daemon answers and has published nothing: it starts, or it may not. Its status is
/// what it answers.
void add_unpublished(World& world, const std::string& id, ClusterView& view) {
    const auto& leave = view.spec.leave;
    if (view.node(id) != nullptr || std::find(leave.begin(), leave.end(), id) != leave.end())
        return;
    const auto now = world.answers(id);
    if (!now) return;
    const auto place = std::find_if(view.nodes.begin(),
                                    view.nodes.end(),
                                    [&id](const NodeRow& row) { return row.status.node_id > id; });
    view.nodes.insert(place, {.status = *now, .answers = true});
}

/// Waits until the status of a node is gone, which its daemon deletes or, where none answers, this.
std::optional<int> watch_departure(const Command& command,
                                   World& world,
                                   const Lines& lines,
                                   const std::string& id,
                                   const std::string& success) {
    return watch(command, world, lines, [&](const ClusterView& now) {
        std::optional<int> status;
        if (now.node(id) == nullptr) {
            lines.out(success);
            status = exit_done;
        } else if (!world.answers(id)) {
            // No daemon deletes the key: it is ours to do. One that comes to life meanwhile has
            // written it anew, is refused here by the revision, and reads the request.
            auto once = attempts(world);
            once.most = 1;
            const auto gone = control::erase_member(world.cluster, id, once);
            static_cast<void>(gone);  // the next poll shows it
        }
        return status;
    });
}

/// A change of the spec that is done when it is written.
int change(World& world,
           const Lines& lines,
           const control::Operation& operation,
           const std::string& success,
           const std::string& note) {
    auto changed = control::change_spec(world.cluster, operation, attempts(world));
    if (!changed) return refused(lines, changed.error());
    lines.out(success + "\n");
    if (!note.empty()) lines.err(note);
    return exit_done;
}

}  // namespace

int run_status(const Command& command,
               const config::Config& config,
               World& world,
               const Lines& lines) {
    auto view = read_view(world);
    if (!view) {
        return run_status_without_store(command, config, view.error(), world.own_status, lines);
    }
    ask_all(world, *view);
    add_unpublished(world, config.node_id, *view);
    lines.out(command.output == Output::json ? status_json(config, *view)
                                             : status_text(config, *view));
    const auto* own = view->node(config.node_id);
    if (own != nullptr && own->answers) return exit_done;
    lines.err(view->left(config.node_id) ? "Note: This node left the cluster.\n"
                                           "      Take it back with: convex-cluster-manager join\n"
                                         : "Note: The daemon may not be running on this node.\n"
                                           "      Start it with: convex-cluster-manager daemon\n");
    return exit_not_reached;
}

int run_status_without_store(const Command& command,
                             const config::Config& config,
                             const model::Error& failure,
                             const std::function<Result<model::NodeStatus>()>& own_status,
                             const Lines& lines) {
    std::optional<model::NodeStatus> own;
    if (own_status) {
        if (auto answer = own_status()) own = std::move(*answer);
    }
    if (command.output == Output::table) {
        lines.out(status_text_without_store(config, own));
    } else if (own) {
        lines.out(status_json_without_store(config, *own));
    }
    return failed(lines, failure);
}

int run_list(const Command& command,
             const config::Config& /*config*/,
             World& world,
             const Lines& lines) {
    auto view = read_view(world);
    if (!view) return failed(lines, view.error());
    ask_all(world, *view);
    lines.out(command.output == Output::json ? list_json(*view) : list_table(*view));
    return exit_done;
}

int run_promote(const Command& command,
                const config::Config& config,
                World& world,
                const Lines& lines) {
    const auto& id = config.node_id;
    const std::string success = "✓ Successfully promoted to leader";
    lines.out("Attempting to promote node " + id + " to leader...\n");
    auto view = read_view(world);
    if (!view) return failed(lines, view.error());
    if (view->left(id))
        return not_reached(lines, id + " left the cluster; let it join again first");
    // First: what a dead node published last still says that it leads.
    auto* const own = view->node(id);
    const auto now = world.answers(id);
    if (own == nullptr || !now) {
        return not_reached(lines, "the daemon of " + id + " does not answer; start it first");
    }
    own->hear(*now);
    if (view->serves(id)) {
        lines.err(id + " leads already.\n");
        lines.out(success + "\n");
        return exit_done;
    }
    if (const auto leader = view->leader();
        !leader.empty() && leader != id && !world.answers(leader)) {
        lines.err("The leader " + leader + " does not answer; " + id +
                  " takes over when its lease has run out.\n");
    }
    SwitchOver switchover{
        {.id = world.new_id(), .to = id, .from = {}, .force = command.force},
        world,
        lines,
        success,
        [&](const ClusterView& view_now) { return serves_now(world, view_now, id); }};
    return switchover.run(command);
}

int run_demote(const Command& command,
               const config::Config& config,
               World& world,
               const Lines& lines) {
    const auto& id = config.node_id;
    lines.out("Demoting node " + id + " from leader...\n");
    const auto view = read_view(world);
    if (!view) return failed(lines, view.error());
    const auto leader = view->leader();
    if (leader.empty()) {
        lines.out("No leader currently exists in the cluster\n");
        return exit_done;
    }
    if (leader != id) {
        lines.out("This node is not the current leader (leader is " + leader + ")\n");
        return exit_done;
    }
    if (!world.answers(id)) {
        return not_reached(lines,
                           "the daemon of " + id +
                               " does not answer; its lease ends by itself, and another node "
                               "takes over");
    }
    SwitchOver switchover{
        {.id = world.new_id(), .to = {}, .from = id, .force = command.force},
        world,
        lines,
        "✓ Successfully demoted from leader",
        [&](const ClusterView& now) {
            const auto* own = now.node(id);
            const bool passive = own == nullptr || own->status.role == model::Role::passive;
            // Away from a node that nobody follows is no service.
            return now.leader() != id && passive && serves_now(world, now, now.leader());
        }};
    return switchover.run(command);
}

int run_leave(const Command& command,
              const config::Config& config,
              World& world,
              const Lines& lines) {
    const auto& id = config.node_id;
    const std::string success = "✓ Successfully left cluster\n";
    lines.out("Leaving cluster " + config.cluster_id + "...\n");
    const auto view = read_view(world);
    if (!view) return failed(lines, view.error());
    control::Seen seen{.leader = view->leader()};
    for (const auto& row : view->nodes)
        seen.members.push_back(row.status.node_id);
    // A daemon that has just started has not published yet.
    if (view->node(id) == nullptr && world.answers(id)) seen.members.push_back(id);
    auto requested = control::change_spec(
        world.cluster,
        [&](model::Spec spec) { return control::leave(std::move(spec), id, seen); },
        attempts(world));
    if (!requested) return refused(lines, requested.error());
    if (seen.leader == id) lines.out("Stepping down from leadership...\n");

    const auto ended = watch_departure(command, world, lines, id, success);
    if (ended) return *ended;
    return not_reached(lines, why_over(world) + "; the request to leave stands");
}

int run_remove(const Command& command,
               const config::Config& config,
               World& world,
               const Lines& lines) {
    const auto& id = command.subject;
    lines.out("Removing node " + id + " from cluster " + config.cluster_id + "...\n");
    const auto view = read_view(world);
    if (!view) return failed(lines, view.error());
    control::Seen seen{.leader = view->leader()};
    for (const auto& row : view->nodes)
        seen.members.push_back(row.status.node_id);
    if (world.answers(id).has_value()) seen.answering.push_back(id);
    auto requested = control::change_spec(
        world.cluster,
        [&](model::Spec spec) { return control::remove(std::move(spec), id, seen); },
        attempts(world));
    if (!requested) return refused(lines, requested.error());
    const auto ended =
        watch_departure(command, world, lines, id, "✓ Successfully removed node " + id + "\n");
    if (!ended) return not_reached(lines, why_over(world) + "; the request to remove it stands");
    if (*ended == exit_done) {
        lines.err(
            "Should its daemon come back, it idles until: convex-cluster-manager join "
            "--node-id " +
            id + "\n");
    }
    return *ended;
}

int run_pause(const Command& /*command*/,
              const config::Config& config,
              World& world,
              const Lines& lines) {
    lines.out("Pausing cluster " + config.cluster_id + "...\n");
    return change(world,
                  lines,
                  control::pause,
                  "✓ Successfully paused cluster",
                  "Nothing is failed over or restarted until: convex-cluster-manager resume\n"
                  "Fencing goes on: a leader that cannot renew its lease stops its backend.\n");
}

int run_resume(const Command& /*command*/,
               const config::Config& config,
               World& world,
               const Lines& lines) {
    lines.out("Resuming cluster " + config.cluster_id + "...\n");
    return change(world, lines, control::resume, "✓ Successfully resumed cluster", "");
}

int run_join(const Command& command,
             const config::Config& config,
             World& world,
             const Lines& lines) {
    const auto& id = config.node_id;
    lines.out("Joining cluster " + config.cluster_id + " as node " + id + "...\n");
    const auto view = read_view(world);
    if (!view) return failed(lines, view.error());
    if (view->leader().empty()) {
        lines.out("⚠ No leader detected. This node may become leader.\n");
    } else {
        lines.out("✓ Connected to cluster. Current leader: " + view->leader() + "\n");
    }
    auto welcome = control::change_spec(
        world.cluster,
        [&](model::Spec spec) { return control::join(std::move(spec), id); },
        attempts(world));
    if (!welcome) return refused(lines, welcome.error());

    lines.out("\nBootstrapping data from cluster snapshot...\n");
    const std::string none =
        "⚠ No snapshots available yet. This node will start with empty data.\n"
        "  (This is normal for new clusters or if no primary has taken a snapshot yet.)\n";
    const std::string copied = "✓ Data bootstrapped to " + config.wal.replica_path + "\n";
    const bool daemon = world.answers(id).has_value();
    if (daemon) {
        const auto ended = watch(command, world, lines, [&](const ClusterView& now) {
            std::optional<int> status;
            const auto* own = now.node(id);
            const bool data = std::any_of(now.nodes.begin(), now.nodes.end(), [](const auto& row) {
                return row.status.has_database;
            });
            if (own != nullptr && own->status.copy_complete) {
                lines.out(copied);
                status = exit_done;
            } else if (!data) {
                lines.out(none);
                status = exit_done;
            }
            return status;
        });
        if (!ended) return not_reached(lines, why_over(world) + "; the daemon goes on copying");
    } else if (world.bootstrap) {
        const auto restored = world.bootstrap();
        if (!restored) return failed(lines, restored.error());
        lines.out(*restored ? copied : none);
    } else {
        return not_reached(lines,
                           "the daemon of this node does not answer, and it makes the copy; start "
                           "it, then join again to watch it");
    }
    lines.out("\n✓ Successfully joined cluster\n");
    if (!daemon) {
        lines.out("\nNext steps:\n  Start the daemon: convex-cluster-manager daemon\n");
    }
    return exit_done;
}

}  // namespace cli
