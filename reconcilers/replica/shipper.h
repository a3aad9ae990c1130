// The primary's side of the log: captures commits of the backend, stages and publishes them, and
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
    /// everything up to and including this node's own opened record. The database contains all that
    /// is visible in it, unless `foreign`: then the log was another tool's, and every page becomes
    /// part of the next transaction.
    [[nodiscard]] model::Result<void> attach(model::Epoch epoch,
                                             model::Tenure tenure,
                                             const LogState& log,
                                             bool foreign);
    /// After another seal of the same data (S6, adoption): continues from `log`, and republishes
    /// what it lacks.
    [[nodiscard]] model::Result<void> resume(model::Epoch epoch,
                                             model::Tenure tenure,
                                             const LogState& log);
    [[nodiscard]] bool attached() const { return ports_.database.attached(); }

    /// Result of one bounded step.
    enum class Outcome : std::uint8_t {
        idle,    // everything captured is acknowledged
        more,    // there is more to do: call again now
        retry,   // the store or the database did not answer: call again later
        reseal,  // S6: a publish was refused or not answered
    };
    /// Captures, publishes one object, or advances a snapshot.
    [[nodiscard]] Outcome step(LogState& log);

    /// D8, with the backend dead: everything that it committed is captured and acknowledged.
    [[nodiscard]] bool flushed() const { return flushed_; }
    /// `on`: the backend is dead, and stays dead until this is called with false.
    void flush(bool on) {
        if (!on) flushed_ = false;
        flushing_ = on;
    }

    /// Stops publishing; staged files and the pin stay, the pin until detach().
    void suspend();
    void detach();

    /// The newest captured TXID, and where it ends in the WAL.
    [[nodiscard]] const Staged& newest() const { return newest_; }
    [[nodiscard]] model::Txid acknowledged() const { return acknowledged_; }
    [[nodiscard]] std::uint64_t unshipped_bytes() const;
    [[nodiscard]] std::uint64_t unshipped() const { return queue_.size(); }
    [[nodiscard]] std::optional<model::Instant> oldest_unshipped() const {
        return queue_.empty() ? std::nullopt : std::optional{oldest_};
    }
    /// When to call step() again for a capture that the last one postponed, since its hint may have
    /// been used up.
    [[nodiscard]] std::optional<model::Instant> capture_at() const {
        return capture_waits_ ? std::optional{capture_after_} : std::nullopt;
    }
    [[nodiscard]] std::uint64_t wal_bytes_total() const { return wal_bytes_; }

private:
    /// An image of the whole database being uploaded: a snapshot or, after a gap, the next
    /// transaction.
    struct Image {
        ports::Database::Image image;
        model::ltx::Encoder encoder;
        Upload upload;
        Staged end;  // its TXID, and its place in the WAL
        int level = 9;
        // for a snapshot: nuid and sequence of the level 0 file of its TXID, once acknowledged
        std::string l0_nuid;
        model::Sequence l0_at;
        std::uint32_t next_page = 1;  // next page to read
        bool complete = false;        // all pages are read and encoded
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
    model::Sequence last_;  // last sequence of the stream, as predicted
    Staged newest_;         // captured last; without its LTX bytes
    model::Txid acknowledged_;
    std::string acknowledged_nuid_;
    std::deque<Staged> queue_;  // captured and not yet acknowledged, oldest first
    std::unique_ptr<Upload> upload_;
    std::unique_ptr<Image> image_;
    std::string capture_error_;  // as reported; "" capture works
    bool image_turn_ = false;    // a file was published since the last piece of the image
    bool gap_ = false;  // changes since newest_ are not known: the next file must have every page
    bool flushing_ = false;
    bool flushed_ = false;
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
