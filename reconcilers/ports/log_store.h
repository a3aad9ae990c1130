// The object stream of one bucket, at the level at which the fenced log works: chunks, metas and
// their sequences. Rules S1 to S10 of docs/protocol.md; wire format: ADR-20. Every call is answered
// by the stream's leader.
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
    std::string created;  // creation time as the server tells it: another one is another stream
    model::Sequence first;
    model::Sequence last;
    friend bool operator==(const StreamState&, const StreamState&) = default;
};

struct Chunk {
    model::Sequence sequence;
    model::Bytes data;
};

/// Errors of the publishing calls:
///   conflict         refused: the stream's last sequence is another one (S6: look at the lease)
///   unavailable      it was not sent, and will not be
///   unknown_outcome  no answer, or an answer that was not predicted: it may be stored, now or
///   later
/// The digest of an object's bytes, as its meta carries it: "SHA-256=" and base64url.
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
    /// sequence, each further one its predecessor's. Pipelined; returns the last one's sequence
    /// when all are acknowledged exactly as predicted. At most 64 pieces of at most 128 KiB.
    [[nodiscard]] virtual model::Result<model::Sequence> publish_chunks(
        std::string_view nuid,
        const std::vector<model::ByteView>& pieces,
        model::Sequence last) = 0;

    /// Publishes a meta expecting `last`. One outstanding at a time. Without `last` it expects
    /// nothing: only the epoch marker may do that.
    [[nodiscard]] virtual model::Result<model::Sequence> publish_meta(
        const model::ObjectMeta& meta, std::optional<model::Sequence> last) = 0;

    /// The meta with the smallest sequence >= `from`; empty when there is none at this moment.
    /// A meta that is not readable comes with an empty name and its sequence.
    [[nodiscard]] virtual model::Result<std::optional<model::StoredMeta>> next_meta(
        model::Sequence from) = 0;

    /// The newest meta of an object's name, tombstones included; empty when there is none.
    [[nodiscard]] virtual model::Result<std::optional<model::StoredMeta>> find_meta(
        std::string_view name) = 0;

    /// The chunk of `nuid` with the smallest sequence >= `from`; empty when there is none.
    [[nodiscard]] virtual model::Result<std::optional<Chunk>> next_chunk(std::string_view nuid,
                                                                         model::Sequence from) = 0;

    /// Removes one message by its sequence; absent is success.
    [[nodiscard]] virtual model::Result<void> erase(model::Sequence sequence) = 0;

    /// A fresh object id: 22 characters, base62.
    [[nodiscard]] virtual std::string new_nuid() = 0;
    [[nodiscard]] virtual std::unique_ptr<Digest> new_digest() = 0;

    /// As in KvStore: grows with each reconnect; the waker is a hint that metas were added.
    [[nodiscard]] virtual std::uint64_t session() const = 0;
    virtual void on_change(std::function<void()> wake) = 0;
};

}  // namespace reconcilers::ports
