#include "adapters/nats/watch.h"

#include <utility>

#include "adapters/nats/random_id.h"

namespace adapters::nats {
namespace {

using namespace std::chrono_literals;

constexpr auto heartbeat = 500ms;
constexpr auto silence = 3 * heartbeat;

}  // namespace

Watch::Watch(std::shared_ptr<Connection> connection,
             std::string stream,
             std::string filter,
             std::function<void()> wake)
    : jetstream_{std::move(connection), std::move(stream)},
      filter_{std::move(filter)},
      wake_{std::move(wake)},
      heard_at_{std::chrono::steady_clock::now()} {
    auto& conn = jetstream_.connection();
    on_change_ = conn.on_change(wake_);
    every_tick_ = conn.every_tick([this] { keep(); });
}

Watch::~Watch() {
    // The server removes the consumer by itself when nobody subscribes to its inbox.
    every_tick_.reset();
    on_change_.reset();
    subscription_.reset();
}

void Watch::received(const Incoming& message) {
    heard_at_ = std::chrono::steady_clock::now();
    if (message.header("Status") != "100") wake_();
}

void Watch::keep() {
    auto& connection = jetstream_.connection();
    if (!connection.connected()) return;
    const auto generation = connection.connection_generation();
    const bool silent = std::chrono::steady_clock::now() - heard_at_.load() > silence;
    if (!consumer_.empty() && generation == generation_ && !silent) return;
    // An inbox for each consumer: the heartbeats of the last one do not hide that this one is dead,
    // and the server removes it because nobody listens to it.
    subscription_.reset();
    const auto inbox = connection.new_inbox();
    subscription_ = connection.subscribe(inbox, [this](const auto& each) { received(each); });
    consumer_ = "hint-" + random_id();
    generation_ = generation;
    if (jetstream_.create_hint_consumer(consumer_, filter_, inbox, heartbeat)) {
        heard_at_ = std::chrono::steady_clock::now();
        wake_();
    } else {
        consumer_.clear();
    }
}

}  // namespace adapters::nats
