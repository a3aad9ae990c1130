// Reports new messages in a stream. A hint: it may come too often, and a lost one is made up for at
// the next reconnect or heartbeat.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "adapters/nats/connection.h"
#include "adapters/nats/jetstream.h"

namespace adapters::nats {

/// A headers-only consumer in memory, kept alive on the connection's own thread. Not an ordered
/// consumer of nats.c, which destroys active subscriptions when it resets.
class Watch {
public:
    /// Calls `wake` from any thread: for each new message on `filter`, when the connection changed,
    /// and when messages may have been missed. It must not block.
    Watch(std::shared_ptr<Connection> connection,
          std::string stream,
          std::string filter,
          std::function<void()> wake);
    ~Watch();
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

private:
    using SteadyTime = std::chrono::steady_clock::time_point;
    void received(const Incoming& message);
    void keep();

    JetStream jetstream_;
    const std::string filter_;
    const std::function<void()> wake_;
    std::atomic<SteadyTime> heard_at_;

    // Used on the connection's thread only.
    std::string consumer_;  // empty: there is none
    std::uint64_t generation_ = 0;

    // Declared last, so that no call runs while other members are destroyed.
    std::unique_ptr<Connection::Subscription> subscription_;
    std::unique_ptr<Connection::Registration> on_change_;
    std::unique_ptr<Connection::Registration> every_tick_;
};

}  // namespace adapters::nats
