// One SQLite connection to the application's database, with the operations of the capture scheme:
// locks with short retries, passive checkpoints, access to the file and the wal-index through
// SQLite's own handles. (Closing a second descriptor of this process on either file would drop all
// its POSIX locks.)
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "model/bytes.h"
#include "model/result.h"

struct sqlite3;
struct sqlite3_file;

namespace adapters::sqlite {

using Deadline = std::chrono::steady_clock::time_point;

/// Pause between two attempts to get a lock. SQLite's own back-off starves behind a writer that
/// never pauses.
inline constexpr std::chrono::microseconds retry_step{100};

/// Errors of all: unavailable: the database is locked, or the disk failed. corrupt: not a SQLite
/// database. invalid: it may not be opened or written. not_found: there is no file.
class Connection {
public:
    enum class Access : std::uint8_t { read, write };
    [[nodiscard]] static model::Result<std::unique_ptr<Connection>> open(const std::string& path,
                                                                         Access access);
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    /// true: no automatic checkpoints, and the WAL is kept when the last connection closes. false:
    /// SQLite's defaults.
    void keep_wal(bool keep);

    /// Begins a read transaction and reads, so that it pins the WAL. Does not parse the schema,
    /// which may be of a newer SQLite.
    [[nodiscard]] model::Result<void> begin_read(Deadline until);
    [[nodiscard]] model::Result<void> begin_write(Deadline until);
    /// Ends a read or write transaction. Success where there is none.
    [[nodiscard]] model::Result<void> rollback();

    /// One attempt. unavailable: another checkpoint is running. The connection must have read
    /// before.
    struct Checkpoint {
        std::uint32_t log = 0;     // frames in the WAL
        std::uint32_t copied = 0;  // frames already in the database file
    };
    [[nodiscard]] model::Result<Checkpoint> checkpoint_passive();

    /// Switches the journal mode and returns the resulting one: "wal", "delete" ...
    [[nodiscard]] model::Result<std::string> set_journal_mode_wal(Deadline until);

    /// Fills `into`; false where the file ends before. Takes no lock.
    [[nodiscard]] model::Result<bool> read_file(std::uint64_t offset, std::span<std::byte> into);
    [[nodiscard]] model::Result<std::uint64_t> file_size();

    /// The wal-index, shared with every process that has the database open. Valid as long as the
    /// connection, which must have read before. Null where there is none.
    [[nodiscard]] const volatile std::uint32_t* shared_index();

private:
    explicit Connection(std::string path) : path_{std::move(path)} {}
    [[nodiscard]] model::Result<void> run(const char* sql, Deadline until);
    [[nodiscard]] model::Error failed(int code, const std::string& what) const;
    [[nodiscard]] sqlite3_file* file();
    static int on_busy(void* self, int count);

    std::string path_;
    sqlite3* db_ = nullptr;
    Deadline until_{};
};

}  // namespace adapters::sqlite
