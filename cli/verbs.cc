#include "cli/verbs.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "cli/views.h"

namespace cli {
namespace {

using model::Errc;
using model::Result;
using Switchover = model::Spec::Switchover;

constexpr model::Duration look_again = std::chrono::milliseconds{500};

/// Everything that the cluster shows, and which of the daemons answer.
Result<ClusterView> read_view(World& world) {
    ClusterView view;
    auto record = world.lease.read();
    if (!record) return std::move(record).error().during("read the leader's record");
    view.record = std::move(record->record);
    auto nodes = world.cluster.nodes();
    if (!nodes) return std::move(nodes).error().during("read the nodes' status");
    for (auto& entry : *nodes)
        view.nodes.push_back({std::move(entry.status), entry.readable, false});
    auto spec = world.cluster.spec();
    if (!spec) return std::move(spec).error().during("read the operators' wishes");
    view.spec = std::move(spec->spec);
    return view;
}

void ask_all(World& world, ClusterView& view) {
    for (auto& row : view.nodes)
        row.answers = world.answers(row.status.node_id);
}

int failed(const Lines& lines, const model::Error& error) {
    lines.err("Error: " + error.message + "\n");
    return exit_failed;
}

int not_reached(const Lines& lines, const std::string& reason) {
    lines.err("Error: " + reason + "\n");
    return exit_not_reached;
}

/// Changes the spec by compare-and-set, as often as others come first. `change` returns false where
/// nothing has to be written. Changing twice must be the same as once: an answer that was lost is
/// settled by reading and changing again.
template <typename Change>
Result<void> change_spec(World& world, const Change& change) {
    model::Error last;
    for (int attempt = 0; attempt < 20; ++attempt) {
        if (attempt > 0) world.wait(std::chrono::milliseconds{100});
        auto entry = world.cluster.spec();
        if (!entry) {
            last = entry.error();
            if (last.code == Errc::corrupt) break;
            continue;
        }
        auto spec = entry->spec;
        if (!change(spec)) return {};
        auto written = world.cluster.write(spec, entry->revision);
        if (written) return {};
        last = written.error();
    }
    return std::move(last).during("write the wish");
}

Result<void> take_back(World& world, const std::string& id) {
    return change_spec(world, [&](model::Spec& spec) {
        const bool ours = spec.switchover && spec.switchover->id == id;
        if (ours) spec.switchover.reset();
        return ours;
    });
}

/// Says on stderr what is new; never the same twice in a row.
class Progress {
public:
    explicit Progress(const Lines& lines) : lines_{lines} {}
    void say(const std::string& line) {
        if (line != last_) lines_.err(line + "\n");
        last_ = line;
    }

private:
    const Lines& lines_;
    std::string last_;
};

std::string describe(const ClusterView& view) {
    std::string text = "leader " + (view.leader().empty() ? "(none)" : view.leader());
    if (view.record) text += ", epoch " + std::to_string(view.record->epoch.value);
    for (const auto& row : view.nodes) {
        const auto& status = row.status;
        text += "; " + status.node_id + " " + std::string{to_text(status.role)};
        for (const auto& condition : status.conditions) {
            if (!condition.status) continue;
            text += " " + std::string{to_text(condition.type)};
        }
    }
    return text;
}

/// Looks until `judge` gives an exit status, an error, or the patience is over, the user's own too
/// (empty).
template <typename Judge>
std::optional<int> watch(const Command& command, World& world, const Lines& lines, Judge judge) {
    Progress progress{lines};
    const auto deadline = world.clock.now() + command.patience;
    while (true) {
        auto view = read_view(world);
        if (view) {
            progress.say(describe(*view));
            if (const auto status = judge(*view)) return status;
        } else {
            // NATS may be away for a moment in the middle of a switchover.
            progress.say(view.error().message);
        }
        const auto now = world.clock.now();
        if (now >= deadline || world.interrupted()) return std::nullopt;
        world.wait(std::min<model::Duration>(look_again, deadline - now));
    }
}

std::string why_over(const World& world) {
    return world.interrupted() ? "interrupted" : "the time is over";
}

/// Why the wish with this id was refused, as a node tells; empty: nobody did.
std::optional<std::string> refusal(const ClusterView& view, const std::string& id) {
    for (const auto& row : view.nodes) {
        const auto& outcome = row.status.switchover;
        if (outcome && outcome->id == id && !outcome->done) {
            return row.status.node_id + " refused: " + outcome->reason;
        }
    }
    return std::nullopt;
}

/// Writes the wish and watches until `fulfilled`.
template <typename Fulfilled>
int switch_over(Switchover wish,
                const Command& command,
                World& world,
                const Lines& lines,
                const std::string& success,
                Fulfilled fulfilled) {
    std::string in_the_way;
    auto written = change_spec(world, [&](model::Spec& spec) {
        in_the_way.clear();
        if (spec.paused) {
            in_the_way = "the cluster is paused; resume it first";
            return false;
        }
        if (spec.switchover) {
            const auto& other = *spec.switchover;
            if (other.id == wish.id) return false;  // our write had arrived
            if (other.to == wish.to && other.from == wish.from && other.force == wish.force) {
                wish.id = other.id;  // somebody wishes the same: wait for it together
                return false;
            }
            in_the_way = "another switchover is under way" +
                         (other.to.empty() ? "" : " to " + other.to) + "; wait for it";
            return false;
        }
        spec.switchover = wish;
        return true;
    });
    if (!written) return failed(lines, written.error());
    if (!in_the_way.empty()) return not_reached(lines, in_the_way);

    const auto ended = watch(command, world, lines, [&](const ClusterView& view) {
        std::optional<int> status;
        if (fulfilled(view)) {
            lines.out(success + "\n");
            status = exit_done;
        } else if (const auto reason = refusal(view, wish.id)) {
            status = not_reached(lines, *reason);
        } else if (view.spec.switchover && view.spec.switchover->id != wish.id) {
            status = not_reached(lines, "another operator's wish took the place of this one");
        }
        return status;
    });
    if (ended) return *ended;
    const auto gone = take_back(world, wish.id);
    return not_reached(
        lines,
        why_over(world) + "; " +
            (gone ? std::string{"the wish was taken back; a hand-over that had begun goes on"}
                  : "the wish still stands, it could not be taken back: " + gone.error().message));
}

bool is_primary(const ClusterView& view, const std::string& id) {
    const auto* row = view.node(id);
    return view.leader() == id && row != nullptr && row->status.role == model::Role::primary &&
           row->status.epoch == view.record->epoch;
}

}  // namespace

int run_status(const Command& command,
               const model::Config& config,
               World& world,
               const Lines& lines) {
    auto view = read_view(world);
    if (!view) {
        if (command.output == Output::table) lines.out(status_text_without_store(config));
        return failed(lines, view.error());
    }
    ask_all(world, *view);
    lines.out(command.output == Output::json ? status_json(config, *view)
                                             : status_text(config, *view));
    const auto* own = view->node(config.node_id);
    if (own != nullptr && own->answers) return exit_done;
    lines.err(
        "Note: The daemon may not be running on this node.\n"
        "      Start it with: convex-cluster-manager daemon\n");
    return exit_not_reached;
}

int run_list(const Command& command,
             const model::Config& /*config*/,
             World& world,
             const Lines& lines) {
    auto view = read_view(world);
    if (!view) return failed(lines, view.error());
    ask_all(world, *view);
    lines.out(command.output == Output::json ? list_json(*view) : list_table(*view));
    return exit_done;
}

int run_promote(const Command& command,
                const model::Config& config,
                World& world,
                const Lines& lines) {
    const auto& id = config.node_id;
    const std::string success = "✓ Successfully promoted to leader";
    lines.out("Attempting to promote node " + id + " to leader...\n");
    const auto view = read_view(world);
    if (!view) return failed(lines, view.error());
    if (is_primary(*view, id)) {
        lines.err(id + " leads already.\n");
        lines.out(success + "\n");
        return exit_done;
    }
    if (view->node(id) == nullptr || !world.answers(id)) {
        return not_reached(lines, "the daemon of " + id + " does not answer; start it first");
    }
    return switch_over({.id = world.new_id(), .to = id, .from = {}, .force = command.force},
                       command,
                       world,
                       lines,
                       success,
                       [&](const ClusterView& now) { return is_primary(now, id); });
}

int run_demote(const Command& command,
               const model::Config& config,
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
    return switch_over({.id = world.new_id(), .to = {}, .from = id, .force = command.force},
                       command,
                       world,
                       lines,
                       "✓ Successfully demoted from leader",
                       [&](const ClusterView& now) {
                           const auto* own = now.node(id);
                           const bool passive =
                               own == nullptr || own->status.role == model::Role::passive;
                           return now.leader() != id && passive;
                       });
}

int run_leave(const Command& command,
              const model::Config& config,
              World& world,
              const Lines& lines) {
    const auto& id = config.node_id;
    const std::string success = "✓ Successfully left cluster\n";
    lines.out("Leaving cluster " + config.cluster_id + "...\n");
    const auto view = read_view(world);
    if (!view) return failed(lines, view.error());
    if (view->leader() == id) lines.out("Stepping down from leadership...\n");

    auto wished = change_spec(world, [&](model::Spec& spec) {
        if (std::find(spec.leave.begin(), spec.leave.end(), id) != spec.leave.end()) return false;
        spec.leave.push_back(id);
        return true;
    });
    if (!wished) return failed(lines, wished.error());

    const auto ended = watch(command, world, lines, [&](const ClusterView& now) {
        std::optional<int> status;
        if (now.node(id) == nullptr) {
            lines.out(success);
            status = exit_done;
        } else if (!world.answers(id)) {
            // No daemon deletes the key: it is ours to do. One that comes to life meanwhile has
            // written it anew, is refused here by the revision, and reads the wish.
            const auto entry = world.cluster.node(id);
            if (entry && *entry) {
                const auto gone = world.cluster.erase(id, (*entry)->revision);
                static_cast<void>(gone);  // the next look tells
            }
        }
        return status;
    });
    if (ended) return *ended;
    return not_reached(lines, why_over(world) + "; the wish to leave stands");
}

int run_join(const Command& command,
             const model::Config& config,
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
    auto welcome = change_spec(world, [&](model::Spec& spec) {
        return std::erase(spec.leave, id) > 0;  // it may have left once
    });
    if (!welcome) return failed(lines, welcome.error());

    lines.out("\nBootstrapping data from cluster snapshot...\n");
    const std::string none =
        "⚠ No snapshots available yet. This node will start with empty data.\n"
        "  (This is normal for new clusters or if no primary has taken a snapshot yet.)\n";
    const std::string copied = "✓ Data bootstrapped to " + config.wal.replica_path + "\n";
    const bool daemon = world.answers(id);
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
