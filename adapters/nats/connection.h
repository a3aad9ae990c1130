// One connection to NATS: made in the background, kept up, rebuilt when closed; every call has a
// deadline.
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

/// Servers and login. At most one kind of login: `credentials`, `user`, `token` or
/// `nkey_seed_file`.
struct ConnectionOptions {
    /// URLs, percent-encoded where necessary; "host:port" means nats://. A login in a URL takes
    /// precedence over those below, for that server.
    std::vector<std::string> servers;
    std::string name;  // shown by the server for this connection
    /// Limits one connect, one write and one answer. A call takes no longer, or twice as long at
    /// worst, when it begins at the moment of a disconnect.
    model::Duration timeout = std::chrono::milliseconds{500};
    std::string credentials;  // file with a JWT and its seed
    std::string user;
    std::string password;
    std::string token;
    std::string nkey;            // public key
    std::string nkey_seed_file;  // file of its seed
    /// PEM files. TLS is used when any is set or a URL begins with tls://.
    struct Tls {
        std::string ca;
        std::string cert;
        std::string key;
    } tls;
    /// Handlers of all subscriptions, answers included, share one thread with other connections of
    /// the process that set this. For connections with many subscriptions and no urgent messages.
    bool pooled_delivery = false;
};

/// A change of a connection, for the event log.
struct ConnectionEvent {
    bool connected = false;
    std::string server;  // URL without login; empty before the first connect
    std::string reason;  // why not connected
    std::uint64_t generation = 0;
};

/// When a call must be finished, however many requests it makes.
using Deadline = std::chrono::steady_clock::time_point;

using Headers = std::vector<std::pair<std::string, std::string>>;

struct Outgoing {
    std::string subject;
    Headers headers;
    model::ByteView payload;  // must stay valid during the call
};

struct Incoming {
    std::string subject;
    std::string reply;  // empty where no answer is expected
    Headers headers;
    model::Bytes payload;
    /// The first value of the header with exactly this key; empty where it is absent.
    [[nodiscard]] std::string_view header(std::string_view key) const;
};

/// The server that a connect reached, for the function that decides about admission.
struct Reached {
    std::string server;  // URL without login
    /// As Connection::exchange, on this connect only.
    std::function<std::vector<model::Result<Incoming>>(std::span<const Outgoing>, Deadline)>
        exchange;
};

struct Admission {
    enum class Verdict : std::uint8_t {
        admitted,
        wait,   // ask again twice a second, and after ask_again()
        leave,  // disconnect and try the next server
    };
    Verdict verdict = Verdict::admitted;
    std::string why;  // reason for not admitting, for people
};
/// Called on the connection's own thread; may make requests with `exchange` but no other call of
/// the connection.
using Admit = std::function<Admission(const Reached&)>;

/// Thread-safe. Nothing throws. A request ends with unknown_outcome when the connection is lost.
class Connection {
    class Core;

public:
    /// A subscription, kept across reconnects and rebuilt connections until destroyed. Its
    /// destructor waits for a running handler; so it must not be destroyed in its own handler.
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

    /// Destroying it removes the function added by on_change() or every_tick(); waits for a running
    /// call.
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

    /// Returns at once and connects in the background, without a limit of attempts. `on_event` is
    /// called from any thread for each change; it must not block. A reason that repeats is reported
    /// once.
    /// `admit` is asked after each connect and reconnect; until it admits, the connection counts as
    /// not connected for everything but `admit` itself. Servers that it refused are retried with
    /// growing pauses, up to two seconds.
    /// invalid: no server or an invalid one, two kinds of login, or a file that cannot be read.
    [[nodiscard]] static model::Result<std::shared_ptr<Connection>> open(
        ConnectionOptions options,
        std::function<void(const ConnectionEvent&)> on_event = {},
        Admit admit = {});

    explicit Connection(std::shared_ptr<Core> core);
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    [[nodiscard]] bool connected() const;
    /// Counts connects, the first and failed ones included: two equal numbers mean that the
    /// connection was not lost in between.
    [[nodiscard]] std::uint64_t connection_generation() const;
    [[nodiscard]] model::Duration timeout() const;
    /// The last reason for not being connected; empty when there is none.
    [[nodiscard]] std::string last_reason() const;
    /// URL of the connected server without login; empty where not connected.
    [[nodiscard]] std::string server() const;
    /// Something that `admit` depends on has changed: it is asked again for a connect that waits.
    /// `anew`: also for an admitted one, which is not used until admitted again.
    void ask_again(bool anew = false);

    /// `timeout` from now.
    [[nodiscard]] Deadline deadline() const;

    /// Sends one request and waits for its answer until the deadline.
    ///
    /// unavailable      it was not sent, or the server has no receiver for the subject
    /// unknown_outcome  it was sent, but no answer came
    /// invalid          larger than the server accepts
    [[nodiscard]] model::Result<Incoming> request(const Outgoing& message, Deadline until);
    [[nodiscard]] model::Result<Incoming> request(const Outgoing& message) {
        return request(message, deadline());
    }

    /// Sends all messages in order, then waits for all answers until the deadline. After one that
    /// could not be sent, the rest is not sent. One result per message; errors as in request().
    [[nodiscard]] std::vector<model::Result<Incoming>> exchange(std::span<const Outgoing> messages,
                                                                Deadline until);

    /// Sends without expecting an answer. unavailable: it was not sent. unknown_outcome: it may
    /// have been.
    [[nodiscard]] model::Result<void> publish(const Outgoing& message);

    /// Calls `handler` for each message, on a thread of the connection. It must not block, and of
    /// this connection it may call publish() only.
    [[nodiscard]] std::unique_ptr<Subscription> subscribe(
        std::string subject, std::function<void(const Incoming&)> handler);

    /// A new subject prefix under which only this process subscribes.
    [[nodiscard]] std::string new_inbox() const;

    /// Calls `changed` from any thread after each connect and disconnect. It must not block.
    [[nodiscard]] std::unique_ptr<Registration> on_change(std::function<void()> changed);

    /// Calls `tick` on the connection's own thread, twice a second and after each connect. It may
    /// make requests.
    [[nodiscard]] std::unique_ptr<Registration> every_tick(std::function<void()> tick);

private:
    std::shared_ptr<Core> core_;
};

}  // namespace adapters::nats
