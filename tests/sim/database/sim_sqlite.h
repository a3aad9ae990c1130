// SQLite on a simulated machine, for one database: file and `-wal` on the simulated disk in their
// real formats, and the wal-index, shared by its openers and lost with the last of them. Journal
// mode DELETE is reduced to what matters here: each commit is in the file at once. Source: SQLite,
// "WAL-mode File Format" and "Write-Ahead Logging".
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "model/result.h"
#include "model/wal/wal.h"
#include "model/wal_position.h"
#include "reconcilers/ports/clock.h"
#include "tests/sim/disk/sim_files.h"

namespace sim {

inline constexpr std::uint32_t sim_page_size = 512;

/// A database of one page in journal mode DELETE, as a backend creates it.
[[nodiscard]] model::Bytes sim_first_page();

/// The snapshot of a read transaction.
struct SimSnapshot {
    model::wal::Salts salts;
    std::uint32_t frames = 0;  // the last frame that it may read
    std::uint32_t pages = 0;
    bool zero = false;  // pin-0: all frames were copied, it reads the file only
};

class SimSqlite {
public:
    /// `files` and `random` must outlive this.
    SimSqlite(SimFiles& files, std::string path, reconcilers::ports::Random& random)
        : files_{files}, path_{std::move(path)}, random_{random} {}

    // Each connection is identified by a number, its opener.
    [[nodiscard]] model::Result<int> open();
    /// Ends its read transactions and its write lock, without copying anything: so a killed owner
    /// and one that keeps its WAL look the same.
    void close(int opener);
    /// The machine lost power.
    void forget();

    /// Commits the pages. unavailable: another opener holds the write lock.
    [[nodiscard]] model::Result<void> commit(int opener, const std::vector<model::Page>& pages);
    /// A page as of the last commit.
    [[nodiscard]] model::Result<model::Bytes> read(std::uint32_t page) const;
    [[nodiscard]] std::uint32_t pages() const;

    [[nodiscard]] model::Result<void> lock(int opener);  // BEGIN IMMEDIATE
    void unlock(int opener);
    [[nodiscard]] bool locked() const { return writer_.has_value(); }

    /// Begins a read transaction at the last commit.
    [[nodiscard]] SimSnapshot begin_read(int opener, int slot);
    void end_read(int opener, int slot);
    [[nodiscard]] model::Result<model::Bytes> read_at(const SimSnapshot& snapshot,
                                                      std::uint32_t page) const;

    struct Copied {
        std::uint32_t frames = 0;
        std::uint32_t copied = 0;
    };
    /// A passive checkpoint.
    [[nodiscard]] model::Result<Copied> checkpoint();

    // The contents of the wal-index, for capture.
    struct Frame {
        std::uint32_t page = 0;
        std::uint32_t commit = 0;
        model::wal::Checksum checksum;
    };
    [[nodiscard]] const model::wal::Salts& salts() const { return salts_; }
    [[nodiscard]] const std::vector<Frame>& frames() const { return frames_; }
    [[nodiscard]] std::uint32_t backfilled() const { return backfilled_; }
    [[nodiscard]] model::WalPosition position(std::uint32_t frames) const;
    [[nodiscard]] model::WalPosition end() const {
        return position(static_cast<std::uint32_t>(frames_.size()));
    }
    [[nodiscard]] model::Result<model::Bytes> frame_page(std::uint32_t frame) const;

    [[nodiscard]] bool wal_mode() const;
    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] std::string wal_path() const { return path_ + "-wal"; }
    [[nodiscard]] bool opened() const { return !openers_.empty(); }

private:
    void recover();
    [[nodiscard]] model::Result<void> begin_generation();
    [[nodiscard]] model::Result<void> append(const model::Page& page, std::uint32_t commit);

    SimFiles& files_;
    std::string path_;
    reconcilers::ports::Random& random_;

    int last_opener_ = 0;
    std::set<int> openers_;
    std::optional<int> writer_;
    std::map<std::pair<int, int>, SimSnapshot> readers_;

    model::wal::Salts salts_;
    std::vector<Frame> frames_;
    std::uint32_t backfilled_ = 0;
    std::uint32_t file_pages_ = 0;  // pages of the database where the WAL has no frames
};

}  // namespace sim
