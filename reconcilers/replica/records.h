// Records that the replica reconciler keeps on the local disk, as text with a checksum; pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "model/bytes.h"
#include "model/ids.h"
#include "model/result.h"
#include "model/wal_position.h"
#include "reconcilers/replica/log_state.h"

namespace reconcilers::replica {

/// The copy at replicaPath: a complete database at `position`; `nuid` of its last file (S9).
struct Copy {
    model::Position position;
    std::string nuid;
    /// Between applying and recording it, the copy may contain pages of the next file; it is
    /// complete again once that file was applied. `clean`: the copy was synced; one that is not
    /// clean may be torn after a power cut, even where `applying` is empty.
    bool clean = true;
    std::string applying;  // nuid of the file being applied; "" none
    friend bool operator==(const Copy&, const Copy&) = default;
};

/// How far this node is in the log.
struct ReplicaProgress {
    std::uint64_t count = 0;  // counts writes of this record: the larger is newer
    std::string boot_id;      // boot in which it was written
    LogState log;
    std::optional<Copy> copy;
    friend bool operator==(const ReplicaProgress&, const ReplicaProgress&) = default;
};

[[nodiscard]] model::Bytes encode(const ReplicaProgress& progress);
/// corrupt: not such a record, or truncated.
[[nodiscard]] model::Result<ReplicaProgress> decode_progress(model::ByteView bytes);

/// D6: a set of renames that is completed at the next start if it was interrupted.
struct Intent {
    enum class Kind : std::uint8_t {
        promote,    // the copy becomes the database at dataPath
        rejoin,     // the database at dataPath becomes the copy
        set_aside,  // the database at dataPath is renamed, to be kept but not used
    };
    Kind kind = Kind::promote;
    model::Position position;  // promote: its tenure is the new one; rejoin: position of the copy
    std::string nuid;
    /// In order; each `from` existed when the intent was written.
    std::vector<std::pair<std::string, std::string>> moves;
    friend bool operator==(const Intent&, const Intent&) = default;
};

[[nodiscard]] model::Bytes encode(const Intent& intent);
[[nodiscard]] model::Result<Intent> decode_intent(model::ByteView bytes);

/// The tenure of the database at dataPath.
[[nodiscard]] model::Bytes encode(model::Tenure tenure);
[[nodiscard]] model::Result<model::Tenure> decode_tenure(model::ByteView bytes);

/// D3: one captured batch, kept until a later file is acknowledged. Without LTX bytes it only
/// records where a TXID ends in the WAL.
struct Staged {
    model::Txid txid;
    std::string nuid;
    model::WalPosition to;
    model::Bytes ltx;
    friend bool operator==(const Staged&, const Staged&) = default;
};

/// Whether the staged batch is the last TXID of the log: same nuid, or same place in the WAL where
/// it was sent again under another nuid.
[[nodiscard]] bool same_capture(const Staged& staged, const LogState& log);

[[nodiscard]] std::string staged_name(model::Txid txid, const std::string& nuid);
/// Empty: not the name of a staged file.
[[nodiscard]] std::optional<std::pair<model::Txid, std::string>> parse_staged_name(
    const std::string& name);
[[nodiscard]] model::Bytes encode_staged(const Staged& staged);
[[nodiscard]] model::Result<Staged> decode_staged(model::Txid txid,
                                                  const std::string& nuid,
                                                  model::ByteView bytes);

/// The last checkpoint that copied the whole WAL: everything up to `txid`, which ended at `to`, is
/// synced in the database file (D2 after a reboot).
struct CheckpointRecord {
    model::Tenure tenure;
    model::Txid txid;
    model::WalPosition to;
    friend bool operator==(const CheckpointRecord&, const CheckpointRecord&) = default;
};

[[nodiscard]] model::Bytes encode(const CheckpointRecord& checkpoint);
[[nodiscard]] model::Result<CheckpointRecord> decode_checkpoint(model::ByteView bytes);

}  // namespace reconcilers::replica
