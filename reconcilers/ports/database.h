// The application's SQLite database at dataPath: capture of its WAL while a backend writes it, by
// the scheme of docs/replication.md (pin, write lock, barrier).
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
    std::uint32_t copied_frames = 0;  // frames of it already in the database file
};

class Database {
public:
    virtual ~Database() = default;

    enum class Mode : std::uint8_t { absent, wal, other };
    /// The journal mode in the file's header (bytes 18 and 19), read through SQLite where attached.
    /// corrupt: not a SQLite database, or its first page cannot be read.
    [[nodiscard]] virtual model::Result<Mode> mode() = 0;

    /// Converts to WAL mode. Only while no backend runs and nothing is attached. SQLite first plays
    /// back a hot journal, if any. Keeps owner and mode of the file.
    /// unavailable: another process has it locked. corrupt: as in mode().
    [[nodiscard]] virtual model::Result<void> convert_to_wal() = 0;

    /// Opens the database, pins its WAL and returns the present position. `saved` is where capture
    /// stopped before; `continued` tells whether the WAL still contains exactly that frame, so that
    /// nothing can have been missed since. From here on no frame is lost until detach().
    /// invalid: not in WAL mode. unavailable: locked beyond the deadline; nothing is held.
    struct Attached {
        model::WalPosition position;
        bool continued = false;
        std::uint32_t page_size = 0;
    };
    [[nodiscard]] virtual model::Result<Attached> attach(
        const std::optional<model::WalPosition>& saved) = 0;
    [[nodiscard]] virtual bool attached() const = 0;
    /// Closes all connections; releases write lock and pin.
    virtual void detach() = 0;

    /// While no backend runs: copies the WAL into the file and removes `-wal` and `-shm`, so that
    /// the file alone is the database at `captured`. Detaches. conflict: there are frames beyond
    /// `captured`, or that frame is not there any more; nothing was changed. The start of a WAL
    /// that was never written has no salts to identify it: with such a position, the caller must
    /// know by other means that nothing was written since.
    [[nodiscard]] virtual model::Result<void> checkpoint_and_close(
        const model::WalPosition& captured) = 0;

    /// Everything committed after `from`, merged into one batch; empty() where there is nothing.
    /// Ends at a commit before the pages exceed `limit` bytes, but takes at least one transaction.
    /// Ends no later than the wal-index's mxFrame, whose checksum the chain must match.
    /// conflict: the frames after `from` are not there any more. unavailable: try again.
    [[nodiscard]] virtual model::Result<model::WalBatch> capture(const model::WalPosition& from,
                                                                 std::uint64_t limit) = 0;

    /// Takes the write lock (BEGIN IMMEDIATE). unavailable: a writer held it for all of `budget`.
    [[nodiscard]] virtual model::Result<void> lock_writers(model::Duration budget) = 0;
    [[nodiscard]] virtual bool writers_locked() const = 0;
    virtual void unlock_writers() = 0;

    /// Call before the write lock of a checkpoint: syncs the WAL so far, so that the checkpoint's
    /// own sync, for which writers wait, has little to do. Guarantees nothing and has no error.
    virtual void sync_ahead() {}

    /// With the write lock held and everything up to `captured` staged durably: barrier, release of
    /// the pin, PASSIVE checkpoint, new pin. unavailable: a checkpoint of the application is
    /// running, the pin was kept. conflict: there are frames beyond `captured`; capture them first.
    [[nodiscard]] virtual model::Result<Checkpointed> checkpoint(
        const model::WalPosition& captured) = 0;

    /// Turns a pin at the end of a completely copied WAL into one inside it, so that checkpoints of
    /// the application can go on (5.4, pin-k). Cheap; called when the WAL has grown by about 1000
    /// frames.
    [[nodiscard]] virtual model::Result<void> repin(const model::WalPosition& captured) = 0;

    /// A consistent image for a snapshot, pinned while it is read. Call begin_image() with the
    /// write lock held, so that the image is exactly at the captured position; read on without the
    /// lock.
    struct Image {
        std::uint32_t page_size = 0;
        std::uint32_t pages = 0;
    };
    [[nodiscard]] virtual model::Result<Image> begin_image() = 0;
    /// Up to `count` pages from page `first` (from 1) on, without the lock page.
    [[nodiscard]] virtual model::Result<std::vector<model::Page>> read_image(
        std::uint32_t first, std::uint32_t count) = 0;
    virtual void end_image() = 0;

    /// Calls `wake` from any thread when the WAL may have grown. A hint; `wake` must not block.
    virtual void on_change(std::function<void()> wake) = 0;
};

}  // namespace reconcilers::ports
