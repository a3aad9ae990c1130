#include "adapters/nats/kv_feed.h"

#include <utility>

#include "adapters/nats/random_id.h"
#include "model/ids.h"

namespace adapters::nats {
namespace {

using namespace std::chrono_literals;
using adapters::kv::KvChange;
using adapters::kv::KvChanges;
using model::Errc;
using model::Result;

constexpr auto heartbeat = 5s;
constexpr auto silence = 3 * heartbeat;

bool erases(const Incoming& message) {
    const auto operation = message.header("KV-Operation");
    return operation == "DEL" || operation == "PURGE" ||
           !message.header("Nats-Marker-Reason").empty();
}

}  // namespace

Result<Delivery> parse_delivery(std::string_view reply) {
    std::vector<std::string_view> tokens;
    while (!reply.empty()) {
        const auto end = std::min(reply.find('.'), reply.size());
        tokens.push_back(reply.substr(0, end));
        reply.remove_prefix(std::min(end + 1, reply.size()));
    }
    const auto refused = model::error(Errc::not_found, "not a delivery of a consumer");
    if (tokens.size() < 9 || tokens[0] != "$JS" || tokens[1] != "ACK") return refused;
    // From eleven tokens on a domain and an account stand before the stream's name.
    const std::size_t at = tokens.size() >= 11 ? 4 : 2;
    const auto stream_sequence = model::parse_number(tokens[at + 3]);
    const auto consumer_sequence = model::parse_number(tokens[at + 4]);
    const auto pending = model::parse_number(tokens[at + 6]);
    if (!stream_sequence || !consumer_sequence || !pending) return refused;
    return Delivery{.consumer = std::string{tokens[at + 1]},
                    .stream_sequence = *stream_sequence,
                    .consumer_sequence = *consumer_sequence,
                    .pending = *pending};
}

KvFeed::KvFeed(std::shared_ptr<Connection> connection,
               const std::string& bucket,
               std::size_t largest)
    : jetstream_{std::move(connection), "KV_" + bucket},
      prefix_{"$KV." + bucket + '.'},
      largest_{largest},
      heard_at_{std::chrono::steady_clock::now()} {
    auto& conn = jetstream_.connection();
    on_connection_ = conn.on_change([this] { wake_(); });
    every_tick_ = conn.every_tick([this] { keep(); });
}

KvFeed::~KvFeed() {
    // The server removes the consumer itself once nobody listens to its inbox.
    every_tick_.reset();
    on_connection_.reset();
    subscription_.reset();
}

void KvFeed::on_change(std::function<void()> wake) { wake_.set(std::move(wake)); }

Result<KvChanges> KvFeed::take() {
    const bool connected = jetstream_.connection().connected();
    const auto generation = jetstream_.connection().connection_generation();
    const sync::Lock lock{mutex_};
    if (!connected) return model::error(Errc::unavailable, "not connected");
    if (!complete_ || generation != generation_)
        return model::error(Errc::unavailable, "the bucket is not read yet");
    KvChanges taken{.whole = std::exchange(whole_, false), .changes = {}};
    for (auto& [key, change] : changes_)
        taken.changes.push_back(std::move(change));
    changes_.clear();
    return taken;
}

void KvFeed::received(const Incoming& message) {
    if (accept(message)) wake_();
}

bool KvFeed::accept(const Incoming& message) {
    const auto delivery = parse_delivery(message.reply);
    const sync::Lock lock{mutex_};
    if (message.header("Status") == "100") {
        heard_at_ = std::chrono::steady_clock::now();
        const auto last = model::parse_number(message.header("Nats-Last-Consumer"));
        if (last && *last > delivered_) broken_ = true;  // something was missed: anew
        // The server is idle: there was no more than this.
        if (!last || *last != delivered_ || broken_) return false;
        return !std::exchange(complete_, true);
    }
    const bool ours = delivery && delivery->consumer == consumer_;
    if (!ours || broken_ || !message.subject.starts_with(prefix_)) return false;
    heard_at_ = std::chrono::steady_clock::now();
    if (delivery->consumer_sequence != delivered_ + 1) {
        broken_ = true;
        return false;
    }
    delivered_ = delivery->consumer_sequence;
    auto key = message.subject.substr(prefix_.size());
    KvChange change{.key = key,
                    .revision = {delivery->stream_sequence},
                    .erased = erases(message),
                    .size = message.payload.size(),
                    .value = {}};
    if (change.size <= largest_) change.value = message.payload;
    changes_[std::move(key)] = std::move(change);
    if (delivery->pending == 0) complete_ = true;
    return complete_;
}

void KvFeed::begin(const std::string& consumer) {
    const sync::Lock lock{mutex_};
    consumer_ = consumer;
    generation_ = jetstream_.connection().connection_generation();
    delivered_ = 0;
    broken_ = false;
    complete_ = false;
    whole_ = true;
    changes_.clear();
    heard_at_ = std::chrono::steady_clock::now();
}

void KvFeed::keep() {
    auto& connection = jetstream_.connection();
    if (!connection.connected()) return;
    {
        const auto generation = connection.connection_generation();
        const sync::Lock lock{mutex_};
        const bool silent = std::chrono::steady_clock::now() - heard_at_ > silence;
        if (!consumer_.empty() && !broken_ && generation == generation_ && !silent) return;
    }
    // An inbox for each consumer: nothing of the last one is taken for the next one's, and the
    // server removes it because nobody listens to it.
    subscription_.reset();
    const auto consumer = "feed-" + random_id();
    const auto inbox = connection.new_inbox();
    begin(consumer);
    subscription_ = connection.subscribe(inbox, [this](const auto& each) { received(each); });
    const auto pending =
        jetstream_.create_value_consumer(consumer, prefix_ + '>', inbox, heartbeat);
    if (!pending) {
        begin({});
        return;
    }
    if (*pending > 0) return;
    {
        // Nothing that would end the reading is on its way.
        const sync::Lock lock{mutex_};
        if (consumer_ == consumer) complete_ = true;
    }
    wake_();
}

}  // namespace adapters::nats
