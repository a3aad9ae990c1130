#include "adapters/nats/store_identity.h"

#include <array>
#include <thread>
#include <utility>

#include "adapters/nats/jetstream.h"
#include "adapters/sync/mutex.h"

namespace adapters::nats {

using model::Errc;
using model::Result;
using model::StoreIdentity;

namespace {

struct Reading {
    StoreIdentity identity;
    bool fresh = false;  // one of the streams has no message yet
};

Reading read_once(const Exchange& exchange, const model::StreamNames& streams, Deadline until) {
    const std::array subjects{"$JS.API.STREAM.INFO." + streams.election,
                              "$JS.API.STREAM.INFO." + streams.state,
                              "$JS.API.STREAM.INFO." + streams.log};
    std::vector<Outgoing> questions;
    questions.reserve(subjects.size());
    for (const auto& subject : subjects)
        questions.push_back({.subject = subject, .headers = {}, .payload = {}});
    const auto answers = exchange(questions, until);
    Reading reading;
    const auto created = [&](std::size_t index) -> std::optional<std::string> {
        const auto& answer = answers.at(index);
        if (!answer) return std::nullopt;
        const auto info = parse_stream_info(model::to_text(answer->payload));
        if (!info && info.error().code == Errc::not_found) return std::string{};
        if (!info) return std::nullopt;
        reading.fresh = reading.fresh || info->last == 0;
        return info->created;
    };
    reading.identity = {.election = created(0), .state = created(1), .log = created(2)};
    return reading;
}

/// The value in which both agree; not known where they differ.
std::optional<std::string> agreed(const std::optional<std::string>& a,
                                  const std::optional<std::string>& b) {
    return a == b ? a : std::nullopt;
}

}  // namespace

StoreIdentity read_store_identity(const Exchange& exchange,
                                  const model::StreamNames& streams,
                                  Deadline until) {
    const auto first = read_once(exchange, streams, until);
    if (!first.fresh) return first.identity;
    std::this_thread::sleep_for(creation_time_delay);
    const auto second = read_once(exchange, streams, until + creation_time_delay).identity;
    return {.election = agreed(first.identity.election, second.election),
            .state = agreed(first.identity.state, second.state),
            .log = agreed(first.identity.log, second.log)};
}

StoreIdentity read_store_identity(Connection& connection, const model::StreamNames& streams) {
    return read_store_identity(
        [&connection](std::span<const Outgoing> messages, Deadline until) {
            return connection.exchange(messages, until);
        },
        streams,
        connection.deadline());
}

Result<StoreIdentity> probe_store(ConnectionOptions options,
                                  const std::string& server,
                                  const model::StreamNames& streams,
                                  model::Duration patience,
                                  const std::stop_token& stop) {
    struct LastEvent {
        sync::Mutex mutex;
        sync::Condition changed;
        bool connected GUARDED_BY(mutex) = false;
        std::string reason GUARDED_BY(mutex);
    };
    const auto last = std::make_shared<LastEvent>();
    options.servers = {server};
    auto connection = Connection::open(std::move(options), [last](const ConnectionEvent& event) {
        {
            const sync::Lock lock{last->mutex};
            last->connected = event.connected;
            last->reason = event.reason;
        }
        last->changed.notify_all();
    });
    if (!connection) return std::move(connection).error();
    {
        const sync::Lock lock{last->mutex};
        last->changed.wait_for(last->mutex, stop, patience, [&last]() REQUIRES(last->mutex) {
            return last->connected || !last->reason.empty();
        });
        if (!last->connected) {
            return model::error(Errc::unavailable,
                                last->reason.empty() ? "no connection" : last->reason);
        }
    }
    auto identity = read_store_identity(**connection, streams);
    // After a reconnect it may be another server of the same cluster: the right store, but not the
    // server asked for.
    if ((*connection)->connection_generation() != 1)
        return model::error(Errc::unavailable, "the connection was lost");
    if (!identity.election && !identity.state && !identity.log)
        return model::error(Errc::unavailable, "JetStream does not answer");
    return identity;
}

}  // namespace adapters::nats
