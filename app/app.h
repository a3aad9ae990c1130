// The library's interface: a node of a cluster, for the daemon and for programs that embed it.
#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "config/config.h"
#include "model/result.h"
#include "model/status.h"

namespace cluster {

/// One node: its configuration and the operations on it. Create it from a file with load_config, or
/// in code with the `with_` functions; then run() it, or query the cluster.
class App {
public:
    /// cluster_id, node_id  as in cluster.json; servers: NATS URLs
    App(std::string cluster_id, std::string node_id, std::vector<std::string> servers);

    /// Loads a file; CLUSTER_ID, NODE_ID and NATS_URL of the environment take precedence over it,
    /// and `overrides` over both. not_found, invalid: the message lists all errors.
    [[nodiscard]] static model::Result<App> load_config(
        const std::string& path, const std::vector<config::Override>& overrides = {});

    /// The database that the backend serves, and this node's copy while it is passive.
    App& with_sqlite(std::string data_path, std::string replica_path);
    /// The backend as a child of the warden; `health`: a URL that answers 2xx while it serves, or
    /// "".
    App& with_process_backend(std::vector<std::string> command, std::string health);
    App& with_lease(model::Duration ttl, model::Duration heartbeat);
    App& with_state(std::string directory);
    App& with_addresses(model::HostPort api, model::HostPort metrics);

    /// Errors of the configuration; empty: it can run.
    [[nodiscard]] std::vector<config::Problem> problems() const;
    /// Settings of the file that are unknown or not active.
    [[nodiscard]] const std::vector<config::Problem>& warnings() const { return warnings_; }
    [[nodiscard]] const config::Config& config() const { return config_; }

    /// Runs the node process under the warden at the other end of `warden_fd`, until `stop` is
    /// requested and the node has completed an orderly step-down. Blocks. `started`: called once,
    /// when connected to the warden. Returns the exit status for the warden.
    [[nodiscard]] int run(int warden_fd,
                          const std::stop_token& stop,
                          const std::function<void()>& started = {}) const;

    /// The published status of every node. Blocks for a few seconds at most. unavailable: NATS does
    /// not answer.
    [[nodiscard]] model::Result<std::vector<model::NodeStatus>> status() const;
    /// Requests a planned switchover to this node, or from it to the best other one. The nodes
    /// carry it out; this call takes no part in the election. Returns the id of the request, which
    /// the node that resolves it publishes in its `switchover`; the id may be that of another
    /// operator's equal request.
    ///
    /// conflict         refused; the message has the reason, such as "paused"
    /// corrupt          the spec in the store cannot be read
    /// unavailable      NATS does not answer; nothing was requested
    /// unknown_outcome  no answer; the request may be stored
    [[nodiscard]] model::Result<std::string> promote() const;
    [[nodiscard]] model::Result<std::string> demote() const;

private:
    explicit App(config::Config config) : config_{std::move(config)} {}
    [[nodiscard]] model::Result<std::string> request_switchover(std::string to,
                                                                std::string from) const;

    config::Config config_;
    std::vector<config::Problem> warnings_;
};

}  // namespace cluster
