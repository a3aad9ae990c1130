#include "app/app.h"

#include <unistd.h>

#include <map>
#include <utility>

#include "adapters/json/config_file.h"
#include "adapters/linux/clock.h"
#include "adapters/linux/config_disk.h"
#include "app/client.h"
#include "app/daemon.h"
#include "control/change.h"
#include "control/operations.h"
#include "model/names.h"

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
    config::Input input;
    input.file = "App";
    config_ = config::build(input).config;  // the defaults of every key
    config_.cluster_id = std::move(cluster_id);
    config_.node_id = std::move(node_id);
    config_.nats.servers = std::move(servers);
}

Result<App> App::load_config(const std::string& path,
                             const std::vector<config::Override>& overrides) {
    auto all = config::environment_overrides(environment());
    all.insert(all.end(), overrides.begin(), overrides.end());
    const auto text = adapters::linux_host::read_config(path);
    if (!text) return text.error();
    auto outcome = adapters::json::build_config(*text, path, all);
    if (!outcome) return std::move(outcome).error();
    adapters::linux_host::check_disk(*outcome);
    if (!outcome->errors.empty()) {
        return model::error(model::Errc::invalid, config::to_text(outcome->errors));
    }
    App app{std::move(outcome->config)};
    app.warnings_ = std::move(outcome->warnings);
    return app;
}

App& App::with_sqlite(std::string data_path, std::string replica_path) {
    config_.backend.data_path = std::move(data_path);
    config_.wal.replica_path = std::move(replica_path);
    return *this;
}

App& App::with_process_backend(std::vector<std::string> command, std::string health) {
    config_.backend.kind = config::Backend::Kind::process;
    config_.backend.process.command = std::move(command);
    config_.backend.health_endpoint = std::move(health);
    return *this;
}

App& App::with_lease(model::Duration ttl, model::Duration heartbeat) {
    auto& timing = config_.election.timing;
    timing.ttl = ttl;
    timing.heartbeat = heartbeat;
    timing.margin = config::least_margin(ttl);
    timing.cooldown = ttl;
    return *this;
}

App& App::with_state(std::string directory) {
    config_.state_dir = std::move(directory);
    return *this;
}

App& App::with_addresses(model::HostPort api, model::HostPort metrics) {
    config_.api = std::move(api);
    config_.metrics = std::move(metrics);
    return *this;
}

std::vector<config::Problem> App::problems() const {
    auto all = config::check(config_);
    // The files named in a configuration file are checked when it is loaded.
    const auto add = [&](const char* key, const std::string& value, std::string reason) {
        if (!reason.empty()) all.push_back({config_.file, key, value, std::move(reason)});
    };
    add("clusterId", config_.cluster_id, model::why_no_cluster_id(config_.cluster_id));
    add("nodeId", config_.node_id, model::why_no_node_id(config_.node_id));
    add("nats.servers", "", config_.nats.servers.empty() ? "must name a server" : "");
    return all;
}

int App::run(int warden_fd,
             const std::stop_token& stop,
             const std::function<void()>& started) const {
    return app::run_node_process(config_, warden_fd, stop, started);
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

Result<std::string> App::promote() const { return request_switchover(config_.node_id, {}); }
Result<std::string> App::demote() const { return request_switchover({}, config_.node_id); }

Result<std::string> App::request_switchover(std::string to, std::string from) const {
    auto client = app::Client::connect(config_, connect_patience);
    if (!client) return std::move(client).error();
    const adapters::linux_host::Clock clock;
    const control::Switchover request{
        .id = app::new_request_id(), .to = std::move(to), .from = std::move(from)};
    auto spec = control::change_spec(
        (*client)->cluster(),
        [&request](model::Spec present) {
            return control::request_switchover(std::move(present), request);
        },
        {.clock = clock, .wait = [&client](model::Duration time) { (*client)->wait(time); }});
    if (!spec) return std::move(spec).error();
    return spec->switchover->id;
}

}  // namespace cluster
