#include "adapters/sqlite/database.h"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string_view>

#include "adapters/sqlite/claim.h"
#include "adapters/sqlite/connection.h"
#include "adapters/sqlite/session.h"
#include "adapters/sqlite/watcher.h"

namespace adapters::sqlite {

using model::Errc;
using model::error;
using model::Result;
using reconcilers::ports::Checkpointed;

namespace {

/// Where SQLite still has to play back a hot journal, the header of the file is not reliable. A
/// journal that was only kept (journal_mode PERSIST) begins with zeros.
bool hot_journal(const std::string& path) {
    std::ifstream journal{path + "-journal", std::ios::binary};
    const int first = journal.get();
    return first != std::ifstream::traits_type::eof() && first != 0;
}

class AttachableDatabase final : public reconcilers::ports::Database {
public:
    AttachableDatabase(std::string path, const Options& options)
        : path_{std::move(path)}, options_{options} {}

    Result<Mode> mode() override {
        struct stat status {};
        if (::stat(path_.c_str(), &status) != 0) {
            if (errno == ENOENT) return Mode::absent;
            return error(Errc::unavailable, path_ + ": " + std::strerror(errno));
        }
        if (!S_ISREG(status.st_mode)) return error(Errc::invalid, path_ + ": not a file");
        // Opened through SQLite each time: closing a descriptor of our own would drop all POSIX
        // locks of this process on the file.
        auto connection = Connection::open(path_, Connection::Access::read);
        if (!connection) return std::move(connection).error();
        if (status.st_size == 0) return Mode::other;
        std::array<std::byte, 20> header{};
        auto whole = (*connection)->read_file(0, header);
        if (!whole) return std::move(whole).error();
        constexpr std::string_view magic{"SQLite format 3\0", 16};
        const std::string text = model::to_text(header);
        const auto read_version = std::to_integer<int>(header[19]);
        if (!*whole || !text.starts_with(magic) || read_version < 1 || read_version > 2) {
            return error(Errc::corrupt, path_ + ": not a SQLite database");
        }
        return read_version == 2 && !hot_journal(path_) ? Mode::wal : Mode::other;
    }

    Result<void> convert_to_wal() override {
        if (session_) return error(Errc::invalid, "convert to WAL: the database is attached");
        auto present = mode();
        if (!present) return std::move(present).error();
        if (*present == Mode::absent) return error(Errc::not_found, path_ + ": no database");
        // Opening and closing it here would checkpoint a WAL that is not captured, and delete it.
        if (*present == Mode::wal) return {};
        auto connection = Connection::open(path_, Connection::Access::write);
        if (!connection) return std::move(connection).error();
        const auto until = std::chrono::steady_clock::now() + options_.lock_budget;
        auto holds = (*connection)->set_journal_mode_wal(until);
        if (!holds) return std::move(holds).error();
        if (*holds != "wal") {
            return error(Errc::unavailable,
                         path_ + ": convert to WAL mode: it stays in mode " + *holds);
        }
        return {};
    }

    Result<void> checkpoint_and_close(const model::WalPosition& captured) override {
        if (session_) detach();
        auto attached = attach(captured);
        if (!attached) return std::move(attached).error().during("checkpoint and close");
        auto beyond = session_->capture(captured, 1);
        detach();
        if (!beyond) return std::move(beyond).error().during("checkpoint and close");
        const bool unwritten = captured == model::WalPosition{} && attached->position == captured;
        if ((!attached->continued && !unwritten) || !beyond->empty()) {
            return error(Errc::conflict, path_ + ": its WAL does not end where it was captured");
        }
        // Closing the last connection copies the WAL into the file and removes it.
        {
            auto connection = Connection::open(path_, Connection::Access::write);
            if (!connection) return std::move(connection).error().during("checkpoint and close");
            (*connection)->keep_wal(false);
            const auto until = std::chrono::steady_clock::now() + options_.lock_budget;
            if (auto read = (*connection)->begin_read(until); !read) return read;
            if (auto ended = (*connection)->rollback(); !ended) return ended;
        }
        for (const auto* suffix : {"-wal", "-shm"}) {
            if (::access((path_ + suffix).c_str(), F_OK) == 0) {
                return error(Errc::unavailable,
                             path_ + suffix + " stays: another process has the database open");
            }
        }
        return {};
    }

    Result<Attached> attach(const std::optional<model::WalPosition>& saved) override {
        if (session_) return error(Errc::invalid, "attach: it is attached");
        auto present = mode();
        if (!present) return std::move(present).error().during("attach");
        if (*present == Mode::absent) return error(Errc::not_found, path_ + ": no database");
        if (*present != Mode::wal) return error(Errc::invalid, path_ + ": not in WAL mode");
        // SQLite puts -wal and -shm beside the file itself, not beside a symbolic link to it.
        std::error_code unresolved;
        const auto file = std::filesystem::canonical(path_, unresolved);
        if (unresolved) return error(Errc::unavailable, path_ + ": " + unresolved.message());
        auto claim = Claim::take(file.string());
        if (!claim) return error(Errc::invalid, path_ + ": it is attached elsewhere already");
        auto session = std::make_unique<Session>(file.string(), options_.lock_budget, view_);
        auto attached = session->start(saved);
        if (attached) {
            claim_ = std::move(claim);
            session_ = std::move(session);
        }
        return attached;
    }

    bool attached() const override { return session_ != nullptr; }
    void detach() override {
        session_.reset();
        claim_.reset();
    }

    Result<model::WalBatch> capture(const model::WalPosition& from, std::uint64_t limit) override {
        if (!session_) return not_attached();
        return session_->capture(from, limit);
    }

    Result<void> lock_writers(model::Duration budget) override {
        if (!session_) return not_attached();
        return session_->lock_writers(budget);
    }
    bool writers_locked() const override { return session_ && session_->writers_locked(); }
    void unlock_writers() override {
        if (session_) session_->unlock_writers();
    }

    void sync_ahead() override {
        if (session_) session_->sync_ahead();
    }
    Result<Checkpointed> checkpoint(const model::WalPosition& captured) override {
        if (!session_) return not_attached();
        return session_->checkpoint(captured);
    }
    Result<void> repin(const model::WalPosition&) override {
        if (!session_) return not_attached();
        return session_->repin();
    }

    Result<Image> begin_image() override {
        if (!session_) return not_attached();
        return session_->begin_image();
    }
    Result<std::vector<model::Page>> read_image(std::uint32_t first, std::uint32_t count) override {
        if (!session_ || session_->image() == nullptr) {
            return error(Errc::invalid, "read image: none was begun");
        }
        return session_->image()->read(first, count);
    }
    void end_image() override {
        if (session_) session_->end_image();
    }

    void on_change(std::function<void()> wake) override {
        watcher_.reset();
        if (wake) watcher_ = std::make_unique<Watcher>(path_, view_, std::move(wake));
    }

private:
    [[nodiscard]] static model::Error not_attached() {
        return error(Errc::invalid, "the database is not attached");
    }

    std::string path_;
    Options options_;
    IndexView view_;                // destroyed after its users
    std::unique_ptr<Claim> claim_;  // destroyed after the session
    std::unique_ptr<Session> session_;
    std::unique_ptr<Watcher> watcher_;
};

}  // namespace

std::unique_ptr<reconcilers::ports::Database> make_database(std::string path,
                                                            const Options& options) {
    return std::make_unique<AttachableDatabase>(std::move(path), options);
}

}  // namespace adapters::sqlite
