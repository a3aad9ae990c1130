#include "app/discovery.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <thread>
#include <utility>

#include "adapters/json/service_store.h"
#include "adapters/json/stores.h"
#include "adapters/linux/clock.h"
#include "adapters/nats/connection.h"
#include "adapters/nats/kv_feed.h"
#include "adapters/nats/kv_store.h"
#include "app/one_store.h"
#include "app/runner.h"
#include "model/names.h"
#include "reconcilers/freshness.h"
#include "reconcilers/registry/plan.h"

namespace app {
namespace {

using model::Result;
using reconcilers::ports::StatusEntry;
using reconcilers::registry::Silent;
using reconcilers::registry::Stored;
using std::chrono::milliseconds;

constexpr milliseconds answer_limit{500};
constexpr milliseconds retry_interval{500};
constexpr milliseconds first_read_limit{3000};

std::vector<std::string> ids_of(const std::vector<StatusEntry>& nodes) {
    std::vector<std::string> ids;
    for (const auto& node : nodes)
        ids.push_back(node.status.node_id);
    return ids;
}

/// Which nodes were heard of lately, by this machine's clock.
class Heard {
public:
    explicit Heard(model::Duration heartbeat) : heartbeat_{heartbeat}, presence_{heartbeat} {}

    void observe(const std::vector<StatusEntry>& nodes,
                 const std::function<std::set<std::string>(const std::vector<std::string>&)>& ask,
                 model::Instant now) {
        // There is no history of a node that is seen for the first time: it is asked.
        std::vector<std::string> fresh;
        for (const auto& id : ids_of(nodes)) {
            if (!seen_.contains(id)) fresh.push_back(id);
        }
        const auto answering = fresh.empty() ? std::set<std::string>{} : ask(fresh);
        std::vector<reconcilers::Peer> peers;
        for (const auto& [status, revision, readable] : nodes) {
            auto [found, first] = seen_.try_emplace(status.node_id);
            auto& node = found->second;
            if (first) {
                node = {revision, now, !answering.contains(status.node_id)};
            } else if (node.revision != revision) {
                node = {revision, now, false};
            }
            peers.push_back({.status = status,
                             .fresh = reconcilers::is_fresh(
                                 node.changed_at, status.heartbeat_ms, heartbeat_, now)});
        }
        presence_.observe(ids_of(nodes), peers, true, now);
    }

    [[nodiscard]] Silent silent(const Stored& stored, model::Instant now) const {
        auto all = presence_.silent(stored, {}, now);
        for (const auto& [id, node] : seen_) {
            if (node.unanswered) all.emplace(id, "node " + id + " does not answer");
        }
        return all;
    }

private:
    struct Node {
        model::Revision revision;
        model::Instant changed_at;
        bool unanswered = false;  // at its first sight, and nothing was heard of it since
    };
    model::Duration heartbeat_;
    reconcilers::registry::Presence presence_;
    std::map<std::string, Node> seen_;
};

}  // namespace

struct Discovery::Parts {
    Parts(std::shared_ptr<adapters::nats::Connection> shared, const config::Config& config)
        : cluster_id{config.cluster_id},
          heartbeat{config.election.timing.heartbeat},
          connection{std::move(shared)},
          state{connection, options(config, &model::StoreNames::state)},
          spec{connection, options(config, &model::StoreNames::spec)},
          services{connection, options(config, &model::StoreNames::services)},
          cluster{state, spec} {}

    static adapters::nats::KvOptions options(const config::Config& config,
                                             std::string model::StoreNames::*bucket) {
        // It only reads: a bucket that does not exist is an empty one.
        return {.bucket = model::store_names(config.cluster_id).*bucket, .created_by_write = true};
    }

    /// Those of the nodes whose daemon answers within 500 ms.
    std::set<std::string> answering(const std::vector<std::string>& nodes) const {
        std::vector<adapters::nats::Outgoing> requests;
        for (const auto& node : nodes)
            requests.push_back({.subject = model::status_subject(cluster_id, node)});
        const auto until = std::chrono::steady_clock::now() + answer_limit;
        const auto answers = connection->exchange(requests, until);
        std::set<std::string> found;
        for (std::size_t i = 0; i < nodes.size(); ++i) {
            if (answers[i]) found.insert(nodes[i]);
        }
        return found;
    }

