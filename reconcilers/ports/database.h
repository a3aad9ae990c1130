// The application's SQLite database at dataPath: capture of its WAL while a backend writes it, by
// the scheme of docs/replication.md (pin, fence, barrier).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "model/result.h"
#include "model/time.h"
#include "model/wal_position.h"

namespace reconcilers::ports {

struct Checkpointed {
    std::uint32_t log_frames = 0;     // frames in the WAL
    std::uint32_t copied_frames = 0;  // of them in the database file
};

class Database {
public:
    virtual ~Database() = default;

    enum class Mode : std::uint8_t { absent, wal, other };
    /// The journal mode in the file's header (bytes 18 and 19), read through SQLite where it is
    /// attached. corrupt: it is not a SQLite database, or its first page is not readable.
    [[nodiscard]] virtual model::Result<Mode> mode() = 0;

    /// Converts to WAL mode. Only while no backend runs and nothing is attached. A hot journal is
    /// played back first, as SQLite does. Keeps owner and mode of the file.
    /// unavailable: somebody has it locked. corrupt: as in mode().
    [[nodiscard]] virtual model::Result<void> convert_to_wal() = 0;

    /// Opens the database, pins its WAL and returns the present position. `saved` is where capture
    /// stood before; `continued` tells whether the WAL still has exactly that frame, so that
    /// nothing can have been missed since. From here on no frame is lost until detach(). invalid:
    /// not in WAL mode. unavailable: locked beyond the deadline; nothing is held.
    struct Attached {
        model::WalPosition position;
        bool continued = false;
        std::uint32_t page_size = 0;
    };
    [[nodiscard]] virtual model::Result<Attached> attach(
        const std::optional<model::WalPosition>& saved) = 0;
    [[nodiscard]] virtual bool attached() const = 0;
    /// Closes all connections; releases fence and pin.
    virtual void detach() = 0;

    /// While no backend runs: folds the WAL into the file and removes `-wal` and `-shm`, so that
    /// the file alone is the database at `captured`. Detaches. conflict: there are frames beyond
    /// `captured`, or it is not there any more; nothing was changed. The start of a WAL that was
    /// never written has no salts to know it by: whoever settles there must know by other means
    /// that nobody wrote since.
    [[nodiscard]] virtual model::Result<void> settle(const model::WalPosition& captured) = 0;

    /// Everything committed after `from`, merged into one batch; empty() where there is nothing.
    /// Stops at a commit before `limit` bytes of pages are exceeded, but takes at least one
    /// transaction. Bounded by the wal-index's mxFrame, whose checksum the chain must meet.
    /// conflict: the frames after `from` are not there any more. unavailable: try again.
    [[nodiscard]] virtual model::Result<model::WalBatch> capture(const model::WalPosition& from,
                                                                 std::uint64_t limit) = 0;

    /// The write fence: BEGIN IMMEDIATE held. unavailable: a writer held the lock for all of
    /// `budget`.
    [[nodiscard]] virtual model::Result<void> fence(model::Duration budget) = 0;
    [[nodiscard]] virtual bool fenced() const = 0;
    virtual void unfence() = 0;

    /// Before the fence of a checkpoint: syncs what the WAL has by now, so that the checkpoint's
    /// own sync, which writers wait for, finds little. Proves nothing, and has no error.
    virtual void sync_ahead() {}

    /// Inside the fence, with everything up to `captured` staged durably: barrier, let go of the
    /// pin, PASSIVE checkpoint, pin again. unavailable: the application's own checkpoint is in the
    /// way, the pin was kept; `conflict`: frames beyond `captured` were found, capture them first.
    [[nodiscard]] virtual model::Result<Checkpointed> checkpoint(
        const model::WalPosition& captured) = 0;

    /// Turns a pin at the end of a wholly copied WAL into one inside it, so that the application's
    /// checkpoints go on (5.4, pin-k). Cheap; called when the WAL has grown by about 1000 frames.
    [[nodiscard]] virtual model::Result<void> repin(const model::WalPosition& captured) = 0;

    /// A consistent image for a snapshot, pinned while it is read. begin_image() inside the fence,
    /// so that it stands exactly at the captured position; read on without the fence.
    struct Image {
        std::uint32_t page_size = 0;
        std::uint32_t pages = 0;
    };
    [[nodiscard]] virtual model::Result<Image> begin_image() = 0;
    /// Up to `count` pages from `first` (from 1), the lock page left out.
    [[nodiscard]] virtual model::Result<std::vector<model::Page>> read_image(
        std::uint32_t first, std::uint32_t count) = 0;
    virtual void end_image() = 0;

    /// Calls `wake` from any thread when the WAL may have grown. A hint. It must not block.
    virtual void on_change(std::function<void()> wake) = 0;
};

}  // namespace reconcilers::ports
