#include "cli/watch.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace cli {
namespace {

using model::Result;

constexpr model::Duration poll_interval = std::chrono::milliseconds{500};

/// Prints news on stderr; no line twice in a row.
class Progress {
public:
    explicit Progress(const Lines& lines) : lines_{lines} {}
    void print(const std::string& line) {
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
        // As it was published last; its lease has moved since.
        if (status.role == model::Role::primary && status.node_id != view.leader()) {
            text += "; " + status.node_id + " (was PRIMARY)";
            continue;
        }
        text += "; " + status.node_id + " " + std::string{to_text(status.role)};
        for (const auto& condition : status.conditions) {
            if (!condition.status) continue;
            text += " " + std::string{to_text(condition.type)};
        }
    }
    return text;
}

}  // namespace

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
    if (!spec) return std::move(spec).error().during("read the operators' requests");
    view.spec = std::move(spec->spec);
    return view;
}

std::optional<int> watch(const Command& command,
                         World& world,
                         const Lines& lines,
                         const std::function<std::optional<int>(const ClusterView&)>& judge) {
    Progress progress{lines};
    const auto deadline = world.clock.now() + command.patience;
    while (true) {
        auto view = read_view(world);
        if (view) {
            progress.print(describe(*view));
            if (const auto status = judge(*view)) return status;
        } else {
            // NATS may be away for a moment during a switchover.
            progress.print(view.error().message);
        }
        const auto now = world.clock.now();
        if (now >= deadline || world.interrupted()) return std::nullopt;
        world.wait(std::min<model::Duration>(poll_interval, deadline - now));
    }
}

bool serves_now(World& world, const ClusterView& view, const std::string& id) {
    if (!view.serves(id)) return false;
    auto row = *view.node(id);
    const auto now = world.answers(id);
    if (!now) return false;
    row.hear(*now);
    const auto* lease = row.status.condition(model::ConditionType::lease_held);
    return row.status.role == model::Role::primary && (lease == nullptr || lease->status);
}

std::string why_over(const World& world) {
    return world.interrupted() ? "interrupted" : "the time is over";
}

control::Attempts attempts(World& world) { return {.clock = world.clock, .wait = world.wait}; }

int failed(const Lines& lines, const model::Error& error) {
    lines.err("Error: " + error.message + "\n");
    return exit_failed;
}

int not_reached(const Lines& lines, const std::string& reason) {
    lines.err("Error: " + reason + "\n");
    return exit_not_reached;
}

int refused(const Lines& lines, const model::Error& error) {
    return error.code == model::Errc::conflict ? not_reached(lines, error.message)
                                               : failed(lines, error);
}

}  // namespace cli
