// What a reader of the fenced log knows after reading it up to a sequence: pure. Rules S3 to S9 of
// docs/protocol.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "model/ids.h"
#include "model/object.h"
#include "model/wal_position.h"

namespace reconcilers::replica {

struct LogState {
    std::string stream_created;  // of the stream that was read; another one is another log
    model::Sequence sequence;    // everything up to here was read
    std::string at;              // name and nuid of the meta at `sequence`: S9 compares it

    model::Epoch marker;      // newest
    std::string marker_node;  // its author
    model::Sequence marker_at;

    std::optional<model::Opened> opened;  // newest valid

    // The last visible level 0 file. TXID 0: none.
    model::Txid last;
    std::string last_nuid;
    model::Sequence last_at;
    std::optional<model::WalPosition> last_end;  // where it ends in the WAL of its author

    // The newest valid snapshot.
    std::optional<model::StoredMeta> snapshot;
    model::LtxObject snapshot_facts;

    /// D10: the log shows that a database exists.
    [[nodiscard]] bool has_data() const {
        return opened.has_value() || last.value != 0 || snapshot.has_value();
    }
    /// The last TXID that a reader can have.
    [[nodiscard]] model::Txid visible() const {
        return snapshot && snapshot_facts.max > last ? snapshot_facts.max : last;
    }
    /// Where visible() ends in the WAL of the node that captured it.
    [[nodiscard]] const std::optional<model::WalPosition>& visible_end() const {
        return visible() == last ? last_end : snapshot_facts.wal_end;
    }
    friend bool operator==(const LogState&, const LogState&) = default;
};

/// What one entry was to the reader.
struct Folded {
    enum class Kind : std::uint8_t {
        nothing,  // takes a sequence only
        marker,
        opened,
        level0,  // valid: apply it
        snapshot,
        void_epoch,  // S7: of an epoch below the newest marker; ignored, and S2 makes it impossible
        broken,      // S9: its `prev` is not the file before it, or its TXID does not follow
    };
    Kind kind = Kind::nothing;
    model::LogEntry entry;
    std::string why;  // void_epoch, broken
};

/// Reads the next meta into the state. A broken entry leaves the state as it was.
[[nodiscard]] Folded fold(LogState& state, const model::StoredMeta& meta);

/// D4: the start of the first tenure above `own`, where one was opened.
[[nodiscard]] std::optional<model::Txid> start_after(const LogState& state, model::Tenure own);

/// How S9 names a meta.
[[nodiscard]] std::string identity(const model::ObjectMeta& meta);

}  // namespace reconcilers::replica
