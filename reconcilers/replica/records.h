// The records that the replica reconciler keeps on the local disk, as text with a checksum: pure.
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

/// The copy at replicaPath: a whole database at `position`, whose last file was `nuid` (S9).
struct Copy {
    model::Position position;
    std::string nuid;
    /// Pages of the next file may be in it: it is whole again once that file was applied. `clean`
    /// was synced before; a copy that is not clean after a power cut may be torn although nothing
    /// says so.
    bool clean = true;
    std::string applying;  // nuid of the file being applied; "" none
    friend bool operator==(const Copy&, const Copy&) = default;
};

/// Where this node stands in the log.
struct Standing {
    std::uint64_t count = 0;  // of the writes of it: the larger one is newer
    std::string boot_id;      // of the boot in which it was written
    LogState log;
    std::optional<Copy> copy;
    friend bool operator==(const Standing&, const Standing&) = default;
};

[[nodiscard]] model::Bytes encode(const Standing& standing);
/// corrupt: not a record of ours, or cut off.
[[nodiscard]] model::Result<Standing> decode_standing(model::ByteView bytes);

/// D6: a set of renames that is carried out whole or finished at the next start.
struct Intent {
    enum class Kind : std::uint8_t {
        promote,    // the copy becomes the database at dataPath
        rejoin,     // the database at dataPath becomes the copy
        set_aside,  // the database at dataPath is put where nobody uses it
    };
    Kind kind = Kind::promote;
    model::Position position;  // promote: the new tenure; rejoin: of the copy
    std::string nuid;
    /// In this order; each `from` existed when the intent was written.
    std::vector<std::pair<std::string, std::string>> moves;
    friend bool operator==(const Intent&, const Intent&) = default;
};

[[nodiscard]] model::Bytes encode(const Intent& intent);
[[nodiscard]] model::Result<Intent> decode_intent(model::ByteView bytes);

/// The tenure of the database at dataPath.
[[nodiscard]] model::Bytes encode(model::Tenure tenure);
[[nodiscard]] model::Result<model::Tenure> decode_tenure(model::ByteView bytes);

/// D3: one captured batch, kept until the file after it is acknowledged. Without LTX bytes it only
/// says where a TXID ends in the WAL.
struct Staged {
    model::Txid txid;
    std::string nuid;
    model::WalPosition to;
    model::Bytes ltx;
    friend bool operator==(const Staged&, const Staged&) = default;
};

/// Whether the staged batch is what the log shows as its last TXID: by its nuid, or by its place in
/// the WAL where it was sent again under another one.
[[nodiscard]] bool same_capture(const Staged& staged, const LogState& log);

[[nodiscard]] std::string staged_name(model::Txid txid, const std::string& nuid);
/// empty: not the name of a staged file.
[[nodiscard]] std::optional<std::pair<model::Txid, std::string>> parse_staged_name(
    const std::string& name);
[[nodiscard]] model::Bytes encode_staged(const Staged& staged);
[[nodiscard]] model::Result<Staged> decode_staged(model::Txid txid,
                                                  const std::string& nuid,
                                                  model::ByteView bytes);

/// The last checkpoint that copied the whole WAL: everything up to `txid`, which ended at `to`, is
/// in the database file on this disk (D2 after a reboot).
struct Settled {
    model::Tenure tenure;
    model::Txid txid;
    model::WalPosition to;
    friend bool operator==(const Settled&, const Settled&) = default;
};

[[nodiscard]] model::Bytes encode(const Settled& settled);
[[nodiscard]] model::Result<Settled> decode_settled(model::ByteView bytes);

}  // namespace reconcilers::replica
