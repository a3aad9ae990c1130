// The library's face: a node of a cluster, for the daemon and for programs that embed it.
#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "model/config.h"
#include "model/result.h"
#include "model/status.h"

namespace cluster {

/// One node: its configuration, and what can be done with it. Build it from a file with
/// load_config, or in code with the `with_` functions, then run() it or ask the cluster something.
class App {
public:
    /// cluster_id, node_id  as in cluster.json; servers: NATS URLs
    App(std::string cluster_id, std::string node_id, std::vector<std::string> servers);

    /// From a file, with CLUSTER_ID, NODE_ID and NATS_URL of the environment above it and
    /// `overrides` above both. not_found, invalid: the message lists everything that is wrong.
    [[nodiscard]] static model::Result<App> load_config(
        const std::string& path, const std::vector<model::ConfigOverride>& overrides = {});

    /// The database that the backend serves, and where this node keeps its copy while it is
    /// passive.
    App& with_sqlite(std::string data_path, std::string replica_path);
    /// The backend as a child of the warden; `health`: a URL that answers 2xx while it serves, or
    /// "".
    App& with_process_backend(std::vector<std::string> command, std::string health);
    App& with_lease(model::Duration ttl, model::Duration heartbeat);
    App& with_state(std::string folder);
    App& with_addresses(model::HostPort api, model::HostPort metrics);

    /// What is wrong with it, one problem in each; empty: it can run.
    [[nodiscard]] std::vector<model::ConfigProblem> problems() const;
    /// What the file said and is not active, or not known.
    [[nodiscard]] const std::vector<model::ConfigProblem>& warnings() const { return warnings_; }
    [[nodiscard]] const model::Config& config() const { return config_; }

    /// The node process under the warden at the other end of `warden_fd`, until `stop` is requested
    /// and the node has stepped down in order. Blocks. Returns the exit status that the warden
    /// expects.
    [[nodiscard]] int run(int warden_fd, const std::stop_token& stop) const;

    /// What every node of the cluster publishes, within a few seconds. unavailable: NATS does not
    /// answer.
    [[nodiscard]] model::Result<std::vector<model::NodeStatus>> status() const;
    /// Wishes to the cluster; the returned id names it in a node's `switchover`. They take no part
    /// in the election. `to` "": any other node than `from`.
    [[nodiscard]] model::Result<std::string> promote() const;
    [[nodiscard]] model::Result<std::string> demote() const;

private:
    explicit App(model::Config config) : config_{std::move(config)} {}
    [[nodiscard]] model::Result<std::string> wish(std::string to, std::string from) const;

    model::Config config_;
    std::vector<model::ConfigProblem> warnings_;
};

/// The program `convex-cluster-manager`: an exit status. `arguments` without the program's name.
[[nodiscard]] int run_command_line(const std::vector<std::string>& arguments);

}  // namespace cluster
