// The metrics for Prometheus. Names and labels are promised to users: they never change their
// meaning.
#include <prometheus/metric_family.h>
#include <prometheus/metric_type.h>
#include <prometheus/text_serializer.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "api/pages.h"

namespace api {
namespace {

using Labels = std::vector<std::pair<std::string, std::string>>;

class Families {
public:
    explicit Families(const Published& published)
        : cluster_{{"cluster", published.node.cluster_id}},
          node_{{"cluster", published.node.cluster_id}, {"node", published.node.node_id}} {}

    [[nodiscard]] const Labels& cluster() const { return cluster_; }
    [[nodiscard]] const Labels& node() const { return node_; }
    [[nodiscard]] Labels node(std::string name, std::string value) const {
        auto labels = node_;
        labels.emplace_back(std::move(name), std::move(value));
        return labels;
    }

    void gauge(const std::string& name,
               const std::string& help,
               const std::vector<std::pair<Labels, double>>& samples) {
        add(name, help, prometheus::MetricType::Gauge, samples);
    }
    void counter(const std::string& name, const std::string& help, const Labels& labels, double v) {
        add(name, help, prometheus::MetricType::Counter, {{labels, v}});
    }

    [[nodiscard]] std::string text() const {
        return prometheus::TextSerializer{}.Serialize(families_);
    }

private:
    void add(const std::string& name,
             const std::string& help,
             prometheus::MetricType type,
             const std::vector<std::pair<Labels, double>>& samples) {
        prometheus::MetricFamily family;
        family.name = "convex_cluster_" + name;
        family.help = help;
        family.type = type;
        for (const auto& [labels, value] : samples) {
            prometheus::ClientMetric metric;
            for (const auto& [label, text] : labels)
                metric.label.push_back({label, text});
            metric.gauge.value = value;
            metric.counter.value = value;
            family.metric.push_back(std::move(metric));
        }
        families_.push_back(std::move(family));
    }

    Labels cluster_;
    Labels node_;
    std::vector<prometheus::MetricFamily> families_;
};

/// Of the whole cluster, as this node reads it. A registry that cannot be read is no series.
void add_services(Families& families, const Published& published) {
    if (!published.services) return;
    std::map<std::string, std::pair<double, double>> counts;  // all, passing
    for (const auto& entry : *published.services) {
        auto& [all, passing] = counts[entry.name];
        ++all;
        if (entry.health == model::ServiceHealth::passing) ++passing;
    }
    std::vector<std::pair<Labels, double>> total;
    std::vector<std::pair<Labels, double>> healthy;
    for (const auto& [name, count] : counts) {
        auto labels = families.cluster();
        labels.emplace_back("service", name);
        total.emplace_back(labels, count.first);
        healthy.emplace_back(labels, count.second);
    }
    if (!total.empty()) {
        families.gauge("services_total", "Nodes on which the service is registered.", total);
        families.gauge("services_healthy", "Nodes on which the service is passing.", healthy);
    }
    families.gauge("services_unreadable",
                   "Records in the registry that are skipped.",
                   {{families.node(), static_cast<double>(published.unreadable_services)}});
}

double seconds(model::Duration duration) { return std::chrono::duration<double>(duration).count(); }

}  // namespace

std::string metrics_page(const Published& published, model::Instant now) {
    const auto& status = published.node;
    const bool leads = published.lease && now < published.lease->valid_until;
    Families families{published};

    families.gauge("is_leader",
                   "1 while this node holds a valid lease.",
                   {{families.node(), leads ? 1.0 : 0.0}});
    // As it could be read last; a record that was never read has none.
    if (status.epoch != model::Epoch{}) {
        families.gauge("leader_epoch",
                       "Epoch of the lease record, as this node saw it last.",
                       {{families.cluster(), static_cast<double>(status.epoch.value)}});
    }
    families.gauge("leader_known",
                   "1 while this node can read who leads.",
                   {{families.node(), status.leader_unknown ? 0.0 : 1.0}});
    families.gauge("lease_remaining_seconds",
                   "Until this node's lease ends; 0 where it holds none.",
                   {{families.node(), leads ? seconds(published.lease->valid_until - now) : 0.0}});

    std::vector<std::pair<Labels, double>> states;
    for (const char* state : {"running", "stopped", "failed", "running-no-wal"}) {
        states.emplace_back(families.node("status", state),
                            status.backend_status == state ? 1.0 : 0.0);
    }
    families.gauge("backend_status", "1 for the state that the backend is in.", states);
    families.gauge("backend_uptime_seconds",
                   "Since the backend was started; 0 while it does not run.",
                   {{families.node(),
                     published.backend_started ? seconds(now - *published.backend_started) : 0.0}});

    // A lag that is not known has no series: 0 would read as "up to date".
    if (status.lag) {
        families.gauge("replication_lag_ms",
                       "Age of the oldest transaction that is not shipped or not applied.",
                       {{families.node(), static_cast<double>(status.lag->ms)}});
        families.gauge("replication_lag_transactions",
                       "Transactions that are not shipped or not applied.",
                       {{families.node(), static_cast<double>(status.lag->transactions)}});
    }
    families.gauge("replication_txid",
                   "Number of the last transaction in this node's data.",
                   {{families.node(), static_cast<double>(status.position.txid.value)}});
    families.counter("wal_bytes_total",
                     "Bytes of the WAL that were shipped.",
                     families.node(),
                     static_cast<double>(published.wal_bytes_total));

    std::vector<std::pair<Labels, double>> conditions;
    for (const auto& condition : status.conditions) {
        if (!condition.known) continue;
        conditions.emplace_back(families.node("type", std::string{to_text(condition.type)}),
                                condition.status ? 1.0 : 0.0);
    }
    if (!conditions.empty()) {
        families.gauge("condition",
                       "1 while the condition is true; no series while it is not known.",
                       conditions);
    }
    families.gauge("alarm",
                   "1 while this node needs an operator.",
                   {{families.node(), status.alarm.empty() ? 0.0 : 1.0}});
    if (!published.vips.empty()) {
        bool held = true;
        bool conflict = false;
        std::uint64_t announcements = 0;
        for (const auto& vip : published.vips) {
            held = held && vip.bound;
            conflict = conflict || !vip.conflict.empty();
            announcements += vip.announcements;
        }
        families.gauge("vip_held",
                       "1 while this node has every virtual address, as the kernel shows.",
                       {{families.node(), held ? 1.0 : 0.0}});
        families.gauge("vip_conflict",
                       "1 while another host has a virtual address, or this one by other means.",
                       {{families.node(), conflict ? 1.0 : 0.0}});
        families.counter("vip_announcements_total",
                         "Announcements of virtual addresses that were sent.",
                         families.node(),
                         static_cast<double>(announcements));
    }
    add_services(families, published);
    families.gauge(
        "build_info", "1, with the version.", {{families.node("version", status.version), 1.0}});
    return families.text();
}

}  // namespace api
