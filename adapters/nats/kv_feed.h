// A feed of a KV bucket: one message of the server's for each change. Wire format: NATS ADR-8.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "adapters/kv/kv_feed.h"
#include "adapters/nats/connection.h"
#include "adapters/nats/jetstream.h"
#include "adapters/sync/gate.h"
#include "adapters/sync/mutex.h"

namespace adapters::nats {

/// What a push consumer tells with each message, in its reply subject.
struct Delivery {
    std::string consumer;
    std::uint64_t stream_sequence = 0;
    std::uint64_t consumer_sequence = 0;
    std::uint64_t pending = 0;  // messages that come after it, as of now
};
/// not_found: not such a subject.
/// Source: NATS ADR-15, "JetStream subscribe workflow", acknowledgement subjects.
[[nodiscard]] model::Result<Delivery> parse_delivery(std::string_view reply);

/// A consumer in memory, kept alive from the connection's own thread and made anew where something
/// was missed: then everything comes again. Safe from any thread.
class KvFeed final : public adapters::kv::KvFeed {
public:
    /// largest  values of more bytes come without their bytes
    KvFeed(std::shared_ptr<Connection> connection, const std::string& bucket, std::size_t largest);
    ~KvFeed() override;
    KvFeed(const KvFeed&) = delete;
    KvFeed& operator=(const KvFeed&) = delete;

    [[nodiscard]] model::Result<adapters::kv::KvChanges> take() override EXCLUDES(mutex_);
    void on_change(std::function<void()> wake) override;

private:
    using SteadyTime = std::chrono::steady_clock::time_point;
    void received(const Incoming& message) EXCLUDES(mutex_);
    /// Whether take() has something new.
    [[nodiscard]] bool accept(const Incoming& message) EXCLUDES(mutex_);
    void keep() EXCLUDES(mutex_);
    void begin(const std::string& consumer) EXCLUDES(mutex_);

    JetStream jetstream_;
    const std::string prefix_;
    const std::size_t largest_;
    sync::Callback wake_;

    mutable sync::Mutex mutex_;
    std::string consumer_ GUARDED_BY(mutex_);  // empty: there is none
    std::uint64_t generation_ GUARDED_BY(mutex_) = 0;
    std::uint64_t delivered_ GUARDED_BY(mutex_) = 0;  // by this consumer
    bool broken_ GUARDED_BY(mutex_) = false;          // something of it was missed
    bool complete_ GUARDED_BY(mutex_) = false;        // read to its end
    bool whole_ GUARDED_BY(mutex_) = true;            // of what take() gives next
    SteadyTime heard_at_ GUARDED_BY(mutex_);
    std::map<std::string, adapters::kv::KvChange> changes_ GUARDED_BY(mutex_);

    // Last, so that no call runs while the rest goes away. The first is of the connection's thread.
    std::unique_ptr<Connection::Subscription> subscription_;
    std::unique_ptr<Connection::Registration> on_connection_;
    std::unique_ptr<Connection::Registration> every_tick_;
};

}  // namespace adapters::nats
