#include "adapters/sqlite/connection.h"

#include <sqlite3.h>

#include <algorithm>
#include <thread>

namespace adapters::sqlite {

using model::Errc;
using model::error;
using model::Result;

Result<std::unique_ptr<Connection>> Connection::open(const std::string& path, Access access) {
    std::unique_ptr<Connection> connection{new Connection{path}};
    const int flags = (access == Access::write ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY) |
                      SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
    const int code = sqlite3_open_v2(path.c_str(), &connection->db_, flags, nullptr);
    if (code != SQLITE_OK) return connection->failed(code, "open");
    sqlite3_busy_handler(connection->db_, &Connection::on_busy, connection.get());
    return connection;
}

Connection::~Connection() {
    if (db_ != nullptr) sqlite3_close(db_);
}

void Connection::keep_wal(bool keep) {
    int persist = keep ? 1 : 0;
    sqlite3_file_control(db_, "main", SQLITE_FCNTL_PERSIST_WAL, &persist);
    sqlite3_db_config(db_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, persist, nullptr);
    sqlite3_wal_autocheckpoint(db_, keep ? 0 : 1000);
}

Result<void> Connection::begin_read(Deadline until) {
    auto begun = run("BEGIN", until);
    if (!begun) return begun;
    // BEGIN alone takes no read mark.
    auto read = run("PRAGMA user_version", until);
    if (!read) (void)rollback();
    return read;
}

Result<void> Connection::begin_write(Deadline until) { return run("BEGIN IMMEDIATE", until); }

Result<void> Connection::rollback() {
    if (sqlite3_get_autocommit(db_) != 0) return {};
    return run("ROLLBACK", {});
}

Result<Connection::Checkpoint> Connection::checkpoint_passive() {
    int log = -1;
    int copied = -1;
    const int code =
        sqlite3_wal_checkpoint_v2(db_, "main", SQLITE_CHECKPOINT_PASSIVE, &log, &copied);
    if (code != SQLITE_OK) return failed(code, "checkpoint");
    if (log < 0 || copied < 0) return error(Errc::unavailable, path_ + ": checkpoint: no WAL");
    return Checkpoint{static_cast<std::uint32_t>(log), static_cast<std::uint32_t>(copied)};
}

Result<std::string> Connection::set_journal_mode_wal(Deadline until) {
    until_ = until;
    std::string mode;
    const auto take = [](void* out, int, char** values, char**) {
        if (values[0] != nullptr) *static_cast<std::string*>(out) = values[0];
        return 0;
    };
    const int code = sqlite3_exec(db_, "PRAGMA journal_mode=wal", take, &mode, nullptr);
    if (code != SQLITE_OK) return failed(code, "convert to WAL mode");
    return mode;
}

Result<bool> Connection::read_file(std::uint64_t offset, std::span<std::byte> into) {
    sqlite3_file* handle = file();
    const int code = handle->pMethods->xRead(
        handle, into.data(), static_cast<int>(into.size()), static_cast<sqlite3_int64>(offset));
    if (code == SQLITE_IOERR_SHORT_READ) return false;
    if (code != SQLITE_OK) return failed(code, "read at byte " + std::to_string(offset));
    return true;
}

Result<std::uint64_t> Connection::file_size() {
    sqlite3_file* handle = file();
    sqlite3_int64 size = 0;
    const int code = handle->pMethods->xFileSize(handle, &size);
    if (code != SQLITE_OK) return failed(code, "size");
    return static_cast<std::uint64_t>(size);
}

const volatile std::uint32_t* Connection::shared_index() {
    constexpr int region = 32768;
    sqlite3_file* handle = file();
    if (handle->pMethods->iVersion < 2) return nullptr;
    volatile void* memory = nullptr;
    const int code = handle->pMethods->xShmMap(handle, 0, region, 0, &memory);
    return code == SQLITE_OK ? static_cast<const volatile std::uint32_t*>(memory) : nullptr;
}

Result<void> Connection::run(const char* sql, Deadline until) {
    until_ = until;
    // SQLite calls the busy handler for most locks; a few (recovery, a race for a read mark) fail
    // at once.
    for (;;) {
        const int code = sqlite3_exec(db_, sql, nullptr, nullptr, nullptr);
        if (code == SQLITE_OK) return {};
        const int primary = code & 0xff;
        const bool locked = primary == SQLITE_BUSY || primary == SQLITE_PROTOCOL;
        if (!locked || std::chrono::steady_clock::now() >= until) return failed(code, sql);
        std::this_thread::sleep_for(retry_step);
    }
}

model::Error Connection::failed(int code, const std::string& what) const {
    std::string text = path_ + ": " + what + ": ";
    text += db_ != nullptr ? sqlite3_errmsg(db_) : sqlite3_errstr(code);
    switch (code & 0xff) {
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
            return error(Errc::corrupt, std::move(text));
        case SQLITE_CANTOPEN:
        case SQLITE_READONLY:
        case SQLITE_PERM:
        case SQLITE_AUTH:
            return error(Errc::invalid, std::move(text));
        default:
            return error(Errc::unavailable, std::move(text));
    }
}

sqlite3_file* Connection::file() {
    sqlite3_file* handle = nullptr;
    sqlite3_file_control(db_, "main", SQLITE_FCNTL_FILE_POINTER, &handle);
    model::check(handle != nullptr && handle->pMethods != nullptr, "SQLite has the file open");
    return handle;
}

int Connection::on_busy(void* self, int) {
    const auto* connection = static_cast<const Connection*>(self);
    if (std::chrono::steady_clock::now() >= connection->until_) return 0;
    std::this_thread::sleep_for(retry_step);
    return 1;
}

}  // namespace adapters::sqlite
