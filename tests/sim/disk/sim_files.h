// A disk in memory that forgets what was not synced. As unkind as POSIX allows: a name is durable
// only after its folder's sync, bytes only after their file's, and the two know nothing of each
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

/// Thrown out of the step at which SimFiles::crash_after was to crash: the process is gone. Only a
/// simulation catches it, and drops everything of that process but the disk.
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

    // The port.
    [[nodiscard]] model::Result<bool> exists(std::string_view path) override;
    [[nodiscard]] model::Result<std::uint64_t> size(std::string_view path) override;
    [[nodiscard]] model::Result<std::vector<std::string>> list(std::string_view folder) override;
    [[nodiscard]] model::Result<void> make_folder(std::string_view path) override;
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
    [[nodiscard]] model::Result<void> sync_folder(std::string_view path) override;
    [[nodiscard]] model::Result<void> rename(std::string_view from, std::string_view to) override;
    [[nodiscard]] model::Result<void> remove(std::string_view path) override;
    [[nodiscard]] model::Result<void> copy_owner(std::string_view from,
                                                 std::string_view to) override;

    // What happens to it.

    /// The machine loses its power. Without `chance` everything that was not synced is lost. With
    /// it, each name and each 4 KiB page that was not is lost or kept by a throw of its own: what
    /// was written last may survive what was written first.
    void power_cut(reconcilers::ports::Random* chance = nullptr);

    /// Throws SimCrash once this many more steps that change something were done; write() is
    /// several. Zero: before the next one. Empty: never.
    void crash_after(std::optional<std::uint64_t> steps) { crash_after_ = steps; }
    /// Steps that changed something so far.
    [[nodiscard]] std::uint64_t steps() const { return steps_; }

    /// All files together; a write beyond fails, half done.
    void capacity(std::uint64_t bytes) { capacity_ = bytes; }
    /// The next sync of any file fails, and what that file held unsynced is never durable again.
    void fail_next_sync() { fail_next_sync_ = true; }

    // What an observer sees, and what others do to it.
    [[nodiscard]] SimOwner owner(std::string_view path) const;
    void set_owner(std::string_view path, SimOwner owner);

private:
    struct File {
        model::Bytes bytes;
        model::Bytes durable;
        SimOwner owner;
        bool broken = false;  // its write-back failed
    };
    using FilePtr = std::shared_ptr<File>;
    using Names = std::map<std::string, FilePtr, std::less<>>;

    void step();
    [[nodiscard]] std::uint64_t used() const;
    [[nodiscard]] bool is_folder(std::string_view path) const;
    [[nodiscard]] model::Result<FilePtr> find(std::string_view path) const;
    [[nodiscard]] model::Result<FilePtr> make(std::string_view path);
    [[nodiscard]] model::Result<void> put(const FilePtr& file,
                                          std::string_view path,
                                          std::uint64_t offset,
                                          model::ByteView bytes);

    Names names_;
    Names durable_names_;
    std::map<std::string, bool, std::less<>> folders_;  // made durably: make_folder says so
    std::uint64_t steps_ = 0;
    std::optional<std::uint64_t> crash_after_;
    std::uint64_t capacity_ = UINT64_MAX;
    bool fail_next_sync_ = false;
};

}  // namespace sim
