// What is known after reading the fenced log up to a sequence; pure. Rules S3 to S9 of
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
    // creation time of the stream that was read; another time means another log
    std::string stream_created;
    model::Sequence sequence;  // everything up to here was read
    std::string at;            // name and nuid of the meta at `sequence`, compared by S9

    model::Epoch marker;      // the newest marker
    std::string marker_node;  // author of the newest marker
    model::Sequence marker_at;

    std::optional<model::Opened> opened;  // the newest valid one

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
    /// The last TXID that a reader of the log can have.
    [[nodiscard]] model::Txid visible() const {
        return snapshot && snapshot_facts.max > last ? snapshot_facts.max : last;
    }
    /// Where visible() ends in the WAL of the node that captured it.
    [[nodiscard]] const std::optional<model::WalPosition>& visible_end() const {
        return visible() == last ? last_end : snapshot_facts.wal_end;
    }
    friend bool operator==(const LogState&, const LogState&) = default;
};

/// How an entry was interpreted.
struct Folded {
    enum class Kind : std::uint8_t {
        nothing,  // not part of the log; only its sequence counts
        marker,
        opened,
        level0,  // valid: apply it
        snapshot,
        void_epoch,  // S7: below the newest marker's epoch; ignored, and S2 should prevent it
        broken,      // S9: its `prev` is not the file before it, or its TXID does not follow
    };
    Kind kind = Kind::nothing;
    model::LogEntry entry;
    std::string why;  // for void_epoch and broken
};

/// Updates the state with the next meta. A broken entry leaves it unchanged.
[[nodiscard]] Folded fold(LogState& state, const model::StoredMeta& meta);

/// The text by which S9 identifies a meta.
[[nodiscard]] std::string identity(const model::ObjectMeta& meta);

}  // namespace reconcilers::replica
