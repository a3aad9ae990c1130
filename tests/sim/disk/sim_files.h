// A disk in memory that loses what was not synced, by the worst that POSIX allows: a name is
// durable only after its directory's sync, bytes only after their file's, independently of each
// other.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "reconcilers/ports/clock.h"
#include "reconcilers/ports/files.h"

namespace sim {

/// Thrown at the step set by SimFiles::crash_after, as if the process died there. Caught by
/// simulations only, which then drop everything of that process but the disk.
struct SimCrash {};

struct SimOwner {
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::uint32_t mode = 0600;
    friend bool operator==(const SimOwner&, const SimOwner&) = default;
};

class SimFiles final : public reconcilers::ports::Files {
public:
    SimFiles();

    // The Files port.
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

    // Faults.

    /// The machine loses power. Without `chance`, everything unsynced is lost. With it, each
    /// unsynced name and each unsynced 4 KiB page is lost or kept at random: later writes may
    /// survive earlier ones.
    void power_cut(reconcilers::ports::Random* chance = nullptr);

    /// Throws SimCrash after so many more changes (a write() makes several). Zero: before the next
    /// one. Empty: never.
    void crash_after(std::optional<std::uint64_t> steps) { crash_after_ = steps; }
    /// Changes made so far.
    [[nodiscard]] std::uint64_t steps() const { return steps_; }

    /// Limits the total size of files in bytes; a write beyond it fails half done.
    void capacity(std::uint64_t bytes) { capacity_ = bytes; }
    /// The next sync of any file fails; what that file held unsynced can never become durable.
    void fail_next_sync() { fail_next_sync_ = true; }

    // What others see of the disk and do to it.
    [[nodiscard]] SimOwner owner(std::string_view path) const;
    void set_owner(std::string_view path, SimOwner owner);

private:
    struct File {
        model::Bytes bytes;
        model::Bytes durable;
        SimOwner owner;
        bool broken = false;  // a write-back failed
    };
    using FilePtr = std::shared_ptr<File>;
    using Names = std::map<std::string, FilePtr, std::less<>>;

    void step();
    [[nodiscard]] std::uint64_t used() const;
    [[nodiscard]] bool is_directory(std::string_view path) const;
    [[nodiscard]] model::Result<FilePtr> find(std::string_view path) const;
    [[nodiscard]] model::Result<FilePtr> make(std::string_view path);
    [[nodiscard]] model::Result<void> put(const FilePtr& file,
                                          std::string_view path,
                                          std::uint64_t offset,
                                          model::ByteView bytes);

    Names names_;
    Names durable_names_;
    std::map<std::string, bool, std::less<>>
        directories_;  // created durably, as create_directory() promises
    std::uint64_t steps_ = 0;
    std::optional<std::uint64_t> crash_after_;
    std::uint64_t capacity_ = UINT64_MAX;
    bool fail_next_sync_ = false;
};

}  // namespace sim
