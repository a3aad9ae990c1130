// The object stream of one bucket, as the fenced log uses it: chunks, metas and their sequences.
// Rules S1 to S10 of docs/protocol.md; wire format: ADR-20. Every call is answered by the stream's
// leader.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/bytes.h"
#include "model/ids.h"
#include "model/object.h"
#include "model/result.h"

namespace reconcilers::ports {

struct StreamState {
    // creation time as the server reports it: another time means another stream
    std::string created;
    model::Sequence first;
    model::Sequence last;
    friend bool operator==(const StreamState&, const StreamState&) = default;
};

struct Chunk {
    model::Sequence sequence;
    model::Bytes data;
};

/// Errors of the publishing calls:
///   conflict         refused: the stream's last sequence is another one (S6: check the lease)
///   unavailable      it was not sent, and will not be
///   unknown_outcome  no answer, or one that was not predicted: it may be stored, now or later
/// Computes the digest of an object for its meta: "SHA-256=" and base64url.
class Digest {
public:
    virtual ~Digest() = default;
    virtual void update(model::ByteView bytes) = 0;
    [[nodiscard]] virtual std::string finish() = 0;
};

class LogStore {
public:
    virtual ~LogStore() = default;

    [[nodiscard]] virtual model::Result<StreamState> state() = 0;

    /// Publishes the pieces of one object in order, the first expecting `last` as the stream's last
    /// sequence, each further one that of the piece before. Pipelined; returns the last sequence
    /// when all are acknowledged as predicted. At most 64 pieces of at most 128 KiB.
    [[nodiscard]] virtual model::Result<model::Sequence> publish_chunks(
        std::string_view nuid,
        const std::vector<model::ByteView>& pieces,
        model::Sequence last) = 0;

    /// Publishes a meta that expects `last`. Only one may be under way. Without `last` it expects
    /// nothing: only the epoch marker may do that.
    [[nodiscard]] virtual model::Result<model::Sequence> publish_meta(
        const model::ObjectMeta& meta, std::optional<model::Sequence> last) = 0;

    /// The meta with the smallest sequence >= `from`; empty when there is none at present. A meta
    /// that cannot be read has an empty name.
    [[nodiscard]] virtual model::Result<std::optional<model::StoredMeta>> next_meta(
        model::Sequence from) = 0;

    /// The chunk of `nuid` with the smallest sequence >= `from`; empty when there is none.
    [[nodiscard]] virtual model::Result<std::optional<Chunk>> next_chunk(std::string_view nuid,
                                                                         model::Sequence from) = 0;

    /// Removes one message by its sequence. Success where it is absent.
    [[nodiscard]] virtual model::Result<void> erase(model::Sequence sequence) = 0;

    /// A new object id: 22 characters, base62.
    [[nodiscard]] virtual std::string new_nuid() = 0;
    [[nodiscard]] virtual std::unique_ptr<Digest> new_digest() = 0;

    /// As in KvStore: grows with each reconnect; on_change() is a hint that metas were added.
    [[nodiscard]] virtual std::uint64_t connection_generation() const = 0;
    virtual void on_change(std::function<void()> wake) = 0;
};

}  // namespace reconcilers::ports
