// The local disk, as the replica reconciler uses it: small durable records, staged files, pages of
// the replica, renames. Paths are absolute. Never used on a database that SQLite has open in this
// process.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/bytes.h"
#include "model/result.h"

namespace reconcilers::ports {

/// Errors of all: not_found where a file is needed and absent; invalid for a path that is of
/// another kind or may not be used; unavailable for the disk (full, I/O); each message names path
/// and reason. A failed sync is unavailable and final for that file's data: it is never repeated
/// and believed.
class Files {
public:
    virtual ~Files() = default;

    [[nodiscard]] virtual model::Result<bool> exists(std::string_view path) = 0;
    [[nodiscard]] virtual model::Result<std::uint64_t> size(std::string_view path) = 0;
    /// Names in a folder, sorted; empty for an absent folder. What a write that was cut short left
    /// is not listed.
    [[nodiscard]] virtual model::Result<std::vector<std::string>> list(std::string_view folder) = 0;
    /// Makes a folder and its parents, durably; present is success.
    [[nodiscard]] virtual model::Result<void> make_folder(std::string_view path) = 0;

    /// The whole of a small file (at most 256 MiB).
    [[nodiscard]] virtual model::Result<model::Bytes> read(std::string_view path) = 0;
    [[nodiscard]] virtual model::Result<model::Bytes> read_at(std::string_view path,
                                                              std::uint64_t offset,
                                                              std::uint64_t length) = 0;

    /// Replaces a file whole: a reader sees the old one or the new one. `durable`: data and folder
    /// are synced before it returns; otherwise it outlives this process, not the machine.
    [[nodiscard]] virtual model::Result<void> write(std::string_view path,
                                                    model::ByteView bytes,
                                                    bool durable) = 0;

    /// Pages in place; made (mode 0600) where absent. Not durable before sync().
    [[nodiscard]] virtual model::Result<void> write_at(std::string_view path,
                                                       std::uint64_t offset,
                                                       model::ByteView bytes) = 0;
    [[nodiscard]] virtual model::Result<void> truncate(std::string_view path,
                                                       std::uint64_t size) = 0;
    [[nodiscard]] virtual model::Result<void> sync(std::string_view path) = 0;
    [[nodiscard]] virtual model::Result<void> sync_folder(std::string_view path) = 0;

    /// Replaces `to`. Durable after sync_folder of both folders.
    [[nodiscard]] virtual model::Result<void> rename(std::string_view from,
                                                     std::string_view to) = 0;
    /// Absent is success.
    [[nodiscard]] virtual model::Result<void> remove(std::string_view path) = 0;
    /// Gives `to` owner, group and mode of `from`.
    [[nodiscard]] virtual model::Result<void> copy_owner(std::string_view from,
                                                         std::string_view to) = 0;
};

}  // namespace reconcilers::ports
