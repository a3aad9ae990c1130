// The primary's side of the log: captures what the backend commits, stages it, publishes it, and
// keeps the WAL short. Rules S2, S3, S6, D1, D3 of docs/protocol.md; scheme: docs/replication.md.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "model/ltx/encoder.h"
#include "model/result.h"
#include "model/time.h"
#include "reconcilers/ports/clock.h"
#include "reconcilers/ports/database.h"
#include "reconcilers/ports/events.h"
#include "reconcilers/ports/log_store.h"
#include "reconcilers/replica/local.h"
#include "reconcilers/replica/log_state.h"
#include "reconcilers/replica/publisher.h"

namespace reconcilers::replica {

class Shipper {
public:
    struct Ports {
        ports::Database& database;
        ports::LogStore& store;
        ports::Clock& clock;
        ports::Events& events;
    };
    Shipper(Local& local, Ports ports, model::Duration snapshot_interval);

    /// Attaches the database, which must be in WAL mode, at the end of what is staged. `log`:
    /// everything up to and with our own opened. The data holds all that is visible there, unless
    /// `foreign`: then the log was another tool's, and every page becomes the next transaction.
    [[nodiscard]] model::Result<void> attach(model::Epoch epoch,
                                             model::Tenure tenure,
                                             const LogState& log,
                                             bool foreign);
    /// After another seal of the same data (S6, adoption): goes on from `log`, republishes what it
    /// lacks.
    [[nodiscard]] model::Result<void> resume(model::Epoch epoch,
                                             model::Tenure tenure,
                                             const LogState& log);
    [[nodiscard]] bool attached() const { return ports_.database.attached(); }

    /// What one bounded round came to.
    enum class Outcome : std::uint8_t {
        idle,    // everything captured is acknowledged
        more,    // there is more to do: call again
        retry,   // the store or the database did not answer: call again later
        reseal,  // S6: refused or unanswered
    };
    /// Captures, publishes one object, or moves a snapshot on. `capture`: the store is there to
    /// take it.
    [[nodiscard]] Outcome step(LogState& log);

    /// D8, the backend is dead: captures what it left. True: frames in the WAL = acknowledged.
    [[nodiscard]] bool swept() const { return swept_; }
    void begin_sweep() { sweeping_ = true; }

    /// Publishing stops; what is staged stays. The pin stays until detach().
    void suspend();
    void detach();

    /// Newest TXID captured, and where it ends in the WAL.
    [[nodiscard]] const Staged& newest() const { return newest_; }
    [[nodiscard]] model::Txid acknowledged() const { return acknowledged_; }
    [[nodiscard]] std::uint64_t unshipped_bytes() const;
    [[nodiscard]] std::uint64_t unshipped() const { return queue_.size(); }
    [[nodiscard]] std::optional<model::Instant> oldest_unshipped() const {
        return queue_.empty() ? std::nullopt : std::optional{oldest_};
    }
    /// When it captures next, where the last step left it for later: it has to be asked again then,
    /// since the hint may have come already.
    [[nodiscard]] std::optional<model::Instant> capture_at() const {
        return capture_waits_ ? std::optional{capture_after_} : std::nullopt;
    }
    [[nodiscard]] std::uint64_t wal_bytes_total() const { return wal_bytes_; }

private:
    /// An image of the whole database on its way: a snapshot, or after a gap the next transaction.
    struct Image {
        ports::Database::Image image;
        model::ltx::Encoder encoder;
        Upload upload;
        Staged end;  // TXID, and where the image stands in the WAL
        int level = 9;
        std::string l0_nuid;  // the level 0 file of a snapshot's TXID, and where it is: once it is
                              // acknowledged
        model::Sequence l0_at;
        std::uint32_t next_page = 1;  // to be read
        bool complete = false;        // all pages are encoded
    };

    [[nodiscard]] model::Result<bool> capture(bool durable);
    [[nodiscard]] Outcome capture_failed(const model::Error& error);
    [[nodiscard]] Outcome publish_front(LogState& log);
    [[nodiscard]] Outcome checkpoint();
    [[nodiscard]] Outcome begin_image(const LogState& log, int level);
    [[nodiscard]] Outcome step_image(LogState& log);
    [[nodiscard]] Outcome failed(const model::Error& error, std::string_view during);
    void acknowledge(LogState& log, const model::ObjectMeta& meta, model::Sequence at);
    void end_image();

    Local& local_;
    Ports ports_;
    model::Duration snapshot_interval_;

    model::Epoch epoch_;
    model::Tenure tenure_;
    model::Sequence last_;  // of the stream, as we predict it
    Staged newest_;         // captured last; its LTX bytes are not kept
    model::Txid acknowledged_;
    std::string acknowledged_nuid_;
    std::deque<Staged> queue_;  // captured and not acknowledged, oldest first
    std::unique_ptr<Upload> upload_;
    std::unique_ptr<Image> image_;
    std::string capture_error_;  // told; "" it works
    bool image_turn_ = false;    // a file was published since a piece of the image was
    bool gap_ = false;  // what happened since newest_ is not known: every page is the next file
    bool sweeping_ = false;
    bool swept_ = false;
    std::uint32_t checkpointed_frames_ = 0;
    model::Instant capture_after_{};
    bool capture_waits_ = false;
    model::Instant checkpoint_after_{};
    model::Instant image_after_{};
    model::Instant oldest_{};
    model::Instant last_snapshot_{};
    std::uint64_t wal_bytes_ = 0;
};

}  // namespace reconcilers::replica
