// The local disk as the replica reconciler uses it: small durable records, staged files, pages of
// the replica, renames. Paths are absolute. Must not be used on a database that SQLite has open in
// this process.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/bytes.h"
#include "model/result.h"

namespace reconcilers::ports {

/// Errors of all: not_found: a required file is absent. invalid: the path is of another kind or not
/// permitted. unavailable: a disk error (full, I/O). Each message has path and reason. After a
/// failed sync that file's data must be considered lost: repeating the sync could succeed wrongly.
class Files {
public:
    virtual ~Files() = default;

    [[nodiscard]] virtual model::Result<bool> exists(std::string_view path) = 0;
    [[nodiscard]] virtual model::Result<std::uint64_t> size(std::string_view path) = 0;
    /// Names in a directory, sorted; empty for an absent directory. Leaves out the remains of
    /// interrupted writes.
    [[nodiscard]] virtual model::Result<std::vector<std::string>> list(
        std::string_view directory) = 0;
    /// Creates a directory and its parents, durably. Success where it exists.
    [[nodiscard]] virtual model::Result<void> create_directory(std::string_view path) = 0;

    /// Reads a whole small file (at most 256 MiB).
    [[nodiscard]] virtual model::Result<model::Bytes> read(std::string_view path) = 0;
    [[nodiscard]] virtual model::Result<model::Bytes> read_at(std::string_view path,
                                                              std::uint64_t offset,
                                                              std::uint64_t length) = 0;

    /// Replaces a whole file: readers see the old or the new one. `durable`: data and directory are
    /// synced before it returns; otherwise it survives a crash of this process, but not of the
    /// machine.
    [[nodiscard]] virtual model::Result<void> write(std::string_view path,
                                                    model::ByteView bytes,
                                                    bool durable) = 0;

    /// Writes in place; creates the file (mode 0600) where absent. Not durable before sync().
    [[nodiscard]] virtual model::Result<void> write_at(std::string_view path,
                                                       std::uint64_t offset,
                                                       model::ByteView bytes) = 0;
    [[nodiscard]] virtual model::Result<void> truncate(std::string_view path,
                                                       std::uint64_t size) = 0;
    [[nodiscard]] virtual model::Result<void> sync(std::string_view path) = 0;
    [[nodiscard]] virtual model::Result<void> sync_directory(std::string_view path) = 0;

    /// Replaces `to`. Durable after sync_directory() of both directories.
    [[nodiscard]] virtual model::Result<void> rename(std::string_view from,
                                                     std::string_view to) = 0;
    /// Success where it is absent.
    [[nodiscard]] virtual model::Result<void> remove(std::string_view path) = 0;
    /// Gives `file` the owner and group of `directory`, where this process may; its mode stays.
    [[nodiscard]] virtual model::Result<void> give_to_owner_of(std::string_view directory,
                                                               std::string_view file) = 0;
    /// Gives `to` the owner, group and mode of `from`.
    [[nodiscard]] virtual model::Result<void> copy_owner(std::string_view from,
                                                         std::string_view to) = 0;
};

}  // namespace reconcilers::ports
