#include "model/service_export.h"

#include <algorithm>
#include <map>
#include <utility>

#include "model/host_port.h"
#include "model/join.h"
#include "model/json_text.h"
#include "model/wall_time.h"

namespace model {
namespace {

using Labels = std::map<std::string, std::string>;

std::string quoted(std::string_view text) {
    std::string out;
    append_quoted(out, text);
    return out;
}

std::string fact(const ServiceEntry& entry, const std::string& key) {
    const auto found = entry.metadata.find(key);
    return found == entry.metadata.end() ? std::string{} : found->second;
}

std::string host_and_port(const ServiceEntry& entry) {
    return to_text({.host = entry.address, .port = entry.port});
}

/// What Prometheus takes: "1m30s", units in falling order, each once. In milliseconds.
/// Source: prometheus/common, model.ParseDuration.
std::optional<std::uint64_t> prometheus_duration(std::string_view text) {
    constexpr std::pair<std::string_view, std::uint64_t> units[] = {{"y", 31'536'000'000},
                                                                    {"w", 604'800'000},
                                                                    {"d", 86'400'000},
                                                                    {"h", 3'600'000},
                                                                    {"m", 60'000},
                                                                    {"s", 1'000},
                                                                    {"ms", 1}};
    constexpr std::size_t longest_number = 6;  // nothing overflows
    std::uint64_t total = 0;
    std::size_t next = 0;
    while (!text.empty()) {
        const auto digits = std::min(text.find_first_not_of("0123456789"), text.size());
        if (digits == 0 || digits > longest_number) return std::nullopt;
        const auto number = *parse_number(text.substr(0, digits));
        text.remove_prefix(digits);
        const auto unit = text.substr(0, std::min(text.find_first_of("0123456789"), text.size()));
        while (next < std::size(units) && units[next].first != unit)
            ++next;
        if (next == std::size(units)) return std::nullopt;
        total += number * units[next++].second;
        text.remove_prefix(unit.size());
    }
    if (total == 0) return std::nullopt;
    return total;
}

/// A name that Prometheus accepts: letters, digits and "_" after the prefix.
std::string label_name(std::string_view key) {
    std::string name = "convex_";
    for (const char c : key) {
        const bool fits =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
        name += fits ? c : '_';
    }
    return name;
}

std::string job_of(const ServiceEntry& entry) {
    auto job = fact(entry, "job");
    return job.empty() ? entry.name : job;
}

/// What every kind of export tells of a service. Prometheus takes an empty label for an absent one.
Labels common_labels(std::string_view cluster_id, const ServiceEntry& entry) {
    auto app = fact(entry, "app");
    Labels labels{{"job", job_of(entry)},
                  {"app", app.empty() ? std::string{cluster_id} : std::move(app)},
                  {"service", entry.name},
                  {"node", entry.node_id},
                  {"cluster", std::string{cluster_id}}};
    if (auto platform = fact(entry, "platform"); !platform.empty())
        labels["platform"] = std::move(platform);
    return labels;
}

/// Of two keys that make one name the first in order counts.
void add_metadata(Labels& labels,
                  const ServiceEntry& entry,
                  std::initializer_list<const char*> used) {
    for (const auto& [key, value] : entry.metadata) {
        if (std::find(used.begin(), used.end(), key) == used.end())
            labels.emplace(label_name(key), value);
    }
}

void add_scrape_labels(Labels& labels, const ServiceEntry& entry) {
    constexpr std::uint64_t default_timeout_ms = 10'000;  // of Prometheus
    if (!entry.path.empty()) labels["__metrics_path__"] = entry.path;
    if (entry.protocol == "https") labels["__scheme__"] = "https";
    const auto interval_text = fact(entry, "scrape_interval");
    const auto timeout_text = fact(entry, "scrape_timeout");
    const auto interval = prometheus_duration(interval_text);
    const auto timeout = prometheus_duration(timeout_text);
    if (interval) {
        labels["__scrape_interval__"] = interval_text;
    } else if (!interval_text.empty()) {
        labels["convex_scrape_interval"] = interval_text;  // Prometheus would refuse the target
    }
    if (timeout && (!interval || *timeout <= *interval)) {
        labels["__scrape_timeout__"] = timeout_text;
    } else if (!timeout_text.empty()) {
        labels["convex_scrape_timeout"] = timeout_text;
    }
    // Prometheus refuses a target whose time-out is longer than its interval.
    if (interval && *interval < default_timeout_ms && !labels.contains("__scrape_timeout__"))
        labels["__scrape_timeout__"] = interval_text;
}

void write_labels(JsonText& json, const Labels& labels) {
    json.begin_object();
    for (const auto& [name, value] : labels)
        json.field(name, value);
    json.end_object();
}

void write_target(JsonText& json, const std::string& target, const Labels& labels) {
    json.begin_object().key("targets").begin_list().value(target).end_list().key("labels");
    write_labels(json, labels);
    json.end_object();
}

std::string prometheus(std::string_view cluster_id, const std::vector<ServiceEntry>& entries) {
    JsonText json{2};
    json.begin_list();
    for (const auto& entry : entries) {
        auto labels = common_labels(cluster_id, entry);
        labels["role"] = entry.role;
        labels["health"] = to_text(entry.health);
        labels["tags"] = join(entry.tags, ",");
        add_scrape_labels(labels, entry);
        add_metadata(
            labels, entry, {"job", "app", "platform", "scrape_interval", "scrape_timeout"});
        write_target(json, host_and_port(entry), labels);
    }
    json.end_list();
    return json.take() + "\n";
}

/// Of a service that writes a log file: what a program on its node tails.
Labels tail_labels(std::string_view cluster_id, const ServiceEntry& entry) {
    auto labels = common_labels(cluster_id, entry);
    labels["__path__"] = fact(entry, "log_path");
    add_metadata(labels, entry, {"job", "app", "platform", "log_path"});
    return labels;
}

bool has_log(const ServiceEntry& entry) { return !fact(entry, "log_path").empty(); }

std::string promtail(std::string_view cluster_id, const std::vector<ServiceEntry>& entries) {
    JsonText json{2};
    json.begin_list();
    for (const auto& entry : entries) {
        // The target names no host: it is tailed where the file is.
        if (has_log(entry)) write_target(json, "localhost", tail_labels(cluster_id, entry));
    }
    json.end_list();
    return json.take() + "\n";
}

/// "" it takes no syslog, else tcp or udp.
std::string syslog_transport(const ServiceEntry& entry) {
    if (entry.protocol == "syslog" || entry.protocol == "syslog+tcp") return "tcp";
    return entry.protocol == "syslog+udp" ? "udp" : "";
}

Labels syslog_labels(std::string_view cluster_id, const ServiceEntry& entry) {
    auto labels = common_labels(cluster_id, entry);
    add_metadata(labels, entry, {"job", "app", "platform", "log_path"});
    return labels;
}

/// A quoted text of JSON is one of YAML too.
std::string syslog(std::string_view cluster_id, const std::vector<ServiceEntry>& entries) {
    std::string items;
    for (const auto& entry : entries) {
        const auto transport = syslog_transport(entry);
        if (transport.empty()) continue;
        items += "  - job_name: " + quoted(entry.name + "-" + entry.node_id) +
                 "\n    syslog:\n      listen_address: " + quoted(host_and_port(entry)) +
                 "\n      listen_protocol: " + transport +
                 "\n      label_structured_data: true\n      labels:\n";
        for (const auto& [name, value] : syslog_labels(cluster_id, entry))
            items += "        " + name + ": " + quoted(value) + "\n";
    }
    return items.empty() ? "scrape_configs: []\n" : "scrape_configs:\n" + items;
}

std::string alloy_object(const Labels& labels, std::string_view indent) {
    std::string text = "{\n";
    for (const auto& [name, value] : labels)
        text += std::string{indent} + "  " + name + " = " + quoted(value) + ",\n";
    return text + std::string{indent} + "}";
}

/// A component's label: letters, digits and "_".
std::string alloy_label(std::string_view cluster_id) { return label_name(cluster_id); }

std::string alloy(std::string_view cluster_id, const std::vector<ServiceEntry>& entries) {
    constexpr std::string_view forward = "  forward_to = [loki.write.default.receiver]\n";
    std::string tailed;
    std::string listeners;
    for (const auto& entry : entries) {
        if (has_log(entry))
            tailed += "    " + alloy_object(tail_labels(cluster_id, entry), "    ") + ",\n";
        const auto transport = syslog_transport(entry);
        if (transport.empty()) continue;
        listeners += "  listener {\n    address  = " + quoted(host_and_port(entry)) +
                     "\n    protocol = " + quoted(transport) +
                     "\n    label_structured_data = true\n    labels   = " +
                     alloy_object(syslog_labels(cluster_id, entry), "    ") + "\n  }\n";
    }
    std::string text = "// Of cluster " + std::string{cluster_id} +
                       "; loki.write \"default\" is yours to configure.\n";
    if (!tailed.empty()) {
        text += "loki.source.file " + quoted(alloy_label(cluster_id)) + " {\n  targets = [\n" +
                tailed + "  ]\n" + std::string{forward} + "}\n";
    }
    if (!listeners.empty()) {
        text += "loki.source.syslog " + quoted(alloy_label(cluster_id)) + " {\n" + listeners +
                std::string{forward} + "}\n";
    }
    return text;
}

/// Consul has no standby: what does not serve is not passing.
std::string_view consul_status(ServiceHealth health) {
    return health == ServiceHealth::standby ? "critical" : to_text(health);
}

/// Consul's limits: 64 keys of up to 128 characters A-Za-z0-9_-, values of up to 512.
void write_consul_metadata(JsonText& json, const ServiceEntry& entry) {
    constexpr std::size_t most_keys = 64;
    constexpr std::size_t longest_key = 128;
    constexpr std::size_t longest_value = 512;
    Labels meta;
    for (const auto& [key, value] : entry.metadata) {
        std::string name;
        for (const char c : key.substr(0, longest_key)) {
            const bool fits = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                              (c >= '0' && c <= '9') || c == '_' || c == '-';
            name += fits ? c : '_';
        }
        if (!name.empty() && meta.size() < most_keys)
            meta.emplace(name, value.substr(0, longest_value));
    }
    write_labels(json, meta);
}

std::string consul(std::string_view cluster_id, const std::vector<ServiceEntry>& entries) {
    JsonText json{2};
    json.begin_list();
    for (const auto& entry : entries) {
        const auto id = entry.name + "-" + entry.node_id;
        json.begin_object()
            .field("Node", entry.node_id)
            .field("Address", entry.address)
            .key("NodeMeta")
            .begin_object()
            .field("external-node", "true")
            .field("convex-cluster", cluster_id)
            .end_object();
        json.key("Service")
            .begin_object()
            .field("ID", id)
            .field("Service", entry.name)
            .field("Tags", entry.tags)
            .field("Address", entry.address)
            .field("Port", entry.port)
            .key("Meta");
        write_consul_metadata(json, entry);
        json.end_object();
        const bool standby = entry.health == ServiceHealth::standby;
        json.key("Check")
            .begin_object()
            .field("Node", entry.node_id)
            .field("CheckID", "service:" + id)
            .field("Name", entry.name + " on " + entry.node_id)
            .field("Status", consul_status(entry.health))
            .field("Output", standby ? std::string{"standby"} : entry.health_reason)
            .field("ServiceID", id)
            .end_object();
        json.end_object();
    }
    json.end_list();
    return json.take() + "\n";
}

void yaml_texts(std::string& text, const char* name, const std::vector<std::string>& values) {
    text += std::string{"  "} + name + ":" + (values.empty() ? " []" : "") + "\n";
    for (const auto& value : values)
        text += "    - " + quoted(value) + "\n";
}

}  // namespace

std::optional<ExportFormat> parse_export_format(std::string_view text) {
    constexpr std::pair<std::string_view, ExportFormat> names[] = {
        {"prometheus", ExportFormat::prometheus},
        {"http-sd", ExportFormat::http_sd},
        {"syslog", ExportFormat::syslog},
        {"promtail", ExportFormat::promtail},
        {"alloy", ExportFormat::alloy},
        {"consul", ExportFormat::consul},
        {"json", ExportFormat::json}};
    for (const auto& [name, format] : names) {
        if (text == name) return format;
    }
    return std::nullopt;
}

std::string export_services(ExportFormat format,
                            std::string_view cluster_id,
                            const std::vector<ServiceEntry>& entries) {
    if (format == ExportFormat::json) return services_json(entries);
    auto shown = entries;
    shown.erase(
        std::remove_if(shown.begin(), shown.end(), [](const auto& each) { return each.internal; }),
        shown.end());
    switch (format) {
        case ExportFormat::prometheus:
        case ExportFormat::http_sd:
            return prometheus(cluster_id, shown);
        case ExportFormat::syslog:
            return syslog(cluster_id, shown);
        case ExportFormat::promtail:
            return promtail(cluster_id, shown);
        case ExportFormat::alloy:
            return alloy(cluster_id, shown);
        case ExportFormat::consul:
            return consul(cluster_id, shown);
        case ExportFormat::json:
            break;
    }
    return {};
}

std::string services_json(const std::vector<ServiceEntry>& entries) {
    JsonText json{2};
    json.begin_list();
    for (const auto& entry : entries) {
        json.begin_object()
            .field("name", entry.name)
            .field("node_id", entry.node_id)
            .field("address", entry.address)
            .field("port", entry.port)
            .field("protocol", entry.protocol)
            .field("path", entry.path)
            .key("metadata");
        write_labels(json, {entry.metadata.begin(), entry.metadata.end()});
        json.field("tags", entry.tags)
            .field("health", to_text(entry.health))
            .field("health_reason", entry.health_reason)
            .field("role", entry.role)
            .field("internal", entry.internal)
            .field("registered_at", to_rfc3339(entry.registered_at))
            .field("updated_at", to_rfc3339(entry.updated_at))
            .end_object();
    }
    json.end_list();
    return json.take() + "\n";
}

std::string services_yaml(const std::vector<ServiceEntry>& entries) {
    if (entries.empty()) return "[]\n";
    std::string text;
    for (const auto& entry : entries) {
        text += "- name: " + quoted(entry.name) + "\n";
        const std::pair<const char*, std::string> before[] = {{"node_id", quoted(entry.node_id)},
                                                              {"address", quoted(entry.address)},
                                                              {"port", std::to_string(entry.port)},
                                                              {"protocol", quoted(entry.protocol)},
                                                              {"path", quoted(entry.path)}};
        for (const auto& [name, value] : before)
            text += std::string{"  "} + name + ": " + value + "\n";
        text += std::string{"  metadata:"} + (entry.metadata.empty() ? " {}" : "") + "\n";
        for (const auto& [key, value] : entry.metadata)
            text += "    " + quoted(key) + ": " + quoted(value) + "\n";
        yaml_texts(text, "tags", entry.tags);
        const std::pair<const char*, std::string> after[] = {
            {"health", std::string{to_text(entry.health)}},
            {"health_reason", quoted(entry.health_reason)},
            {"role", quoted(entry.role)},
            {"internal", entry.internal ? "true" : "false"},
            {"registered_at", quoted(to_rfc3339(entry.registered_at))},
            {"updated_at", quoted(to_rfc3339(entry.updated_at))}};
        for (const auto& [name, value] : after)
            text += std::string{"  "} + name + ": " + value + "\n";
    }
    return text;
}

}  // namespace model
