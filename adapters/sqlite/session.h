// An attached database: its connections, its pin, and what follows from the pin.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "adapters/sqlite/connection.h"
#include "adapters/sqlite/image.h"
#include "adapters/sqlite/index_view.h"
#include "adapters/sqlite/wal_file.h"
#include "model/time.h"
#include "reconcilers/ports/database.h"

namespace adapters::sqlite {

/// The position of the last committed frame.
[[nodiscard]] model::WalPosition position_of(const model::wal::Index& index);

/// Exists between attach() and detach(). Its calls are those of the port, with the same errors.
class Session {
public:
    Session(std::string path, model::Duration lock_budget, IndexView& view);
    /// Releases the pin behind a barrier and with the write lock, if the application yields it
    /// soon.
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    /// Opens the connections and takes the pin. Once, before any other call.
    [[nodiscard]] model::Result<reconcilers::ports::Database::Attached> start(
        const std::optional<model::WalPosition>& saved);

    [[nodiscard]] model::Result<model::WalBatch> capture(const model::WalPosition& from,
                                                         std::uint64_t limit);
    [[nodiscard]] model::Result<void> lock_writers(model::Duration budget);
    [[nodiscard]] bool writers_locked() const { return writers_locked_; }
    void unlock_writers();
    void sync_ahead() { wal_.sync(); }
    [[nodiscard]] model::Result<reconcilers::ports::Checkpointed> checkpoint(
        const model::WalPosition& captured);
    [[nodiscard]] model::Result<void> repin();
    [[nodiscard]] model::Result<reconcilers::ports::Database::Image> begin_image();
    [[nodiscard]] Image* image() { return image_.get(); }
    void end_image() { image_.reset(); }

private:
    [[nodiscard]] model::Result<void> open_connections(Deadline until);
    [[nodiscard]] model::Result<void> check_owner(const std::string& suffix, bool existed) const;
    [[nodiscard]] model::Result<std::uint32_t> read_page_size();
    [[nodiscard]] model::Result<bool> has_frame(const model::WalPosition& saved,
                                                const model::wal::Index& index);
    [[nodiscard]] model::Result<model::wal::Index> read_index(Deadline until) const;
    [[nodiscard]] model::Result<model::WalPosition> continue_from(const model::WalPosition& from,
                                                                  const model::wal::Index& index);
    [[nodiscard]] model::Result<Connection::Checkpoint> checkpoint_until(Deadline until);
    [[nodiscard]] model::Result<void> pin(const model::WalPosition& at, Deadline until);
    [[nodiscard]] Deadline in(model::Duration budget) const;

    std::string path_;
    model::Duration lock_budget_;
    IndexView& view_;
    WalFile wal_;
    std::uint32_t page_size_ = 0;

    std::unique_ptr<Connection> writer_;  // W: only holds the write lock
    // C: separate from W, which could not copy frames while it holds the lock
    std::unique_ptr<Connection> checkpointer_;
    std::unique_ptr<Connection> pin_;    // R1: inside a read transaction
    std::unique_ptr<Connection> spare_;  // R2: takes over from R1 in repin()
    bool writers_locked_ = false;
    bool pinned_ = false;

    /// Everything was copied when the pin was taken (pin-0), or that is not known: under it, the
    /// WAL may restart once, at its next write. Otherwise (pin-k) it cannot.
    bool may_restart_ = false;
    /// Where the WAL ended when the pin was taken; everything up to there had been captured.
    model::WalPosition pinned_at_;
    /// The generation that followed `pinned_at_` under this pin; capture continues at its first
    /// frame.
    std::optional<model::wal::Salts> followed_by_;

    std::unique_ptr<Image> image_;
};

}  // namespace adapters::sqlite
