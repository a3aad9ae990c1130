// Objects of a NATS object store, as their meta messages describe them (ADR-20), and the facts that
// the fenced log stores in the `metadata` of a meta.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/ids.h"
#include "model/time.h"
#include "model/wal_position.h"

namespace model {

struct ObjectMeta {
    std::string name;
    std::string nuid;
    std::uint64_t size = 0;
    std::uint64_t chunks = 0;
    std::string digest;  // "SHA-256=" and base64url of the 32 bytes, padded; empty where size is 0
    std::map<std::string, std::string> headers;   // the first value of each header
    std::map<std::string, std::string> metadata;  // facts of this program
    bool deleted = false;
    friend bool operator==(const ObjectMeta&, const ObjectMeta&) = default;
};

/// A meta and its position in the stream.
struct StoredMeta {
    Sequence sequence;
    ObjectMeta meta;
    WallTime stored_at;
    friend bool operator==(const StoredMeta&, const StoredMeta&) = default;
};

/// `epoch/<16hex>`: the marker that fences all earlier epochs.
struct Marker {
    Epoch epoch;
    std::string node;
    friend bool operator==(const Marker&, const Marker&) = default;
};

/// `opened/<16hex>`: the writer has read everything before it and continues from `start`.
struct Opened {
    Epoch epoch;
    Tenure tenure;
    Txid start;  // the last visible TXID when the tenure was opened
    /// The last 32 tenures, oldest first, each with the `start` of its first opened record.
    std::vector<std::pair<Tenure, Txid>> history;
    friend bool operator==(const Opened&, const Opened&) = default;
};

/// `ltx/<level>/<min>-<max>.ltx`. epoch, tenure and prev are empty in files of other tools.
struct LtxObject {
    int level = 0;
    Txid min;
    Txid max;
    Epoch epoch;
    Tenure tenure;
    std::string prev;     // level 0: nuid of the previous level 0 file in the log; "" for the first
    std::string l0_nuid;  // other levels: nuid and sequence of the last level 0 file in it
    Sequence l0_sequence;
    /// Where `max` ends in the WAL that it was captured from: with this the author verifies, after
    /// a power cut, that its database still contains it (D2).
    std::optional<WalPosition> wal_end;
    friend bool operator==(const LtxObject&, const LtxObject&) = default;
};

/// A meta, as the log interprets it.
struct LogEntry {
    enum class Kind : std::uint8_t { marker, opened, ltx, other };
    /// other: of another tool, a tombstone, or not understood; only its sequence counts.
    Kind kind = Kind::other;
    Marker marker;
    Opened opened;
    LtxObject ltx;
};

[[nodiscard]] std::string ltx_name(int level, Txid min, Txid max);

[[nodiscard]] ObjectMeta to_meta(const Marker& marker);
[[nodiscard]] ObjectMeta to_meta(const Opened& opened);
/// Name and facts; the caller adds nuid, size, chunks, digest and headers.
[[nodiscard]] ObjectMeta to_meta(const LtxObject& object);

/// Never fails: a meta that cannot be understood is `other`, so that one bad object stops no
/// reader.
[[nodiscard]] LogEntry to_entry(const ObjectMeta& meta);

}  // namespace model
