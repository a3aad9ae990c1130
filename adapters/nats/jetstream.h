// The parts of the JetStream API that the stores need, as JSON requests of our own: every answer
// comes from the stream's leader, except where said.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/nats/connection.h"
#include "model/bytes.h"
#include "model/result.h"
#include "model/time.h"

namespace adapters::nats {

struct StreamInfo {
    std::string created;
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    std::uint64_t replicas = 0;
    bool allow_direct = false;
    std::uint64_t max_age = 0;                      // ns; 0: messages are kept
    std::map<std::string, std::uint64_t> subjects;  // messages of each, where a filter was given
    std::string config;                             // JSON, with fields we do not know
};

struct StoredMessage {
    std::string subject;
    std::uint64_t sequence = 0;
    Headers headers;
    model::Bytes payload;
    model::WallTime stored_at;
    [[nodiscard]] std::string_view header(std::string_view key) const;
};

/// How a bucket's stream is made. Bytes, number and age of its messages are not limited.
struct StreamShape {
    std::vector<std::string> subjects;
    int replicas = 0;  // 0: three; one for a lone server, or when others are missing for 15 s
    int messages_per_subject = -1;  // -1: all are kept
    bool deny_delete = false;
};

/// What ensure() found or made.
struct Ensured {
    bool made = false;
    bool age_removed = false;  // the existing stream dropped messages by age, and no longer does
    std::uint64_t replicas = 0;
};

/// An answer to a publish.
struct Ack {
    std::uint64_t sequence = 0;
};

/// A publish that the stream refused because of an expectation.
struct Refusal {
    std::uint64_t last = 0;  // what the server told as the last sequence; 0 where it told none
};

/// One stream over one connection. Thread-safe; blocks until the deadline, without one for the
/// connection's timeout with each request. Reading errors: unavailable; not_found where the stream
/// is absent.
class JetStream {
public:
    JetStream(std::shared_ptr<Connection> connection, std::string stream);

    [[nodiscard]] Connection& connection() const { return *connection_; }
    [[nodiscard]] const std::shared_ptr<Connection>& shared_connection() const {
        return connection_;
    }
    [[nodiscard]] const std::string& stream() const { return stream_; }

    /// Makes the stream where it is absent. An existing one keeps its data and configuration,
    /// except that an age limit is removed if `remove_age`.
    /// unavailable: not settled, or servers are missing for the replicas; call again. invalid: the
    /// server refuses this configuration.
    [[nodiscard]] model::Result<Ensured> ensure(const StreamShape& shape, bool remove_age);

    /// `subjects`: also counts the messages of each subject that matches it.
    [[nodiscard]] model::Result<StreamInfo> info(Deadline until, std::string_view subjects = {});

    /// The newest message of a subject.
    [[nodiscard]] model::Result<std::optional<StoredMessage>> last_of(std::string_view subject,
                                                                      Deadline until);
    /// The same of many, pipelined; in their order.
    [[nodiscard]] model::Result<std::vector<std::optional<StoredMessage>>> last_of_each(
        const std::vector<std::string>& subjects, Deadline until);
    /// The message with the smallest sequence >= `from` on a subject, wildcards allowed.
    [[nodiscard]] model::Result<std::optional<StoredMessage>> next_of(std::string_view subject,
                                                                      std::uint64_t from,
                                                                      Deadline until);
    /// The same from any replica, raw instead of base64. Empty says nothing: a replica may lag.
    /// Only for a stream that allows it: from another there is no answer at all.
    [[nodiscard]] model::Result<std::optional<StoredMessage>> next_of_any_replica(
        std::string_view subject, std::uint64_t from, Deadline until);

    /// Removes one message; absent is success.
    [[nodiscard]] model::Result<void> erase(std::uint64_t sequence, Deadline until);

    /// Makes an in-memory consumer that sends new messages' headers to `inbox`. Any replica.
    [[nodiscard]] model::Result<void> make_hint_consumer(std::string_view name,
                                                         std::string_view filter,
                                                         std::string_view inbox,
                                                         model::Duration heartbeat);
    [[nodiscard]] model::Result<void> remove_consumer(std::string_view name);

private:
    [[nodiscard]] model::Result<std::string> call(std::string_view verb,
                                                  const std::string& body,
                                                  Deadline until,
                                                  std::string_view rest = {});
    [[nodiscard]] model::Result<Ensured> make(const StreamShape& shape);
    /// Whether a message was ever stored. False is the answer to any question for one: an empty
    /// stream must not be asked.
    [[nodiscard]] model::Result<bool> holds_messages(Deadline until);
    /// Whether a refusal of three replicas is final, and one has to do.
    [[nodiscard]] bool settles_for_one(int code);

    std::shared_ptr<Connection> connection_;
    std::string stream_;
    std::atomic<std::uint64_t> filled_in_session_ = 0;  // 0: no message was seen yet
    std::mutex mutex_;
    std::optional<std::chrono::steady_clock::time_point> too_few_since_;
};

/// What a publish was answered with: stored, or refused because of an expectation (err_code 10071,
/// 10164), so surely not stored. Any other answer is unknown_outcome, but for invalid (too large).
struct PublishAnswer {
    std::optional<Ack> ack;
    std::optional<Refusal> refusal;
    std::string text;  // what the server said, where it refused
};
[[nodiscard]] model::Result<PublishAnswer> parse_publish_answer(
    const model::Result<Incoming>& answer);

}  // namespace adapters::nats
