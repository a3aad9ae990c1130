#include "adapters/nats/watch.h"

#include <utility>

#include "adapters/nats/random_id.h"

namespace adapters::nats {
namespace {

using namespace std::chrono_literals;

constexpr auto heartbeat = 500ms;
constexpr auto silence = 3 * heartbeat;
constexpr std::size_t most_stale = 16;

}  // namespace

Watch::Watch(std::shared_ptr<Connection> connection,
             std::string stream,
             std::string filter,
             std::function<void()> wake)
    : jetstream_{std::move(connection), std::move(stream)},
      filter_{std::move(filter)},
      inbox_{jetstream_.connection().new_inbox()},
      wake_{std::move(wake)},
      heard_at_{std::chrono::steady_clock::now()} {
    auto& conn = jetstream_.connection();
    subscription_ = conn.subscribe(inbox_, [this](const auto& message) { received(message); });
    on_change_ = conn.on_change(wake_);
    every_tick_ = conn.every_tick([this] { keep(); });
}

Watch::~Watch() {
    // The server removes the consumer itself once nobody listens to the inbox.
    every_tick_.reset();
    on_change_.reset();
    subscription_.reset();
}

void Watch::received(const Incoming& message) {
    heard_at_ = std::chrono::steady_clock::now();
    if (message.header("Status") != "100") wake_();
}

void Watch::keep() {
    if (!jetstream_.connection().connected()) return;
    const auto session = jetstream_.connection().session();
    const bool silent = std::chrono::steady_clock::now() - heard_at_.load() > silence;
    if (!consumer_.empty() && session == session_ && !silent) {
        if (!stale_.empty() && jetstream_.remove_consumer(stale_.back())) stale_.pop_back();
        return;
    }
    if (!consumer_.empty() && stale_.size() < most_stale) stale_.push_back(consumer_);
    consumer_ = "hint-" + random_id();
    session_ = session;
    if (jetstream_.make_hint_consumer(consumer_, filter_, inbox_, heartbeat)) {
        heard_at_ = std::chrono::steady_clock::now();
        wake_();
    } else {
        // It may have been made all the same.
        if (stale_.size() < most_stale) stale_.push_back(consumer_);
        consumer_.clear();
    }
}

}  // namespace adapters::nats
