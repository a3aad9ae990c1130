#include "reconcilers/replica/shipper.h"

#include <algorithm>
#include <utility>

#include "model/wall_time.h"

namespace reconcilers::replica {
namespace {

using model::Bytes;
using model::Errc;
using model::Result;
using std::chrono::milliseconds;
using Outcome = Shipper::Outcome;

constexpr std::uint64_t batch_limit = 16U << 20U;  // bytes of pages in one file
constexpr std::uint64_t unshipped_limit = 64U
                                          << 20U;  // above it capture waits; the pin keeps the WAL
constexpr std::uint32_t checkpoint_frames = 900;
// A writer that never pauses is captured in larger files, instead of being disturbed at each
// commit.
constexpr milliseconds capture_interval{5};
constexpr milliseconds checkpoint_interval{25};
constexpr milliseconds write_lock_budget{50};
constexpr milliseconds lock_again{100};
constexpr milliseconds again_later{1000};
constexpr int chunks_at_once = 16;
// few, so that commits made meanwhile are published in between
constexpr int image_chunks_at_once = 4;
constexpr std::uint32_t image_pages_at_once = 128;

}  // namespace

Shipper::Shipper(Local& local, Ports ports, model::Duration snapshot_interval)
    : local_{local}, ports_{ports}, snapshot_interval_{snapshot_interval} {}

Result<void> Shipper::attach(model::Epoch epoch,
                             model::Tenure tenure,
                             const LogState& log,
                             bool foreign) {
    auto staged = local_.load_staged();
    if (!staged) return std::move(staged).error();
    const auto saved = staged->empty() ? std::nullopt : std::optional{staged->back().to};
    auto attached = ports_.database.attach(saved);
    if (!attached) return std::move(attached).error();

    newest_ = {};
    gap_ = foreign;
    if (staged->empty()) {
        // The backend has not run since this data was promoted, if ever: the base record below
        // becomes durable before it may. Where no TXID is visible, the image will be TXID 1.
        newest_ = {.txid = std::max(log.visible(), model::Txid{1}),
                   .nuid = log.last_nuid.empty() ? ports_.store.new_nuid() : log.last_nuid,
                   .to = attached->position,
                   .ltx = {}};
        if (auto kept = local_.stage(newest_, true); !kept) {
            ports_.database.detach();
            return kept;
        }
    } else {
        newest_ = staged->back();
        newest_.ltx.clear();
        gap_ = foreign || !attached->continued;
        if (gap_) {
            ports_.events.warning("capture.gap_found",
                                  {{"txid", std::to_string(newest_.txid.value)}});
        }
    }
    checkpointed_frames_ = gap_ ? 0 : newest_.to.frames;
    last_snapshot_ = ports_.clock.now();
    flushing_ = false;
    return resume(epoch, tenure, log);
}

Result<void> Shipper::resume(model::Epoch epoch, model::Tenure tenure, const LogState& log) {
    suspend();
    epoch_ = epoch;
    tenure_ = tenure;
    last_ = log.sequence;
    acknowledged_ = std::max(log.visible(), model::Txid{1});
    acknowledged_nuid_ = log.last_nuid;
    flushed_ = false;
    auto staged = local_.load_staged();
    if (!staged) return std::move(staged).error();
    queue_.clear();
    const bool shown = std::any_of(staged->begin(), staged->end(), [&](const Staged& each) {
        return same_capture(each, log);
    });
    bool lost = false;  // a file is missing, so those after it cannot be published
    for (auto& each : *staged) {
        const auto before = queue_.empty() ? acknowledged_ : queue_.back().txid;
        if (each.txid == acknowledged_ && (log.last != each.txid || same_capture(each, log))) {
            if (newest_.txid < acknowledged_) {
                // An image whose acknowledgement was lost: it is in the log, and capture continues
                // after it.
                newest_ = {.txid = each.txid, .nuid = each.nuid, .to = each.to, .ltx = {}};
                checkpointed_frames_ = newest_.to.frames;
                gap_ = false;
            }
            continue;
        }
        if (each.txid == acknowledged_ && !shown) {
            return model::error(Errc::corrupt,
                                "TXID " + std::to_string(each.txid.value) + " is in the log as " +
                                    log.last_nuid + ", here as " + each.nuid);
        }
        if (each.txid > before.next() && !lost && local_.same_boot()) {
            // The files between were staged, and were dropped when they were acknowledged.
            return model::error(Errc::corrupt,
                                "the store is behind this node's memory: the log ends at TXID " +
                                    std::to_string(acknowledged_.value) + ", TXID " +
                                    std::to_string(each.txid.value - 1) +
                                    " of this node was acknowledged");
        }
        if (each.txid > before) {
            // An image that never became visible, or a file whose predecessor was lost in a power
            // cut: the next file must have every page.
            lost = lost || each.ltx.empty() || each.txid != before.next();
            gap_ = gap_ || lost;
        }
        if (lost || each.txid <= before) {
            if (auto dropped = local_.drop(each.txid, each.nuid); !dropped) return dropped;
            continue;
        }
        // S6: messages sent under the old nuid cannot be accepted any more, but some of its chunks
        // may be stored.
        const auto nuid = ports_.store.new_nuid();
        if (auto renamed = local_.rename_staged(each.txid, each.nuid, nuid); !renamed) {
            return renamed;
        }
        each.nuid = nuid;
        queue_.push_back(std::move(each));
    }
    if (!queue_.empty()) {
        newest_ = queue_.back();
        newest_.ltx.clear();
        oldest_ = ports_.clock.now();
    } else if (newest_.txid > acknowledged_) {
        newest_.txid = acknowledged_;
    }
    return {};
}

void Shipper::suspend() {
    upload_.reset();
    end_image();
}

void Shipper::detach() {
    suspend();
    ports_.database.detach();
    queue_.clear();
    flushed_ = false;
    flushing_ = false;
}

std::uint64_t Shipper::unshipped_bytes() const {
    std::uint64_t total = 0;
    for (const auto& each : queue_)
        total += each.ltx.size();
    return total;
}

Outcome Shipper::failed(const model::Error& error, std::string_view during) {
    if (error.code == Errc::conflict || error.code == Errc::unknown_outcome) {
        upload_.reset();
        end_image();
        ports_.events.warning("log.publish_refused",
                              {{"during", std::string{during}}, {"error", error.message}});
        return Outcome::reseal;
    }
    ports_.events.emit(ports::Level::debug,
                       "log.publish_delayed",
                       {{"during", std::string{during}}, {"error", error.message}});
    return Outcome::retry;
}

Outcome Shipper::step(LogState& log) {
    capture_waits_ = false;
    if (!queue_.empty()) return publish_front(log);
    if (image_ && image_->level == 0) return step_image(log);
    if (gap_) return begin_image(log, 0);

    const auto now = ports_.clock.now();
    if (!flushing_) {
        // Before the next capture: where publishing a file takes longer than the pauses of a
        // writer, there is always something to capture.
        if (newest_.to.frames >= checkpointed_frames_ + checkpoint_frames &&
            now >= checkpoint_after_) {
            return checkpoint();
        }
        if (image_ && std::exchange(image_turn_, false)) return step_image(log);
        const bool due = now - last_snapshot_ >= snapshot_interval_ && log.snapshot &&
                         log.snapshot_facts.max < newest_.txid;
        if (!image_ && (!log.snapshot || due) && now >= image_after_) return begin_image(log, 9);
    }
    capture_waits_ = !flushing_ && now < capture_after_;
    if (!capture_waits_) {
        auto captured = capture(false);
        if (!captured) return capture_failed(captured.error());
        if (!std::exchange(capture_error_, {}).empty()) ports_.events.info("capture.resumed");
        if (*captured) {
            capture_after_ = now + capture_interval;
            return Outcome::more;
        }
    }
    if (flushing_) {
        flushed_ = true;
        return Outcome::idle;
    }
    return image_ ? step_image(log) : Outcome::idle;
}

Outcome Shipper::capture_failed(const model::Error& error) {
    if (capture_error_ != error.message) {
        capture_error_ = error.message;
        ports_.events.warning("capture.failed", {{"error", capture_error_}});
    }
    if (error.code != Errc::conflict) return Outcome::retry;
    gap_ = true;
    return Outcome::more;
}

/// Captures one batch and stages it. False: there was nothing to capture.
Result<bool> Shipper::capture(bool durable) {
    if (unshipped_bytes() > unshipped_limit) return false;
    auto batch = ports_.database.capture(newest_.to, batch_limit);
    if (!batch) return std::move(batch).error();
    if (batch->empty()) return false;
    const model::ltx::Header header{.page_size = batch->page_size,
                                    .commit = batch->commit,
                                    .min = newest_.txid.next(),
                                    .max = newest_.txid.next(),
                                    .timestamp = ports_.clock.wall(),
                                    .wal_offset = batch->wal_offset,
                                    .wal_size = batch->wal_bytes,
                                    .wal_salt1 = batch->to.salt1,
                                    .wal_salt2 = batch->to.salt2};
    auto ltx = model::ltx::encode(header, batch->pages);
    if (!ltx) return std::move(ltx).error();
    Staged staged{.txid = header.max,
                  .nuid = ports_.store.new_nuid(),
                  .to = batch->to,
                  .ltx = std::move(*ltx)};
    // D3: staged before its meta is sent, so that a TXID never has two different contents.
    if (auto kept = local_.stage(staged, durable); !kept) return std::move(kept).error();
    wal_bytes_ += static_cast<std::uint64_t>(batch->wal_bytes);
    if (staged.to.salt1 != newest_.to.salt1 || staged.to.salt2 != newest_.to.salt2) {
        checkpointed_frames_ = 0;  // the WAL was restarted
    }
    newest_ = {.txid = staged.txid, .nuid = staged.nuid, .to = staged.to, .ltx = {}};
    if (queue_.empty()) oldest_ = ports_.clock.now();
    queue_.push_back(std::move(staged));
    return true;
}

Outcome Shipper::publish_front(LogState& log) {
    auto& front = queue_.front();
    if (!upload_) {
        upload_ = std::make_unique<Upload>(ports_.store, front.nuid);
        upload_->append(front.ltx);
        upload_->close();
    }
    auto sent = upload_->send(chunks_at_once, last_);
    if (!sent) return failed(sent.error(), "publish a chunk");
    if (!*sent) return Outcome::more;
    auto meta = model::to_meta(model::LtxObject{.level = 0,
                                                .min = front.txid,
                                                .max = front.txid,
                                                .epoch = epoch_,
                                                .tenure = tenure_,
                                                .prev = log.last_nuid,
                                                .l0_nuid = {},
                                                .l0_sequence = {},
                                                .wal_end = front.to});
    upload_->describe(meta);
    const auto header = model::ltx::decode_header(front.ltx);
    meta.headers["Litestream-Timestamp"] =
        model::to_rfc3339(header ? header->timestamp : ports_.clock.wall());
    auto stored = ports_.store.publish_meta(meta, last_);
    upload_.reset();
    // Its digest is already computed: an upload whose meta was not sent starts again under a new
    // nuid.
    if (!stored && stored.error().code == Errc::unavailable) return Outcome::reseal;
    if (!stored) return failed(stored.error(), "publish a meta");
    acknowledge(log, meta, *stored);
    queue_.pop_front();
    oldest_ = ports_.clock.now();
    image_turn_ = true;
    return Outcome::more;
}

void Shipper::acknowledge(LogState& log, const model::ObjectMeta& meta, model::Sequence at) {
    last_ = at;
    const auto folded = fold(log, {.sequence = at, .meta = meta, .stored_at = ports_.clock.wall()});
    model::check(folded.kind == Folded::Kind::level0 || folded.kind == Folded::Kind::snapshot,
                 "what this node published continues the log");
    if (folded.kind != Folded::Kind::level0) return;
    // The file of the newest acknowledged TXID is kept: it records where that TXID ends in the WAL
    // (D3).
    (void)local_.drop(acknowledged_, acknowledged_nuid_);
    acknowledged_ = log.last;
    acknowledged_nuid_ = log.last_nuid;
    if (image_ && image_->level == 9 && image_->end.txid == log.last) {
        image_->l0_nuid = log.last_nuid;
        image_->l0_at = log.last_at;
    }
}

/// A checkpoint under the write lock, with everything captured and durable: then the WAL may
/// restart.
Outcome Shipper::checkpoint() {
    checkpoint_after_ = ports_.clock.now() + checkpoint_interval;
    auto& database = ports_.database;
    // Captures and syncs what is there while writers go on, so that little is left to do under the
    // lock.
    if (auto captured = capture(true); !captured) return capture_failed(captured.error());
    database.sync_ahead();
    if (!database.lock_writers(write_lock_budget)) {
        checkpoint_after_ = ports_.clock.now() + lock_again;
        (void)database.repin(newest_.to);
        return Outcome::more;
    }
    const auto leave = [&](Outcome outcome) {
        database.unlock_writers();
        return outcome;
    };
    auto captured = capture(true);
    while (captured && *captured)
        captured = capture(true);
    if (!captured) return leave(Outcome::retry);
    auto copied = database.checkpoint(newest_.to);
    if (copied) {
        database.unlock_writers();
        // A completed checkpoint stays true, so it may be recorded after the lock, while writers go
        // on.
        if (copied->copied_frames == copied->log_frames) {
            const CheckpointRecord checkpoint{
                .tenure = tenure_, .txid = newest_.txid, .to = newest_.to};
            if (auto kept = local_.save_checkpoint(checkpoint); !kept) {
                ports_.events.warning("capture.record_failed", {{"error", kept.error().message}});
            }
        }
        // A reader of the application may have prevented some frames from being copied: try later.
        checkpointed_frames_ = newest_.to.frames;
        if (copied->copied_frames < copied->log_frames) {
            checkpoint_after_ = ports_.clock.now() + again_later;
        }
    }
    return leave(Outcome::more);
}

Outcome Shipper::begin_image(const LogState& log, int level) {
    image_after_ = ports_.clock.now() + again_later;
    auto& database = ports_.database;
    if (!gap_ && !database.lock_writers(write_lock_budget))
        return Outcome::more;  // let capture run first
    const auto leave = [&](Outcome outcome) {
        database.unlock_writers();
        return outcome;
    };
    Staged end = newest_;
    if (gap_) {
        // The image is at the present end of the WAL: attach again, in this process. It may be
        // detached already, after a failure.
        if (database.attached()) database.detach();
        auto attached = database.attach(std::nullopt);
        if (!attached) return Outcome::retry;
        if (!database.lock_writers(write_lock_budget)) return Outcome::retry;
        end = {.txid = newest_.txid.next(),
               .nuid = ports_.store.new_nuid(),
               .to = attached->position,
               .ltx = {}};
        for (;;) {
            auto rest = database.capture(end.to, batch_limit);
            if (!rest) return leave(Outcome::retry);
            if (rest->empty()) break;
            end.to = rest->to;
        }
    } else {
        // Staged files are published first: the image is named after the last of them.
        auto captured = capture(false);
        while (captured && *captured)
            captured = capture(false);
        if (!captured) return leave(Outcome::retry);
        if (unshipped_bytes() > unshipped_limit) return leave(Outcome::more);  // more may follow
        end = newest_;
    }
    auto image = database.begin_image();
    if (!image) return leave(Outcome::retry);
    const auto min = level == 9 ? model::Txid{1} : end.txid;
    Bytes head;
    auto encoder = model::ltx::Encoder::begin({.page_size = image->page_size,
                                               .commit = image->pages,
                                               .min = min,
                                               .max = end.txid,
                                               .timestamp = ports_.clock.wall()},
                                              head);
    if (!encoder || (gap_ && !local_.stage(end, true))) {
        database.end_image();
        return leave(Outcome::retry);
    }
    image_ = std::make_unique<Image>(
        Image{.image = *image,
              .encoder = std::move(*encoder),
              .upload = Upload{ports_.store, level == 0 ? end.nuid : ports_.store.new_nuid()},
              .end = end,
              .level = level,
              .l0_nuid = log.last_nuid,
              .l0_at = log.last_at});
    image_->upload.append(head);
    ports_.events.info("snapshot.started",
                       {{"level", std::to_string(level)},
                        {"txid", std::to_string(end.txid.value)},
                        {"pages", std::to_string(image->pages)}});
    return leave(Outcome::more);
}

Outcome Shipper::step_image(LogState& log) {
    auto& image = *image_;
    while (!image.complete &&
           image.upload.waiting() < std::uint64_t{image_chunks_at_once} * (128U << 10U)) {
        auto pages = ports_.database.read_image(image.next_page, image_pages_at_once);
        Bytes encoded;
        Result<void> added;
        if (pages) {
            for (const auto& page : *pages) {
                added = image.encoder.add(page.number, page.data, encoded);
                if (!added) break;
            }
            image.next_page += image_pages_at_once;
            image.complete = image.next_page > image.image.pages;
            if (added && image.complete) added = image.encoder.finish(encoded);
        }
        if (!pages || !added) {
            ports_.events.warning(
                "snapshot.failed",
                {{"error", pages ? added.error().message : pages.error().message}});
            if (image.level == 0) (void)local_.drop(image.end.txid, image.end.nuid);
            end_image();
            return Outcome::retry;
        }
        image.upload.append(encoded);
        if (image.complete) image.upload.close();
    }
    auto sent = image.upload.send(image_chunks_at_once, last_);
    if (!sent) {
        if (sent.error().code == Errc::unavailable) return Outcome::retry;
        return failed(sent.error(), "publish a chunk of a snapshot");
    }
    if (!*sent) return Outcome::more;
    model::LtxObject facts{.level = image.level,
                           .min = image.level == 9 ? model::Txid{1} : image.end.txid,
                           .max = image.end.txid,
                           .epoch = epoch_,
                           .tenure = tenure_,
                           .prev = {},
                           .l0_nuid = {},
                           .l0_sequence = {},
                           .wal_end = image.end.to};
    if (image.level == 0) {
        facts.prev = log.last_nuid;
    } else {
        facts.l0_nuid = image.l0_nuid;
        facts.l0_sequence = image.l0_at;
    }
    auto meta = model::to_meta(facts);
    image.upload.describe(meta);
    meta.headers["Litestream-Timestamp"] = model::to_rfc3339(ports_.clock.wall());
    auto stored = ports_.store.publish_meta(meta, last_);
    if (!stored) {
        // Whether or not it is stored: the next seal reads it, or another one is made.
        end_image();
        return stored.error().code == Errc::unavailable
                   ? Outcome::reseal
                   : failed(stored.error(), "publish a snapshot");
    }
    const bool was_gap = image.level == 0;
    if (was_gap) newest_ = image.end;
    acknowledge(log, meta, *stored);
    ports_.events.info("snapshot.published",
                       {{"level", std::to_string(image.level)},
                        {"txid", std::to_string(image.end.txid.value)},
                        {"bytes", std::to_string(meta.size)}});
    end_image();
    if (was_gap) {
        gap_ = false;
        checkpointed_frames_ = newest_.to.frames;
    } else {
        last_snapshot_ = ports_.clock.now();
    }
    return Outcome::more;
}

void Shipper::end_image() {
    if (!image_) return;
    ports_.database.end_image();
    image_.reset();
}

}  // namespace reconcilers::replica
