#include "app/client.h"

#include <thread>
#include <utility>

#include "adapters/http/http_get.h"
#include "adapters/json/records.h"
#include "adapters/linux/clock.h"
#include "adapters/linux/files.h"
#include "adapters/linux/host.h"
#include "adapters/linux/state_lock.h"
#include "adapters/nats/connection.h"
#include "adapters/nats/kv_store.h"
#include "adapters/nats/log_store.h"
#include "adapters/nats/micro.h"
#include "adapters/sqlite/database.h"
#include "app/node_settings.h"
#include "app/one_store.h"
#include "model/names.h"
#include "reconcilers/node.h"

namespace app {
namespace {

using model::Errc;
using model::Result;
using std::chrono::milliseconds;

using Shared = std::shared_ptr<adapters::nats::Connection>;

/// Logs nothing: the user reads the command's own lines.
class Silence final : public reconcilers::ports::Events {
public:
    void emit(reconcilers::ports::Level,
              std::string_view,
              const reconcilers::ports::Fields&) override {}
};

}  // namespace

struct Client::Parts {
    Parts(Shared shared, const config::Config& config)
        : cluster_id{config.cluster_id},
          connection{std::move(shared)},
          election{connection, options(config, &model::StoreNames::election)},
          state{connection, options(config, &model::StoreNames::state)},
          spec{connection, options(config, &model::StoreNames::spec)},
          lease{election},
          cluster{state, spec} {}

    static adapters::nats::KvOptions options(const config::Config& config,
                                             std::string model::StoreNames::*bucket) {
        return {.bucket = model::store_names(config.cluster_id).*bucket,
                .replicas = config.nats.replicas,
                .created_by_write = true};
    }

    std::string cluster_id;
    WakeUp changed;  // constructed before the stores, whose watches wake it
    bool watches = false;
    Shared connection;
    adapters::nats::KvStore election;
    adapters::nats::KvStore state;
    adapters::nats::KvStore spec;
    adapters::json::KvLeaseStore lease;
    adapters::json::KvClusterStore cluster;
};

Client::Client(std::unique_ptr<Parts> parts) : parts_{std::move(parts)} {}
Client::~Client() = default;

Result<std::unique_ptr<Client>> Client::connect(const config::Config& config,
                                                model::Duration patience) {
    auto connection = connect_to_one_store(config, "client", patience);
    if (!connection) return std::move(connection).error();
    return std::unique_ptr<Client>{
        new Client{std::make_unique<Parts>(std::move(*connection), config)}};
}

reconcilers::ports::ClusterStore& Client::cluster() { return parts_->cluster; }
reconcilers::ports::LeaseStore& Client::lease() { return parts_->lease; }

std::optional<model::NodeStatus> Client::answers(const std::string& node) {
    const auto subject = model::status_subject(parts_->cluster_id, node);
    const auto answer =
        parts_->connection->request({.subject = subject, .headers = {}, .payload = {}});
    if (!answer) return std::nullopt;
    auto status = adapters::json::decode_micro_status(model::to_text(answer->payload));
    if (!status || status->node_id != node) return std::nullopt;
    return std::move(*status);
}

void Client::wait(model::Duration limit) {
    auto& parts = *parts_;
    if (!std::exchange(parts.watches, true)) {
        parts.lease.on_change([&parts] { parts.changed.wake(); });
        parts.cluster.on_change([&parts] { parts.changed.wake(); });
    }
    parts.changed.wait(limit);
}

std::string new_request_id() {
    adapters::linux_host::Random random;
    std::string id;
    for (int i = 0; i < 16; ++i)
        id += "0123456789abcdef"[random.below(16)];
    return id;
}

Result<model::NodeStatus> ask_own_daemon(const config::Config& config) {
    auto api = config.api;
    // A listener on all addresses can be reached on this one, too.
    if (api.host == "0.0.0.0") api.host = "127.0.0.1";
    if (api.host == "::") api.host = "::1";
    const auto page = adapters::http::get(api, "/status", std::chrono::seconds{2});
    if (!page) return page.error();
    auto status = adapters::json::decode_status_page(*page);
    if (!status) return std::move(status).error().during(model::to_text(api));
    if (status->node_id != config.node_id || status->cluster_id != config.cluster_id) {
        return model::error(Errc::invalid,
                            model::to_text(api) + " is the API of node " + status->node_id +
                                " of cluster " + status->cluster_id);
    }
    return status;
}

Result<bool> bootstrap_copy(const config::Config& config,
                            const std::function<void(const std::string&)>& progress) {
    auto host = adapters::linux_host::host();
    if (!host) return std::move(host).error();
    adapters::linux_host::Files files;
    if (auto created = files.create_directory(config.state_dir); !created)
        return std::move(created).error();
    // Takes the warden's lock: while it is held, no daemon writes to the same files.
    const auto lock = adapters::linux_host::StateLock::take(config.state_dir);
    if (!lock && lock.error().code == Errc::conflict) {
        return model::error(
            Errc::invalid,
            lock.error().message + ": the daemon of this node runs, and copies by itself");
    }
    if (!lock) return lock.error();

    auto connection = connect_to_one_store(config, "client", std::chrono::seconds{10});
    if (!connection) return std::move(connection).error();
    adapters::nats::LogStore log{*connection,
                                 {.bucket = model::store_names(config.cluster_id).wal}};
    const auto exists = log.exists();
    if (!exists) return exists.error();
    if (!*exists) return false;
    adapters::linux_host::Clock clock;
    Silence events;
    const auto database = adapters::sqlite::make_database(config.backend.data_path, {});
    reconcilers::Bootstrap bootstrap{
        node_settings(config, *host, {}),
        {.log = log, .files = files, .database = *database, .clock = clock, .events = events}};
    std::string last;
    for (;;) {
        const auto pass = bootstrap.step();
        if (!pass) return pass.error();
        if (pass->state == reconcilers::Bootstrap::Pass::State::copied) return true;
        if (pass->state == reconcilers::Bootstrap::Pass::State::no_data) return false;
        if (pass->progress != last) {
            last = pass->progress;
            progress(last);
        }
        const auto pause = pass->wake_at - clock.now();
        if (pause > model::Duration{}) std::this_thread::sleep_for(pause);
    }
}

}  // namespace app
