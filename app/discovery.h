// Finding services: for programs, and for the command line.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "config/config.h"
#include "model/result.h"
#include "model/service.h"
#include "model/time.h"

namespace app {

using model::FoundServices;

/// A reader of the registry. It makes nothing in NATS; a cluster without a registry has none.
/// Of one thread at a time. Errors of all: unavailable, NATS does not answer.
class Discovery {
public:
    /// Connects, and waits up to `patience` until a server answers.
    [[nodiscard]] static model::Result<std::unique_ptr<Discovery>> connect(
        const config::Config& config, model::Duration patience);
    ~Discovery();
    Discovery(const Discovery&) = delete;
    Discovery& operator=(const Discovery&) = delete;

    /// All there is now. Entries of nodes that are no member, or whose daemon does not answer its
    /// micro service within 500 ms, are critical.
    [[nodiscard]] model::Result<FoundServices> find();
    [[nodiscard]] model::Result<std::vector<model::ServiceEntry>> discover(const std::string& name);
    [[nodiscard]] model::Result<std::vector<model::ServiceEntry>> discover_by_tag(
        const std::string& tag);
    [[nodiscard]] model::Result<std::vector<model::ServiceEntry>> discover_by_metadata(
        const std::string& key, const std::string& value);

    /// Calls `changed` with what matches, at once and whenever it is another, until `stop` is
    /// requested or `changed` returns false. A node is silent after four heartbeats, by this
    /// machine's clock. While the registry cannot be read `changed` is not called; `failed` (if
    /// any) is called once each time. Costs the server one message for each change, and one reading
    /// of the nodes' status each heartbeat.
    void watch(const model::ServiceFilter& filter,
               const std::function<bool(const FoundServices&)>& changed,
               const std::stop_token& stop,
               const std::function<void(const model::Error&)>& failed = {});

private:
    struct Parts;
    explicit Discovery(std::unique_ptr<Parts> parts);
    std::unique_ptr<Parts> parts_;
};

}  // namespace app
