// One bucket of the cluster's KV store. Every call is answered by the stream's leader, never by a
// replica, and returns within the adapter's deadline (500 ms on the role's connection).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/bytes.h"
#include "model/ids.h"
#include "model/result.h"

namespace adapters::kv {

struct KvEntry {
    std::string key;
    model::Bytes value;
    model::Revision revision;
    friend bool operator==(const KvEntry&, const KvEntry&) = default;
};

class KvStore {
public:
    virtual ~KvStore() = default;

    /// The entry of `key`; empty where it is absent or deleted.
    /// unavailable: the store did not answer in time; nothing is known.
    [[nodiscard]] virtual model::Result<std::optional<KvEntry>> get(std::string_view key) = 0;

    /// All entries, sorted by key. unavailable: not all could be read.
    [[nodiscard]] virtual model::Result<std::vector<KvEntry>> list() = 0;

    /// Compare-and-set: writes only if the key's revision is still `expected` (0: the key does not
    /// exist). Expects the last sequence of the whole stream too, since some servers check the
    /// subject's alone incorrectly; in a bucket of several keys it therefore retries after a write
    /// of another key.
    ///
    /// conflict         another value is there: read again
    /// unavailable      it was not sent
    /// unknown_outcome  no answer: it may be applied, now or later; read to find out
    [[nodiscard]] virtual model::Result<model::Revision> update(std::string_view key,
                                                                model::ByteView value,
                                                                model::Revision expected) = 0;

    /// Writes unconditionally. unavailable, unknown_outcome: as in update().
    [[nodiscard]] virtual model::Result<model::Revision> put(std::string_view key,
                                                             model::ByteView value) = 0;

    /// Writes a delete marker if the revision is still `expected`. Errors as in update().
    [[nodiscard]] virtual model::Result<void> erase(std::string_view key,
                                                    model::Revision expected) = 0;

    /// The last sequence of the bucket's stream, delete markers included; 0: nothing was ever
    /// written.
    [[nodiscard]] virtual model::Result<model::Revision> last_revision() = 0;

    /// Counts connects: it grows with each reconnect. What was read or sent under an older number
    /// is void (L7).
    [[nodiscard]] virtual std::uint64_t connection_generation() const = 0;

    /// Calls `wake` from any thread when a key of the bucket may have changed, and after a
    /// reconnect. A hint only: it may come too often. One waker; it must not block.
    virtual void on_change(std::function<void()> wake) = 0;
};

}  // namespace adapters::kv
