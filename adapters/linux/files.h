// The files port on the local disk.
#pragma once

#include "reconcilers/ports/files.h"

namespace adapters::linux_host {

/// reconcilers::ports::Files. Thread-safe for different files. Blocks as long as the disk does. New
/// files have mode 0600, directories 0700. write() uses `.NAME.tmp` in the same directory: one left
/// by a crash is overwritten by the next write, and never listed.
class Files final : public reconcilers::ports::Files {
public:
    [[nodiscard]] model::Result<bool> exists(std::string_view path) override;
    [[nodiscard]] model::Result<std::uint64_t> size(std::string_view path) override;
    [[nodiscard]] model::Result<std::vector<std::string>> list(std::string_view directory) override;
    [[nodiscard]] model::Result<void> create_directory(std::string_view path) override;
    [[nodiscard]] model::Result<model::Bytes> read(std::string_view path) override;
    [[nodiscard]] model::Result<model::Bytes> read_at(std::string_view path,
                                                      std::uint64_t offset,
                                                      std::uint64_t length) override;
    [[nodiscard]] model::Result<void> write(std::string_view path,
                                            model::ByteView bytes,
                                            bool durable) override;
    [[nodiscard]] model::Result<void> write_at(std::string_view path,
                                               std::uint64_t offset,
                                               model::ByteView bytes) override;
    [[nodiscard]] model::Result<void> truncate(std::string_view path, std::uint64_t size) override;
    [[nodiscard]] model::Result<void> sync(std::string_view path) override;
    [[nodiscard]] model::Result<void> sync_directory(std::string_view path) override;
    [[nodiscard]] model::Result<void> rename(std::string_view from, std::string_view to) override;
    [[nodiscard]] model::Result<void> remove(std::string_view path) override;
    [[nodiscard]] model::Result<void> give_to_owner_of(std::string_view directory,
                                                       std::string_view file) override;
    [[nodiscard]] model::Result<void> copy_owner(std::string_view from,
                                                 std::string_view to) override;
};

}  // namespace adapters::linux_host
