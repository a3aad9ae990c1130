// An attached database: its connections, its pin, and what the pin proves.
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

/// What the wal-index says: the place of its last committed frame.
[[nodiscard]] model::WalPosition position_of(const model::wal::Index& index);

/// Between attach() and detach(). The calls are those of the port, with its errors.
class Session {
public:
    Session(std::string path, model::Duration lock_budget, IndexView& view);
    /// Lets go politely: behind a barrier and inside a fence where the application allows it soon.
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    /// Opens and pins. Once, and before everything else.
    [[nodiscard]] model::Result<reconcilers::ports::Database::Attached> start(
        const std::optional<model::WalPosition>& saved);

    [[nodiscard]] model::Result<model::WalBatch> capture(const model::WalPosition& from,
                                                         std::uint64_t limit);
    [[nodiscard]] model::Result<void> fence(model::Duration budget);
    [[nodiscard]] bool fenced() const { return fenced_; }
    void unfence();
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

    std::unique_ptr<Connection> writer_;        // W: only ever holds the write lock
    std::unique_ptr<Connection> checkpointer_;  // C: apart, since W itself could copy nothing
    std::unique_ptr<Connection> pin_;           // R1: inside a read transaction
    std::unique_ptr<Connection> spare_;         // R2: takes over from R1 in repin()
    bool fenced_ = false;
    bool pinned_ = false;

    /// All was copied when the pin was taken (pin-0, or it can't be told): the WAL may restart once
    /// under it, at its next write. Else (pin-k) it can't.
    bool may_restart_ = false;
    /// Where the WAL ended when the pin was taken; everything up to there was captured by then.
    model::WalPosition pinned_at_;
    /// The generation that followed `pinned_at_` under this pin: its first frame is the next one.
    std::optional<model::wal::Salts> followed_by_;

    std::unique_ptr<Image> image_;
};

}  // namespace adapters::sqlite