    std::string cluster_id;
    model::Duration heartbeat;
    adapters::linux_host::Clock clock;
    WakeUp changed;  // before what wakes it
    std::shared_ptr<adapters::nats::Connection> connection;
    adapters::nats::KvStore state;
    adapters::nats::KvStore spec;
    adapters::nats::KvStore services;
    adapters::json::KvClusterStore cluster;
};

Discovery::Discovery(std::unique_ptr<Parts> parts) : parts_{std::move(parts)} {}
Discovery::~Discovery() = default;

Result<std::unique_ptr<Discovery>> Discovery::connect(const config::Config& config,
                                                      model::Duration patience) {
    auto connection = connect_to_one_store(config, "discovery", patience);
    if (!connection) return std::move(connection).error();
    return std::unique_ptr<Discovery>{
        new Discovery{std::make_unique<Parts>(std::move(*connection), config)}};
}

Result<FoundServices> Discovery::find() {
    auto records = adapters::json::read_services(parts_->services);
    if (!records) return std::move(records).error().during("read the services");
    auto nodes = parts_->cluster.nodes();
    if (!nodes) return std::move(nodes).error().during("read the nodes' status");
    Stored stored;
    std::set<std::string> members;
    for (const auto& id : ids_of(*nodes))
        members.insert(id);
    std::set<std::string> owners;
    for (auto& entry : records->entries) {
        if (members.contains(entry.node_id)) owners.insert(entry.node_id);
        stored[model::service_key(entry.name, entry.node_id)] = {entry, {}};
    }
    const auto answering = parts_->answering({owners.begin(), owners.end()});
    Silent silent;
    for (const auto& [key, each] : stored) {
        const auto& id = each.entry.node_id;
        if (!members.contains(id)) {
            silent.emplace(id, "node " + id + " is no member");
        } else if (!answering.contains(id)) {
            silent.emplace(id, "node " + id + " does not answer");
        }
    }
    return FoundServices{.entries = reconcilers::registry::visible(stored, silent),
                         .unreadable = std::move(records->unreadable)};
}

Result<std::vector<model::ServiceEntry>> Discovery::discover(const std::string& name) {
    auto found = find();
    if (!found) return std::move(found).error();
    return filtered(std::move(found->entries), {.name = name});
}

Result<std::vector<model::ServiceEntry>> Discovery::discover_by_tag(const std::string& tag) {
    auto found = find();
    if (!found) return std::move(found).error();
    return filtered(std::move(found->entries), {.tags = {tag}});
}

Result<std::vector<model::ServiceEntry>> Discovery::discover_by_metadata(const std::string& key,
                                                                         const std::string& value) {
    auto found = find();
    if (!found) return std::move(found).error();
    return filtered(std::move(found->entries), {.metadata = {{key, value}}});
}

void Discovery::watch(const model::ServiceFilter& filter,
                      const std::function<bool(const FoundServices&)>& changed,
                      const std::stop_token& stop,
                      const std::function<void(const model::Error&)>& failed) {
    auto& parts = *parts_;
    const std::stop_callback stopped{stop, [&parts] { parts.changed.wake(); }};
    adapters::nats::KvFeed feed{parts.connection,
                                model::store_names(parts.cluster_id).services,
                                model::largest_service_record};
    feed.on_change([&parts] { parts.changed.wake(); });
    adapters::json::KvServiceStore store{parts.services, feed};
    Heard heard{parts.heartbeat};
    Stored stored;
    reconcilers::registry::Unreadable unreadable;
    std::optional<FoundServices> reported;
    std::optional<model::Instant> failing_since;
    bool failing = false;
    model::Instant next_nodes{};
    while (!stop.stop_requested()) {
        auto changes = store.changes();
        auto now = parts.clock.now();
        Result<void> read;
        if (changes) {
            (void)reconcilers::registry::apply_changes(std::move(*changes), stored, unreadable);
        } else {
            read = std::move(changes).error();
        }
        if (now >= next_nodes) {
            auto nodes = parts.cluster.nodes();
            now = parts.clock.now();
            next_nodes = now + (nodes ? parts.heartbeat : retry_interval);
            if (nodes) {
                heard.observe(
                    *nodes, [&parts](const auto& ids) { return parts.answering(ids); }, now);
            } else if (read) {
                read = std::move(nodes).error();
            }
        }
        if (read) {
            FoundServices found{
                .entries = filtered(
                    reconcilers::registry::visible(stored, heard.silent(stored, now)), filter),
                .unreadable = {}};
            for (const auto& [key, each] : unreadable)
                found.unreadable.push_back(each);
            if (!reported || !(*reported == found)) {
                reported = std::move(found);
                if (!changed(*reported)) return;
            }
            failing_since.reset();
            failing = false;
        } else {
            if (!failing_since) failing_since = now;
            // The first reading takes a moment.
            const bool due = reported || now - *failing_since >= first_read_limit;
            if (due && !std::exchange(failing, true) && failed) failed(read.error());
        }
        parts.changed.wait(std::min<model::Duration>(
            read ? parts.heartbeat : model::Duration{retry_interval},
            std::max<model::Duration>(next_nodes - now, milliseconds{1})));
    }
}

}  // namespace app
