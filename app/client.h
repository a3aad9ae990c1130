// A client of the cluster: its stores over one connection, for the CLI and for App.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "adapters/json/stores.h"
#include "app/runner.h"
#include "config/config.h"
#include "model/result.h"
#include "model/status.h"
#include "model/time.h"

namespace app {

class Client {
public:
    /// Connects, and waits up to `patience` until the server answers. Creates nothing there: an
    /// absent bucket reads as empty, and the first write to it creates it. unavailable: no answer;
    /// the message has the reason. invalid: nats.servers are several stores, and it is not known
    /// which of them is the cluster's (L12).
    [[nodiscard]] static model::Result<std::unique_ptr<Client>> connect(
        const config::Config& config, model::Duration patience);
    ~Client();
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    [[nodiscard]] reconcilers::ports::ClusterStore& cluster();
    [[nodiscard]] reconcilers::ports::LeaseStore& lease();

    /// What a node's daemon answers over its micro service; empty: it does not answer, or something
    /// else does. Blocks for up to two seconds.
    [[nodiscard]] std::optional<model::NodeStatus> answers(const std::string& node);
    /// Returns when a record has changed since the last wait, or after `limit`. The first call
    /// starts the watch, and does not see changes before it.
    void wait(model::Duration limit);

private:
    struct Parts;
    explicit Client(std::unique_ptr<Parts> parts);
    std::unique_ptr<Parts> parts_;
};

/// A unique text.
[[nodiscard]] std::string new_request_id();

/// The status of this node from its daemon's API, without NATS. Blocks for up to two seconds.
/// unavailable: no answer. invalid, corrupt: another service listens there.
[[nodiscard]] model::Result<model::NodeStatus> ask_own_daemon(const config::Config& config);

/// `join` without a daemon: brings this node's copy up to the end of the log. False: the store has
/// no snapshot. invalid: a daemon runs on this state directory. Writes progress to `progress`, line
/// by line.
[[nodiscard]] model::Result<bool> bootstrap_copy(
    const config::Config& config, const std::function<void(const std::string&)>& progress);

}  // namespace app
