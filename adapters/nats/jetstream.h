// The requests of the JetStream API that the stores need, made directly in JSON so that each is
// answered by the stream's leader, except where noted.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/nats/connection.h"
#include "adapters/sync/mutex.h"
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
    std::uint64_t max_age = 0;  // ns; 0: messages are kept
    // messages per subject, where a filter was given
    std::map<std::string, std::uint64_t> subjects;
    std::uint64_t all_subjects = 0;  // number of matching subjects, listed in `subjects` or not
    std::string config;              // JSON, fields unknown here included
};

/// For so long after a stream was created, the reported creation time may still change: a server of
/// a cluster first reports that of its own copy, and that of the stream a moment later
/// (nats-server, processClusterCreateStream).
inline constexpr std::chrono::milliseconds creation_time_delay{200};

struct StoredMessage {
    std::string subject;
    std::uint64_t sequence = 0;
    Headers headers;
    model::Bytes payload;
    model::WallTime stored_at;
    [[nodiscard]] std::string_view header(std::string_view key) const;
};

/// Settings of a new stream for a bucket. Bytes, number and age of its messages are unlimited.
struct StreamShape {
    std::vector<std::string> subjects;
    int replicas = 0;  // 0: three; one for a lone server, or when others are missing for 15 s
    int messages_per_subject = -1;  // -1: unlimited
    bool deny_delete = false;
};

/// What ensure() found or created.
struct Ensured {
    bool created = false;
    bool age_removed = false;  // the existing stream had an age limit, which was removed
    std::uint64_t replicas = 0;
};

/// The acknowledgement of a publish.
struct Ack {
    std::uint64_t sequence = 0;
};

/// A publish that the stream refused because of an expected sequence.
struct Refusal {
    std::uint64_t last = 0;  // last sequence as the server reports it; 0 where it does not
};

/// One stream over one connection. Thread-safe. Calls block until the deadline, or, without one, up
/// to the connection's timeout for each request. Errors of reads: unavailable; not_found where the
/// stream is absent.
class JetStream {
public:
    JetStream(std::shared_ptr<Connection> connection, std::string stream);

    [[nodiscard]] Connection& connection() const { return *connection_; }
    [[nodiscard]] const std::shared_ptr<Connection>& shared_connection() const {
        return connection_;
    }
    [[nodiscard]] const std::string& stream() const { return stream_; }

    /// Creates the stream where it is absent. An existing one keeps its data and configuration,
    /// except that an age limit is removed if `remove_age`.
    /// unavailable: not known whether it exists, or servers for the replicas are missing; call
    /// again. invalid: the server refuses this configuration.
    [[nodiscard]] model::Result<Ensured> ensure(const StreamShape& shape, bool remove_age);

    /// `subjects`: a filter; the messages of each matching subject are counted.
    [[nodiscard]] model::Result<StreamInfo> info(Deadline until, std::string_view subjects = {});

    /// As info(), with a creation time that no longer changes: for a stream without a message it
    /// asks twice, `creation_time_delay` apart. unavailable: also where the two times differ.
    [[nodiscard]] model::Result<StreamInfo> stable_info(Deadline until);

    /// The newest message of a subject.
    [[nodiscard]] model::Result<std::optional<StoredMessage>> last_of(std::string_view subject,
                                                                      Deadline until);
    /// As last_of() for many subjects, pipelined; results in their order.
    [[nodiscard]] model::Result<std::vector<std::optional<StoredMessage>>> last_of_each(
        const std::vector<std::string>& subjects, Deadline until);
    /// The message with the smallest sequence >= `from` on a subject, wildcards allowed.
    [[nodiscard]] model::Result<std::optional<StoredMessage>> next_of(std::string_view subject,
                                                                      std::uint64_t from,
                                                                      Deadline until);
    /// As next_of(), answered by any replica, raw instead of base64. An empty result proves
    /// nothing, since a replica may lag. Only for a stream that allows direct reads: another one
    /// does not answer.
    [[nodiscard]] model::Result<std::optional<StoredMessage>> next_of_any_replica(
        std::string_view subject, std::uint64_t from, Deadline until);

    /// Removes one message. Success where it is absent.
    [[nodiscard]] model::Result<void> erase(std::uint64_t sequence, Deadline until);

    /// Creates an in-memory consumer that sends the headers of new messages to `inbox`. Answered by
    /// any server.
    [[nodiscard]] model::Result<void> create_hint_consumer(std::string_view name,
                                                           std::string_view filter,
                                                           std::string_view inbox,
                                                           model::Duration heartbeat);
    /// Makes an in-memory consumer that sends the newest message of each subject to `inbox`, then
    /// what comes. Returns how many there are to begin with. unavailable: it may have been made.
    [[nodiscard]] model::Result<std::uint64_t> create_value_consumer(std::string_view name,
                                                                     std::string_view filter,
                                                                     std::string_view inbox,
                                                                     model::Duration heartbeat);

private:
    [[nodiscard]] model::Result<std::string> call(std::string_view verb,
                                                  const std::string& body,
                                                  Deadline until,
                                                  std::string_view rest = {});
    enum class Deliver : std::uint8_t { headers_of_new, last_values };
    /// Returns the server's answer.
    [[nodiscard]] model::Result<std::string> create_push_consumer(std::string_view name,
                                                                  std::string_view filter,
                                                                  std::string_view inbox,
                                                                  model::Duration heartbeat,
                                                                  Deliver deliver);
    [[nodiscard]] model::Result<Ensured> create(const StreamShape& shape);
    /// Whether the stream ever stored a message. False answers every read: an empty stream must not
    /// be asked for a message.
    [[nodiscard]] model::Result<bool> holds_messages(Deadline until);
    /// Whether the refusal of three replicas is final, so that one replica must do.
    [[nodiscard]] bool accepts_one_replica(int code);

    std::shared_ptr<Connection> connection_;
    std::string stream_;
    std::atomic<std::uint64_t> filled_in_generation_ = 0;  // 0: no message was seen yet
    sync::Mutex mutex_;
    std::optional<std::chrono::steady_clock::time_point> too_few_since_ GUARDED_BY(mutex_);
};

/// Parses an answer to STREAM.INFO. unavailable, not_found: as JetStream::info.
[[nodiscard]] model::Result<StreamInfo> parse_stream_info(std::string_view text);

/// The answer to a publish: stored, or refused because of an expected sequence (err_code 10071,
/// 10164) and so certainly not stored. Any other answer is unknown_outcome, except invalid (too
/// large).
struct PublishAnswer {
    std::optional<Ack> ack;
    std::optional<Refusal> refusal;
    std::string text;  // the server's message, where it refused
};
[[nodiscard]] model::Result<PublishAnswer> parse_publish_answer(
    const model::Result<Incoming>& answer);

}  // namespace adapters::nats
