#include "cli/views.h"

#include <algorithm>
#include <chrono>
#include <cstddef>

#include "cli/table.h"
#include "model/join.h"
#include "model/json_text.h"
#include "model/url.h"
#include "model/wall_time.h"

namespace cli {
namespace {

using model::JsonText;

/// Logins must not appear on a screen.
std::vector<std::string> shown_servers(const std::vector<std::string>& urls) {
    std::vector<std::string> shown;
    for (const auto& url : urls)
        shown.push_back(model::without_login(url));
    return shown;
}

std::string field(std::string label, const std::string& value) {
    label += ':';
    label.resize(std::max<std::size_t>(label.size() + 1, 13), ' ');
    return label + value + "\n";
}

std::string header(const config::Config& config) {
    std::string text = "Cluster Status\n==============\n\n";
    text += field("Cluster ID", config.cluster_id);
    text += field("Node ID", config.node_id);
    text += field("NATS", "[" + model::join(shown_servers(config.nats.servers), " ") + "]");
    if (!config.vips.empty()) {
        std::string all;
        for (const auto& vip : config.vips)
            all += (all.empty() ? "" : ", ") + vip.address + "/" + std::to_string(vip.prefix);
        text += field("VIP", all);
    }
    return text + "\n";
}

std::string role_of(const NodeRow& row) {
    return row.answers && row.readable ? std::string{to_text(row.status.role)} : "UNKNOWN";
}

std::string state_of(const NodeRow& row) {
    if (!row.readable) return "unreadable";
    if (!row.answers) return "no answer";
    return row.status.alarm.empty() ? "running" : "alarm";
}

/// A status that is older than this was not refreshed as it should be.
model::Duration old_after(const model::NodeStatus& status) {
    return 3 * std::chrono::milliseconds{std::max<std::int64_t>(status.heartbeat_ms, 1'000)};
}

std::string lag_of(const model::NodeStatus& status) {
    if (!status.lag) return "unknown";
    return std::to_string(status.lag->ms) + "ms";
}

/// As the kernel shows it there. Nothing where the daemon has no virtual address.
std::string vip_status(const model::NodeStatus& status) {
    const auto* vip = status.condition(model::ConditionType::vip_bound);
    if (vip == nullptr) return {};
    auto text = field("VIP Status", vip->status ? "held (this node is PRIMARY)" : "not held");
    const auto* conflict = status.condition(model::ConditionType::vip_conflict);
    if (conflict != nullptr && conflict->status) text += field("VIP Conflict", conflict->message);
    return text;
}

/// Why a node has not, or could not have, the virtual addresses; "" nothing is wrong.
std::string vip_trouble(const model::NodeStatus& status) {
    const auto* conflict = status.condition(model::ConditionType::vip_conflict);
    if (conflict != nullptr && conflict->status) return conflict->message;
    const auto* vip = status.condition(model::ConditionType::vip_bound);
    return vip == nullptr || vip->status ? std::string{} : vip->message;
}

std::string backend_and_lag(const model::NodeStatus& status) {
    std::string text;
    if (!status.backend_status.empty()) text += field("Backend", status.backend_status);
    if (status.lag) text += field("Rep. Lag", lag_of(status));
    return text + vip_status(status);
}

std::vector<std::string> tags_of(const model::NodeStatus& status) {
    std::vector<std::string> tags;
    if (status.nofailover) tags.emplace_back("nofailover");
    if (status.priority != 100) tags.push_back("priority=" + std::to_string(status.priority));
    if (status.has_database && !status.copy_complete) tags.emplace_back("copying");
    if (!status.set_aside.empty()) tags.emplace_back("diverged");
    return tags;
}

std::string or_dash(std::string text) { return text.empty() ? "-" : std::move(text); }

void write_header(JsonText& json, const config::Config& config) {
    json.begin_object();
    json.field("cluster", config.cluster_id);
    json.field("node", config.node_id);
    json.field("nats", shown_servers(config.nats.servers));
}

void write_node(JsonText& json, const NodeRow& row) {
    const auto& status = row.status;
    json.begin_object();
    json.field("node", status.node_id);
    json.field("role", role_of(row));
    json.field("state", state_of(row));
    json.field("answers", row.answers);
    json.field("addresses", status.addresses);
    json.field("apiUrl", status.api_url);
    json.field("epoch", status.epoch.value);
    json.field("tenure", status.position.tenure.value);
    json.field("txid", status.position.txid.value);
    json.key("lagMs");
    if (status.lag) {
        json.value(status.lag->ms);
    } else {
        json.null();
    }
    json.field("backend", status.backend_status);
    json.field("copyComplete", status.copy_complete);
    json.field("fit", status.fit);
    if (!status.unfit_because.empty()) json.field("unfitBecause", status.unfit_because);
    if (!status.released_because.empty()) json.field("releasedBecause", status.released_because);
    json.field("tags", tags_of(status));
    json.field("alarm", status.alarm);
    json.field("setAside", status.set_aside);
    json.key("conditions").begin_list();
    for (const auto& condition : status.conditions) {
        json.begin_object().field("type", to_text(condition.type)).key("status");
        if (condition.known) {
            json.value(condition.status);
        } else {
            json.null();
        }
        json.field("reason", condition.reason).field("message", condition.message).end_object();
    }
    json.end_list();
    json.field("version", status.version);
    if (row.age) json.field("publishedAgoMs", model::to_ms(*row.age));
    json.field("lastSeen", model::to_rfc3339(status.last_seen));
    json.end_object();
}

}  // namespace

void NodeRow::hear(const model::NodeStatus& now) {
    answers = true;
    if (!readable) return;
    const auto since = now.uptime_ms - status.uptime_ms;
    if (status.uptime_ms != 0 && since >= 0) age = std::chrono::milliseconds{since};
    status.role = now.role;
    status.backend_status = now.backend_status;
    // It tells the time alone.
    if (!now.lag || !status.lag || now.lag->ms != status.lag->ms) status.lag = now.lag;
    const auto* lease = now.condition(model::ConditionType::lease_held);
    if (lease == nullptr) return;
    for (auto& each : status.conditions) {
        if (each.type != model::ConditionType::lease_held) continue;
        each.status = lease->status;
        each.known = lease->known;
        each.message = lease->message;
        return;
    }
    status.conditions.push_back(*lease);
}

std::string ClusterView::leader() const {
    const bool held = record && record->state == model::LeaseRecord::State::held;
    return held ? record->node_id : std::string{};
}

std::string ClusterView::leader_now() const {
    auto by_record = leader();
    const auto* row = node(by_record);
    if (row == nullptr || !row->answers) return by_record;
    const auto* lease = row->status.condition(model::ConditionType::lease_held);
    return lease != nullptr && !lease->status ? std::string{} : by_record;
}

std::string ClusterView::why_no_leader(const std::string& own) const {
    const auto says = [](const NodeRow* row) -> std::string {
        if (row == nullptr || !row->answers) return {};
        const auto* lease = row->status.condition(model::ConditionType::lease_held);
        if (lease == nullptr || lease->status || lease->message.empty()) return {};
        return row->status.node_id + ": " + lease->message;
    };
    if (auto text = says(node(own)); !text.empty()) return text;
    for (const auto& row : nodes) {
        if (auto text = says(&row); !text.empty()) return text;
    }
    return {};
}

const NodeRow* ClusterView::node(const std::string& id) const {
    for (const auto& row : nodes) {
        if (row.status.node_id == id) return &row;
    }
    return nullptr;
}

NodeRow* ClusterView::node(const std::string& id) {
    for (auto& row : nodes) {
        if (row.status.node_id == id) return &row;
    }
    return nullptr;
}

bool ClusterView::serves(const std::string& id) const {
    const auto* row = node(id);
    if (row == nullptr || leader() != id || row->status.epoch != record->epoch) return false;
    const auto* backend = row->status.condition(model::ConditionType::backend_ready);
    return row->status.role == model::Role::primary && backend != nullptr && backend->status;
}

bool ClusterView::left(const std::string& id) const {
    return node(id) == nullptr &&
           std::find(spec.leave.begin(), spec.leave.end(), id) != spec.leave.end();
}

std::string status_text(const config::Config& config, const ClusterView& view) {
    const auto* own = view.node(config.node_id);
    const bool answers = own != nullptr && own->answers && own->readable;
    std::string role = "UNKNOWN (daemon not responding)";
    if (view.left(config.node_id)) role = "UNKNOWN (this node left the cluster)";
    if (answers) role = role_of(*own);
    const auto leader = view.leader_now();
    auto text = header(config) + field("Role", role);
    text += field("Leader", leader.empty() ? "(none)" : leader);
    if (answers) text += backend_and_lag(own->status);
    if (leader.empty()) {
        const auto why = view.why_no_leader(config.node_id);
        if (!why.empty()) text += field("No leader", why);
    }
    return text + "\n" + list_table(view);
}

std::string status_text_without_store(const config::Config& config,
                                      const std::optional<model::NodeStatus>& own) {
    auto text =
        header(config) +
        field("Role", own ? std::string{to_text(own->role)} : "UNKNOWN (daemon not responding)");
    text += field("Leader", "(could not query)");
    if (!own) return text;
    text += backend_and_lag(*own);
    const auto* lease = own->condition(model::ConditionType::lease_held);
    if (lease != nullptr && !lease->message.empty()) text += field("Lease", lease->message);
    return text;
}

std::string list_table(const ClusterView& view) {
    std::vector<std::vector<std::string>> rows{
        {"NODE", "ADDRESS", "ROLE", "STATE", "EPOCH", "TXID", "LAG", "BACKEND", "TAGS"}};
    std::string notes;
    for (const auto& row : view.nodes) {
        const auto& status = row.status;
        rows.push_back({status.node_id,
                        or_dash(status.addresses.empty() ? "" : status.addresses.front()),
                        role_of(row),
                        state_of(row),
                        std::to_string(status.epoch.value),
                        model::to_hex16(status.position.txid.value),
                        row.answers ? lag_of(status) : "unknown",
                        row.answers ? or_dash(status.backend_status) : "unknown",
                        or_dash(model::join(tags_of(status), " "))});
        if (!row.answers && row.readable && status.last_seen.ms != 0) {
            notes += status.node_id + " was last seen at " + model::to_rfc3339(status.last_seen) +
                     ", by its own clock\n";
        }
        if (row.age && *row.age > old_after(status)) {
            notes += status.node_id + " published its status " +
                     std::to_string(model::to_ms(*row.age) / 1000) +
                     " s ago for the last time; its epoch, TXID and tags are from then\n";
        }
        if (!status.alarm.empty()) notes += status.node_id + ": ALARM: " + status.alarm + "\n";
        if (auto why = vip_trouble(status); row.answers && !why.empty())
            notes += status.node_id + ": virtual address: " + why + "\n";
        for (const auto& file : status.set_aside)
            notes += status.node_id + ": data that is in no log was set aside: " + file + "\n";
    }
    for (const auto& node : view.spec.leave) {
        notes += node + (view.left(node) ? " left the cluster.\n" : " is asked to leave.\n");
    }
    if (view.spec.paused) notes += "The cluster is paused: nothing is failed over or restarted.\n";
    if (view.spec.switchover) {
        notes += "A switchover is under way" +
                 (view.spec.switchover->to.empty() ? "" : " to " + view.spec.switchover->to) +
                 ".\n";
    }
    const auto list =
        view.nodes.empty() ? "No node is a member of this cluster yet.\n" : table(rows);
    return list + (notes.empty() ? "" : "\n" + notes);
}

std::string status_json(const config::Config& config, const ClusterView& view) {
    JsonText json{2};
    write_header(json, config);
    const auto* own = view.node(config.node_id);
    json.field("role", own != nullptr ? role_of(*own) : "UNKNOWN");
    json.field("left", view.left(config.node_id));
    json.key("leader");
    if (view.leader_now().empty()) {
        json.null();
        const auto why = view.why_no_leader(config.node_id);
        if (!why.empty()) json.field("noLeaderBecause", why);
    } else {
        json.value(view.leader_now());
    }
    json.field("epoch", view.record ? view.record->epoch.value : std::uint64_t{0});
    json.field("paused", view.spec.paused);
    json.key("nodes").begin_list();
    for (const auto& row : view.nodes)
        write_node(json, row);
    return json.end_list().end_object().take() + "\n";
}

std::string status_json_without_store(const config::Config& config, const model::NodeStatus& own) {
    const NodeRow row{.status = own, .answers = true};
    JsonText json{2};
    write_header(json, config);
    json.field("role", role_of(row));
    json.key("leader").null();  // only the store knows the leader
    json.field("epoch", own.epoch.value);
    json.key("nodes").begin_list();
    write_node(json, row);
    return json.end_list().end_object().take() + "\n";
}

std::string list_json(const ClusterView& view) {
    JsonText json{2};
    json.begin_list();
    for (const auto& row : view.nodes)
        write_node(json, row);
    return json.end_list().take() + "\n";
}

}  // namespace cli
