// One natsConnection of nats.c and its subscriptions. Includes <nats/nats.h>: for connection_core
// only.
#pragma once

#include <nats/nats.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/nats/connection.h"
#include "adapters/sync/mutex.h"
#include "model/result.h"

namespace adapters::nats {

/// Whether this version of nats.c uses the login of a URL without decoding it: see choose_servers.
[[nodiscard]] bool takes_logins_as_they_stand();

/// Owns the connection and its subscriptions. nats.c 3.4.1 crashes when a subscription is destroyed
/// while messages arrive for it, so subscriptions are kept until the connection is closed.
class Link {
public:
    struct Callbacks {
        natsConnectionHandler disconnected;
        natsConnectionHandler reconnected;
        natsConnectionHandler closed;
        natsErrHandler failed;
        void* closure;
    };

    /// Tries each server once, in the given order or any order. unavailable: no server accepted the
    /// connection; the message has the reason.
    [[nodiscard]] static model::Result<std::shared_ptr<Link>> connect(
        const ConnectionOptions& options,
        bool in_order,
        const Callbacks& callbacks,
        std::uint64_t first_generation);

    Link(natsConnection* connection, std::uint64_t first_generation)
        : connection_{connection}, first_generation_{first_generation} {}
    ~Link();
    Link(const Link&) = delete;
    Link& operator=(const Link&) = delete;

    /// Counted by the library, so that no reconnect is missed. May block while a connect is
    /// attempted.
    [[nodiscard]] std::uint64_t connection_generation() const;
    /// The generation of its first connect; larger than all of older links of the same Connection.
    [[nodiscard]] std::uint64_t first_generation() const { return first_generation_; }
    [[nodiscard]] natsConnStatus status() const { return natsConnection_Status(connection_); }
    [[nodiscard]] std::string server() const;  // URL without login
    [[nodiscard]] std::string last_error() const;

    /// unavailable: not sent. unknown_outcome: perhaps sent. invalid: too large.
    [[nodiscard]] model::Result<void> publish(const Outgoing& message, const std::string& reply);

    /// Empty where the connection is closed. Owned by this link.
    [[nodiscard]] natsSubscription* subscribe(const std::string& subject,
                                              natsMsgHandler handler,
                                              void* closure);

private:
    natsConnection* const connection_;
    const std::uint64_t first_generation_;
    sync::Mutex mutex_;
    std::vector<natsSubscription*> subscriptions_ GUARDED_BY(mutex_);
};

[[nodiscard]] Incoming to_incoming(natsMsg* message);

}  // namespace adapters::nats
