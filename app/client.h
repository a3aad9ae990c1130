// A client of the cluster: the stores over one connection, for the CLI and for App.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>

#include "app/runner.h"
#include "app/stores.h"
#include "model/config.h"
#include "model/result.h"
#include "model/status.h"
#include "model/time.h"

namespace app {

class Client {
public:
    /// Connects, and waits up to `patience` until the server answers. unavailable: it did not; the
    /// message says why.
    [[nodiscard]] static model::Result<std::unique_ptr<Client>> connect(const model::Config& config,
                                                                        model::Duration patience);
    ~Client();
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    [[nodiscard]] reconcilers::ports::ClusterStore& cluster();
    [[nodiscard]] reconcilers::ports::LeaseStore& lease();

    /// Whether the daemon of a node answers its micro service, within a second.
    [[nodiscard]] bool answers(const std::string& node);
    /// Returns when a record changed, at the latest after `limit`.
    void wait(model::Duration limit);

private:
    struct Parts;
    explicit Client(std::unique_ptr<Parts> parts);
    std::unique_ptr<Parts> parts_;
};

/// A text that no other wish has.
[[nodiscard]] std::string new_wish_id();

/// `join` without a daemon: brings this node's copy up to the end of the log. False: the store has
/// no snapshot. invalid: a daemon runs on this state folder. Progress goes to `progress`, a line
/// each.
[[nodiscard]] model::Result<bool> bootstrap_copy(
    const model::Config& config, const std::function<void(const std::string&)>& progress);

}  // namespace app
