// One natsConnection of nats.c and what belongs to it. Includes <nats/nats.h>: for
// connection_core alone.
#pragma once

#include <nats/nats.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/nats/connection.h"
#include "model/result.h"

namespace adapters::nats {

/// Owns the connection and its subscriptions. nats.c 3.4.1 crashes when a subscription is destroyed
/// while messages for it arrive: here they live until the connection is closed.
class Link {
public:
    struct Callbacks {
        natsConnectionHandler disconnected;
        natsConnectionHandler reconnected;
        natsConnectionHandler closed;
        natsErrHandler failed;
        void* closure;
    };

    /// Tries each server once. unavailable: none took us; the message says why.
    [[nodiscard]] static model::Result<std::shared_ptr<Link>> connect(
        const ConnectionOptions& options, const Callbacks& callbacks, std::uint64_t first_session);

    Link(natsConnection* connection, std::uint64_t first_session);
    ~Link();
    Link(const Link&) = delete;
    Link& operator=(const Link&) = delete;

    /// The library's own count, so that no reconnect is missed; may wait for a connect attempt.
    [[nodiscard]] std::uint64_t session() const;
    [[nodiscard]] natsConnStatus status() const { return natsConnection_Status(connection_); }
    [[nodiscard]] std::string server() const;  // without login
    [[nodiscard]] std::string last_error() const;

    /// unavailable: surely not sent. unknown_outcome: perhaps. invalid: too large.
    [[nodiscard]] model::Result<void> publish(const Outgoing& message, const std::string& reply);

    /// Empty where the connection is closed. Owned by this link.
    [[nodiscard]] natsSubscription* subscribe(const std::string& subject,
                                              natsMsgHandler handler,
                                              void* closure);

private:
    natsConnection* connection_;
    mutable std::mutex statistics_mutex_;
    natsStatistics* statistics_ = nullptr;  // nats.c copies its own into it
    std::uint64_t first_session_;
    std::mutex subscriptions_mutex_;
    std::vector<natsSubscription*> subscriptions_;
};

[[nodiscard]] Incoming to_incoming(natsMsg* message);

}  // namespace adapters::nats
