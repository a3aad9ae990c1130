#include "app/app.h"

#include <unistd.h>

#include <map>
#include <utility>

#include "adapters/json/config_file.h"
#include "app/client.h"
#include "app/daemon.h"

namespace cluster {
namespace {

using model::Result;

constexpr std::chrono::seconds connect_patience{5};

std::map<std::string, std::string> environment() {
    std::map<std::string, std::string> all;
    for (char** each = environ; *each != nullptr; ++each) {
        const std::string pair = *each;
        const auto equals = pair.find('=');
        if (equals != std::string::npos) all[pair.substr(0, equals)] = pair.substr(equals + 1);
    }
    return all;
}

}  // namespace

App::App(std::string cluster_id, std::string node_id, std::vector<std::string> servers) {
    model::ConfigInput input;
    input.file = "App";
    config_ = model::make_config(input).config;  // the defaults of every key
    config_.cluster_id = std::move(cluster_id);
    config_.node_id = std::move(node_id);
    config_.nats.servers = std::move(servers);
}

Result<App> App::load_config(const std::string& path,
                             const std::vector<model::ConfigOverride>& overrides) {
    auto all = model::environment_overrides(environment());
    all.insert(all.end(), overrides.begin(), overrides.end());
    auto loaded = adapters::json::load_config(path, all);
    if (!loaded) return std::move(loaded).error();
    App app{std::move(loaded->config)};
    app.warnings_ = std::move(loaded->warnings);
    return app;
}

App& App::with_sqlite(std::string data_path, std::string replica_path) {
    config_.backend.data_path = std::move(data_path);
    config_.wal.replica_path = std::move(replica_path);
    return *this;
}

App& App::with_process_backend(std::vector<std::string> command, std::string health) {
    config_.backend.kind = model::BackendConfig::Kind::process;
    config_.backend.process.command = std::move(command);
    config_.backend.health_endpoint = std::move(health);
    return *this;
}

App& App::with_lease(model::Duration ttl, model::Duration heartbeat) {
    auto& timing = config_.election.timing;
    timing.ttl = ttl;
    timing.heartbeat = heartbeat;
    timing.margin = std::max<model::Duration>(ttl / 5, std::chrono::milliseconds{500});
    timing.cooldown = ttl;
    return *this;
}

App& App::with_state(std::string folder) {
    config_.state_dir = std::move(folder);
    return *this;
}

App& App::with_addresses(model::HostPort api, model::HostPort metrics) {
    config_.api = std::move(api);
    config_.metrics = std::move(metrics);
    return *this;
}

std::vector<model::ConfigProblem> App::problems() const { return model::check_config(config_); }

int App::run(int warden_fd, const std::stop_token& stop) const {
    return app::run_node_process(config_, warden_fd, stop);
}

Result<std::vector<model::NodeStatus>> App::status() const {
    auto client = app::Client::connect(config_, connect_patience);
    if (!client) return std::move(client).error();
    auto nodes = (*client)->cluster().nodes();
    if (!nodes) return std::move(nodes).error();
    std::vector<model::NodeStatus> all;
    for (auto& node : *nodes)
        all.push_back(std::move(node.status));
    return all;
}

Result<std::string> App::promote() const { return wish(config_.node_id, {}); }
Result<std::string> App::demote() const { return wish({}, config_.node_id); }

Result<std::string> App::wish(std::string to, std::string from) const {
    auto client = app::Client::connect(config_, connect_patience);
    if (!client) return std::move(client).error();
    auto entry = (*client)->cluster().spec();
    if (!entry) return std::move(entry).error();
    auto spec = entry->spec;
    spec.switchover = model::Spec::Switchover{
        .id = app::new_wish_id(), .to = std::move(to), .from = std::move(from)};
    auto written = (*client)->cluster().write(spec, entry->revision);
    if (!written) return std::move(written).error();
    return spec.switchover->id;
}

}  // namespace cluster
