// This node's own data and records on disk: which database is where, how far it is, and the renames
// that turn one into the other. Rules D3, D6, D10 of docs/protocol.md.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/result.h"
#include "reconcilers/ports/files.h"
#include "reconcilers/replica/records.h"

namespace reconcilers::replica {

struct Paths {
    std::string data;     // the database that the backend serves
    std::string replica;  // the copy that follows the log
    std::string state;    // folder of the records
};

class Local {
public:
    Local(ports::Files& files, Paths paths, std::string boot_id);

    /// Finishes a rename that was begun, then reads the records. Before anything else; nothing may
    /// have the database open. Any error: try again; a backend must not start before it succeeded.
    [[nodiscard]] model::Result<void> open();

    [[nodiscard]] const Paths& paths() const { return paths_; }
    [[nodiscard]] const std::string& boot_id() const { return boot_id_; }

    /// The standing as it was read or saved last.
    [[nodiscard]] const Standing& standing() const { return standing_; }
    /// Whether it was written in this boot, so that what was not synced is there all the same.
    [[nodiscard]] bool same_boot() const { return standing_.boot_id == boot_id_; }
    [[nodiscard]] model::Result<void> save(LogState log, std::optional<Copy> copy, bool durable);

    /// A database is at dataPath. Looked up anew: the backend may have made it.
    [[nodiscard]] model::Result<bool> data_exists();
    /// Its tenure; empty: it has none of ours (D10), or there is no database.
    [[nodiscard]] std::optional<model::Tenure> tenure() const { return tenure_; }
    [[nodiscard]] model::Result<void> set_tenure(model::Tenure tenure);

    [[nodiscard]] model::Result<std::vector<Staged>> load_staged();  // ascending by TXID
    [[nodiscard]] model::Result<void> stage(const Staged& staged, bool durable);
    /// The same batch under another nuid, as durable as it was.
    [[nodiscard]] model::Result<void> rename_staged(model::Txid txid,
                                                    const std::string& from,
                                                    const std::string& to);
    [[nodiscard]] model::Result<void> drop(model::Txid txid, const std::string& nuid);
    [[nodiscard]] model::Result<void> drop_all_staged();

    [[nodiscard]] const std::optional<Settled>& settled() const { return settled_; }
    [[nodiscard]] model::Result<void> save_settled(const Settled& settled);

    /// The copy becomes the database of `tenure`. Needs: nobody uses either; what stood at dataPath
    /// is not needed any more or was set aside.
    [[nodiscard]] model::Result<void> promote(model::Tenure tenure);
    /// The settled database at dataPath becomes the copy at `position`, replacing the one there.
    [[nodiscard]] model::Result<void> rejoin(model::Position position, const std::string& nuid);
    /// Puts the database at dataPath and its WAL under a name not yet used: data that is in no log
    /// is never deleted.
    [[nodiscard]] model::Result<void> set_aside(model::Position position);

    /// Names of set-aside databases, for people.
    [[nodiscard]] model::Result<std::vector<std::string>> list_set_aside();

private:
    [[nodiscard]] std::string state_path(const std::string& name) const;
    [[nodiscard]] model::Result<void> begin(const Intent& intent);
    [[nodiscard]] model::Result<void> finish(const Intent& intent);
    [[nodiscard]] model::Result<void> load_standing();
    template <typename T>
    [[nodiscard]] model::Result<std::optional<T>> load(const std::string& name,
                                                       model::Result<T> (*decode)(model::ByteView));

    ports::Files& files_;
    Paths paths_;
    std::string boot_id_;
    Standing standing_;
    std::optional<model::Tenure> tenure_;
    std::optional<Settled> settled_;
};

/// The folder of a path, and its last part.
[[nodiscard]] std::string folder_of(const std::string& path);
[[nodiscard]] std::string name_of(const std::string& path);

}  // namespace reconcilers::replica
