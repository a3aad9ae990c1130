#include "cli/views.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "model/json_text.h"
#include "model/wall_time.h"

namespace cli {
namespace {

using model::JsonText;

std::string joined(const std::vector<std::string>& words) {
    std::string text;
    for (const auto& word : words)
        text += (text.empty() ? "" : " ") + word;
    return text;
}

/// user:password@ of a URL is nobody's business on a screen.
std::vector<std::string> shown_servers(const std::vector<std::string>& urls) {
    std::vector<std::string> shown;
    for (const auto& url : urls) {
        const auto scheme = url.find("://");
        const auto at = url.rfind('@');
        const auto begin = scheme == std::string::npos ? 0 : scheme + 3;
        shown.push_back(at == std::string::npos ? url : url.substr(0, begin) + url.substr(at + 1));
    }
    return shown;
}

std::string field(std::string label, const std::string& value) {
    label += ':';
    label.resize(std::max<std::size_t>(label.size() + 1, 13), ' ');
    return label + value + "\n";
}

std::string header(const model::Config& config) {
    std::string text = "Cluster Status\n==============\n\n";
    text += field("Cluster ID", config.cluster_id);
    text += field("Node ID", config.node_id);
    text += field("NATS", "[" + joined(shown_servers(config.nats.servers)) + "]");
    if (!config.vips.empty()) {
        const auto& vip = config.vips.front();
        text += field("VIP", vip.address + "/" + std::to_string(vip.prefix));
    }
    return text + "\n";
}

/// How wide a text is on a screen, one column for each character.
std::size_t width(const std::string& text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
    }));
}

std::string table(const std::vector<std::vector<std::string>>& rows) {
    std::vector<std::size_t> widths(rows.front().size());
    for (const auto& row : rows) {
        for (std::size_t i = 0; i < row.size(); ++i)
            widths[i] = std::max(widths[i], width(row[i]));
    }
    std::string text;
    for (const auto& row : rows) {
        std::string line;
        for (std::size_t i = 0; i < row.size(); ++i) {
            line += row[i];
            line.append(widths[i] - width(row[i]) + 2, ' ');
        }
        line.resize(line.find_last_not_of(' ') + 1);
        text += line + "\n";
    }
    return text;
}

std::string role_of(const NodeRow& row) {
    return row.answers && row.readable ? std::string{to_text(row.status.role)} : "UNKNOWN";
}

std::string state_of(const NodeRow& row) {
    if (!row.readable) return "unreadable";
    if (!row.answers) return "no answer";
    return row.status.alarm.empty() ? "running" : "alarm";
}

std::string lag_of(const model::NodeStatus& status) {
    if (!status.lag) return "unknown";
    return std::to_string(status.lag->ms) + "ms";
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
    json.field("tags", tags_of(status));
    json.field("alarm", status.alarm);
    json.field("setAside", status.set_aside);
    json.key("conditions").begin_list();
    for (const auto& condition : status.conditions) {
        json.begin_object()
            .field("type", to_text(condition.type))
            .field("status", condition.status)
            .field("reason", condition.reason)
            .field("message", condition.message)
            .end_object();
    }
    json.end_list();
    json.field("version", status.version);
    json.field("lastSeen", model::to_rfc3339(status.last_seen));
    json.end_object();
}

}  // namespace

std::string ClusterView::leader() const {
    const bool held = record && record->state == model::LeaseRecord::State::held;
    return held ? record->node_id : std::string{};
}

const NodeRow* ClusterView::node(const std::string& id) const {
    for (const auto& row : nodes) {
        if (row.status.node_id == id) return &row;
    }
    return nullptr;
}

std::string status_text(const model::Config& config, const ClusterView& view) {
    auto text = header(config);
    const auto* own = view.node(config.node_id);
    const bool answers = own != nullptr && own->answers && own->readable;
    text += field("Role", answers ? role_of(*own) : "UNKNOWN (daemon not responding)");
    text += field("Leader", view.leader().empty() ? "(none)" : view.leader());
    if (answers) {
        if (!own->status.backend_status.empty()) {
            text += field("Backend", own->status.backend_status);
        }
        if (own->status.lag) text += field("Rep. Lag", lag_of(own->status));
    }
    return text + "\n" + list_table(view);
}

std::string status_text_without_store(const model::Config& config) {
    return header(config) + field("Role", "UNKNOWN (daemon not responding)") +
           field("Leader", "(could not query)");
}

std::string list_table(const ClusterView& view) {
    if (view.nodes.empty()) return "No node is a member of this cluster yet.\n";
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
                        or_dash(joined(tags_of(status)))});
        if (!row.answers && row.readable && status.last_seen.ms != 0) {
            notes += status.node_id + " was last seen at " + model::to_rfc3339(status.last_seen) +
                     ", by its own clock\n";
        }
        if (!status.alarm.empty()) notes += status.node_id + ": ALARM: " + status.alarm + "\n";
        for (const auto& file : status.set_aside)
            notes += status.node_id + ": data that is in no log was set aside: " + file + "\n";
    }
    if (view.spec.paused) notes += "The cluster is paused: nothing is failed over or restarted.\n";
    if (view.spec.switchover) {
        notes += "A switchover is under way" +
                 (view.spec.switchover->to.empty() ? "" : " to " + view.spec.switchover->to) +
                 ".\n";
    }
    return table(rows) + (notes.empty() ? "" : "\n" + notes);
}

std::string status_json(const model::Config& config, const ClusterView& view) {
    JsonText json{2};
    json.begin_object();
    json.field("cluster", config.cluster_id);
    json.field("node", config.node_id);
    json.field("nats", shown_servers(config.nats.servers));
    const auto* own = view.node(config.node_id);
    json.field("role", own != nullptr ? role_of(*own) : "UNKNOWN");
    json.key("leader");
    if (view.leader().empty()) {
        json.null();
    } else {
        json.value(view.leader());
    }
    json.field("epoch", view.record ? view.record->epoch.value : std::uint64_t{0});
    json.field("paused", view.spec.paused);
    json.key("nodes").begin_list();
    for (const auto& row : view.nodes)
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
