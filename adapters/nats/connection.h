// One connection to NATS: made in the background, kept, rebuilt, with a deadline on every call.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/bytes.h"
#include "model/result.h"
#include "model/time.h"

namespace adapters::nats {

/// How to reach and enter NATS. At most one kind of login: `credentials`, `user`, `token` or
/// `nkey_seed_file`.
struct ConnectionOptions {
    std::vector<std::string> servers;  // URLs; "host:port" is taken as nats://
    std::string name;                  // what the server shows for this connection
    /// Bounds one connect, one write and one answer: a call takes no longer, and at worst twice as
    /// long when it meets the first moment of a disconnect.
    model::Duration timeout = std::chrono::milliseconds{500};
    std::string credentials;  // file of a JWT and its seed
    std::string user;
    std::string password;
    std::string token;
    std::string nkey;            // public key
    std::string nkey_seed_file;  // file of its seed
    /// Files in PEM. TLS is used when any is set or a URL says tls://.
    struct Tls {
        std::string ca;
        std::string cert;
        std::string key;
    } tls;
    /// Handlers of all subscriptions, answers included, share one thread of the process with those
    /// of other such connections. For connections with many subscriptions and nothing urgent.
    bool pooled_delivery = false;
};

/// A change of a connection, for the event log.
struct ConnectionEvent {
    bool connected = false;
    std::string server;  // URL without login; empty when disconnected before the first connect
    std::string reason;  // why not connected
    std::uint64_t session = 0;
};

/// When a call has to be over, however many requests it takes.
using Deadline = std::chrono::steady_clock::time_point;

using Headers = std::vector<std::pair<std::string, std::string>>;

struct Outgoing {
    std::string subject;
    Headers headers;
    model::ByteView payload;  // borrowed for the call
};

struct Incoming {
    std::string subject;
    std::string reply;  // empty where no answer is wanted
    Headers headers;
    model::Bytes payload;
    /// The first value of a header, exact case; empty where it is absent.
    [[nodiscard]] std::string_view header(std::string_view key) const;
};

/// Safe to use from any thread. Nothing throws. No request outlives a disconnect: it ends as
/// unknown_outcome.
class Connection {
    class Core;

public:
    /// A subscription, kept over reconnects and rebuilt connections until it is destroyed. Its
    /// destructor waits for a handler that runs; so it is never destroyed in its own handler.
    class Subscription {
    public:
        class Entry;
        explicit Subscription(std::shared_ptr<Entry> entry);
        ~Subscription();
        Subscription(const Subscription&) = delete;
        Subscription& operator=(const Subscription&) = delete;

    private:
        std::shared_ptr<Entry> entry_;
    };

    /// Removes what on_change() or every_tick() added; waits for a call that runs.
    class Registration {
    public:
        class Entry;
        explicit Registration(std::shared_ptr<Entry> entry);
        ~Registration();
        Registration(const Registration&) = delete;
        Registration& operator=(const Registration&) = delete;

    private:
        std::shared_ptr<Entry> entry_;
    };

    /// Returns at once and connects in the background, for ever: an absent server is waited for.
    /// `on_event` is called from any thread with each change; it must not block. A reason that
    /// repeats is told once.
    /// invalid: no server, two kinds of login, or a file that cannot be read.
    [[nodiscard]] static model::Result<std::shared_ptr<Connection>> open(
        ConnectionOptions options, std::function<void(const ConnectionEvent&)> on_event = {});

    explicit Connection(std::shared_ptr<Core> core);
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    [[nodiscard]] bool connected() const;
    /// Counts connects, the first included, failed attempts too: equal numbers mean that the
    /// connection was never lost between them.
    [[nodiscard]] std::uint64_t session() const;
    [[nodiscard]] model::Duration timeout() const;
    /// What kept it from being connected last; empty when nothing did.
    [[nodiscard]] std::string last_reason() const;

    /// `timeout` from now.
    [[nodiscard]] Deadline deadline() const;

    /// Sends one request and waits for its answer until the deadline.
    ///
    /// unavailable      it was not sent, or nobody was there to take it
    /// unknown_outcome  it was sent, and no answer came
    /// invalid          larger than the server takes
    [[nodiscard]] model::Result<Incoming> request(const Outgoing& message, Deadline until);
    [[nodiscard]] model::Result<Incoming> request(const Outgoing& message) {
        return request(message, deadline());
    }

    /// Sends all in order without waiting in between, then waits for all answers until the
    /// deadline. After one that could not be sent, none of the later ones is. Errors, one for each:
    /// as in request().
    [[nodiscard]] std::vector<model::Result<Incoming>> exchange(std::span<const Outgoing> messages,
                                                                Deadline until);

    /// Sends without an answer. unavailable: it was not sent. unknown_outcome: it may have been.
    [[nodiscard]] model::Result<void> publish(const Outgoing& message);

    /// Calls `handler` for each message from a thread of the connection's. It must not block and
    /// must not call this connection but publish().
    [[nodiscard]] std::unique_ptr<Subscription> subscribe(
        std::string subject, std::function<void(const Incoming&)> handler);

    /// A subject below which this process alone listens, fresh at each call.
    [[nodiscard]] std::string new_inbox() const;

    /// Calls `changed` from any thread after each connect and disconnect. It must not block.
    [[nodiscard]] std::unique_ptr<Registration> on_change(std::function<void()> changed);

    /// Calls `tick` from the connection's own thread, twice a second and after each connect. It may
    /// make requests.
    [[nodiscard]] std::unique_ptr<Registration> every_tick(std::function<void()> tick);

private:
    std::shared_ptr<Core> core_;
};

}  // namespace adapters::nats
