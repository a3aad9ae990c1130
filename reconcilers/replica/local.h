// This node's data and records on disk: the database, the copy, how far each is in the log, and the
// renames that turn one into the other. Rules D3, D6, D10 of docs/protocol.md.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/result.h"
#include "reconcilers/ports/files.h"
#include "reconcilers/replica/records.h"

namespace reconcilers::replica {

struct Paths {
    std::string data;     // path of the database that the backend serves
    std::string replica;  // path of the copy that follows the log
    std::string state;    // directory of the records
};

class Local {
public:
    Local(ports::Files& files, Paths paths, std::string boot_id);

    /// Finishes an interrupted rename, then reads the records. Must be the first call, while
    /// nothing has the database open. Any error: try again; a backend must not start before it
    /// succeeded.
    [[nodiscard]] model::Result<void> open();

    [[nodiscard]] const Paths& paths() const { return paths_; }
    [[nodiscard]] const std::string& boot_id() const { return boot_id_; }

    /// The replica progress as last read or saved.
    [[nodiscard]] const ReplicaProgress& progress() const { return progress_; }
    /// Whether the progress was written in this boot, so that unsynced data was not lost since.
    [[nodiscard]] bool same_boot() const { return progress_.boot_id == boot_id_; }
    [[nodiscard]] model::Result<void> save(LogState log, std::optional<Copy> copy, bool durable);

    /// Whether a database is at dataPath. Checks the disk: the backend may have created one.
    [[nodiscard]] model::Result<bool> data_exists();
    /// Tenure of the database at dataPath; empty: it has no tenure record (D10), or there is no
    /// database.
    [[nodiscard]] std::optional<model::Tenure> tenure() const { return tenure_; }
    [[nodiscard]] model::Result<void> set_tenure(model::Tenure tenure);

    [[nodiscard]] model::Result<std::vector<Staged>> load_staged();  // ascending by TXID
    [[nodiscard]] model::Result<void> stage(const Staged& staged, bool durable);
    /// Renames a staged batch to another nuid; it stays as durable as it was.
    [[nodiscard]] model::Result<void> rename_staged(model::Txid txid,
                                                    const std::string& from,
                                                    const std::string& to);
    [[nodiscard]] model::Result<void> drop(model::Txid txid, const std::string& nuid);
    [[nodiscard]] model::Result<void> drop_all_staged();

    [[nodiscard]] const std::optional<CheckpointRecord>& checkpoint() const { return checkpoint_; }
    [[nodiscard]] model::Result<void> save_checkpoint(const CheckpointRecord& checkpoint);

    /// The copy becomes the database of `tenure`. Precondition: neither is in use, and a database
    /// at dataPath is no longer needed or was set aside.
    [[nodiscard]] model::Result<void> promote(model::Tenure tenure);
    /// The database at dataPath, without a WAL, becomes the copy at `position` and replaces the one
    /// there.
    [[nodiscard]] model::Result<void> rejoin(model::Position position, const std::string& nuid);
    /// Renames the database at dataPath and its WAL to an unused name: data that is not in the log
    /// is never deleted.
    [[nodiscard]] model::Result<void> set_aside(model::Position position);

    /// Names of set-aside databases, for people.
    [[nodiscard]] model::Result<std::vector<std::string>> list_set_aside();

private:
    [[nodiscard]] std::string state_path(const std::string& name) const;
    [[nodiscard]] model::Result<void> begin(const Intent& intent);
    [[nodiscard]] model::Result<void> finish(const Intent& intent);
    template <typename T>
    [[nodiscard]] model::Result<std::optional<T>> load(const std::string& name,
                                                       model::Result<T> (*decode)(model::ByteView));

    ports::Files& files_;
    Paths paths_;
    std::string boot_id_;
    ReplicaProgress progress_;
    std::optional<model::Tenure> tenure_;
    std::optional<CheckpointRecord> checkpoint_;
};

/// The replica progress last saved in this directory; the default where there is none.
[[nodiscard]] model::Result<ReplicaProgress> load_progress(ports::Files& files,
                                                           const std::string& state);

/// L12: the creation time of the log that this node has read, needed before anything else is
/// opened. "": none, or the record cannot be read; the node is then admitted to fewer stores, not
/// more.
[[nodiscard]] std::string remembered_log(ports::Files& files, const std::string& state);

}  // namespace reconcilers::replica
