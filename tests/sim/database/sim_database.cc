#include "tests/sim/database/sim_database.h"

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

namespace sim {

using model::Bytes;
using model::Errc;
using model::error;
using model::Result;
using model::WalBatch;
using model::WalPosition;
using reconcilers::ports::Checkpointed;

namespace {

model::wal::Salts salts_of(const WalPosition& position) { return {position.salt1, position.salt2}; }

model::Error not_attached() { return error(Errc::invalid, "the database is not attached"); }

}  // namespace

Result<reconcilers::ports::Database::Mode> SimDatabase::mode() {
    const auto size = files_.size(sqlite_.path());
    if (!size) {
        if (size.error().code == Errc::not_found) return Mode::absent;
        return size.error();
    }
    if (*size == 0) return Mode::other;
    const auto header = files_.read_at(sqlite_.path(), 0, 20);
    if (!header) return header.error();
    if (header->size() < 20 || !model::to_text(*header).starts_with("SQLite format 3")) {
        return error(Errc::corrupt, sqlite_.path() + ": not a SQLite database");
    }
    return sqlite_.wal_mode() ? Mode::wal : Mode::other;
}

Result<void> SimDatabase::convert_to_wal() {
    auto present = mode();
    if (!present) return std::move(present).error();
    if (*present == Mode::absent) return error(Errc::not_found, sqlite_.path() + ": no database");
    if (*present == Mode::wal) return {};
    if (sqlite_.opened()) return error(Errc::unavailable, sqlite_.path() + ": it is locked");
    const Bytes version(2, std::byte{2});
    if (auto done = files_.write_at(sqlite_.path(), 18, version); !done) return done;
    return files_.sync(sqlite_.path());
}

Result<reconcilers::ports::Database::Attached> SimDatabase::attach(
    const std::optional<WalPosition>& saved) {
    if (opener_) return error(Errc::invalid, "attach: it is attached");
    auto present = mode();
    if (!present) return std::move(present).error().during("attach");
    if (*present == Mode::absent) return error(Errc::not_found, sqlite_.path() + ": no database");
    if (*present != Mode::wal) return error(Errc::invalid, sqlite_.path() + ": not in WAL mode");
    auto opened = sqlite_.open();
    if (!opened) return std::move(opened).error().during("attach");
    opener_ = *opened;
    if (auto locked = sqlite_.lock(*opener_); !locked) {
        detach();
        return std::move(locked).error().during("attach");
    }
    pin(sqlite_.end(), pin_slot);
    sqlite_.unlock(*opener_);
    bool continued = false;
    if (saved && salts_of(*saved) == sqlite_.salts() && saved->frames <= sqlite_.end().frames) {
        continued = saved->frames == 0 ? sqlite_.salts() != model::wal::Salts{}
                                       : sqlite_.position(saved->frames) == *saved;
    }
    return Attached{.position = sqlite_.end(), .continued = continued, .page_size = sim_page_size};
}

void SimDatabase::detach() {
    if (!opener_) return;
    sqlite_.close(*opener_);
    opener_.reset();
    writers_locked_ = false;
    image_.reset();
    followed_by_.reset();
}

void SimDatabase::pin(const WalPosition& at, Slot slot) {
    slot_ = slot;
    pinned_at_ = at;
    followed_by_.reset();
    may_restart_ = sqlite_.begin_read(*opener_, slot_).zero;
}

Result<void> SimDatabase::checkpoint_and_close(const WalPosition& captured) {
    detach();
    auto attached = attach(captured);
    if (!attached) return std::move(attached).error().during("checkpoint and close");
    auto beyond = capture(captured, 1);
    detach();
    if (!beyond) return std::move(beyond).error().during("checkpoint and close");
    const bool unwritten = captured == WalPosition{} && attached->position == captured;
    if ((!attached->continued && !unwritten) || !beyond->empty()) {
        return error(Errc::conflict,
                     "checkpoint and close: the WAL does not end where it was captured");
    }
    // Closing the last connection copies the WAL into the file and removes it.
    auto closer = sqlite_.open();
    if (!closer) return std::move(closer).error();
    opener_ = *closer;  // closed by detach(), also where the process dies in between
    auto copied = sqlite_.checkpoint();
    detach();
    if (!copied) return std::move(copied).error().during("checkpoint and close");
    if (sqlite_.opened()) {
        return error(Errc::unavailable,
                     "checkpoint and close: another process has the database open");
    }
    return files_.remove(sqlite_.wal_path());
}

/// Where the frames after `from` begin in the present generation; see adapters/sqlite.
Result<WalPosition> SimDatabase::continue_from(const WalPosition& from) {
    const auto end = sqlite_.end();
    if (salts_of(from) == sqlite_.salts()) {
        if (from.frames > end.frames || (from.frames == end.frames && from != end)) {
            return error(Errc::conflict, "the WAL no longer has that frame");
        }
        return from;
    }
    const bool first = followed_by_ ? *followed_by_ == sqlite_.salts() : may_restart_;
    if (!first || from != pinned_at_) {
        return error(Errc::conflict, "the WAL was restarted since that position");
    }
    if (end.frames > 0) followed_by_ = sqlite_.salts();
    return sqlite_.position(0);
}

Result<WalBatch> SimDatabase::capture(const WalPosition& from, std::uint64_t limit) {
    if (!opener_) return not_attached();
    auto start = continue_from(from);
    if (!start) return std::move(start).error().during("capture");
    const auto& frames = sqlite_.frames();
    WalBatch batch{.from = from, .to = from, .page_size = sim_page_size, .commit = sqlite_.pages()};
    if (start->frames == frames.size()) return batch;

    // Adds transactions until the limit is reached, at least one.
    std::uint64_t bytes = 0;
    std::uint32_t last = start->frames;
    for (auto frame = start->frames; frame < frames.size(); ++frame) {
        bytes += sim_page_size;
        if (frames[frame].commit == 0) continue;
        if (last > start->frames && bytes > limit) break;
        last = frame + 1;
    }
    std::map<std::uint32_t, std::uint32_t> newest;
    for (auto frame = start->frames + 1; frame <= last; ++frame)
        newest[frames[frame - 1].page] = frame;
    batch.from = *start;
    batch.to = sqlite_.position(last);
    batch.commit = frames[last - 1].commit;
    batch.wal_offset = model::wal::frame_offset(start->frames + 1, sim_page_size);
    batch.wal_bytes = model::wal::frame_offset(last + 1, sim_page_size) - batch.wal_offset;
    for (const auto& [page, frame] : newest) {
        if (page > batch.commit) continue;
        auto data = sqlite_.frame_page(frame);
        if (!data) return std::move(data).error().during("capture");
        batch.pages.push_back({.number = page, .data = std::move(*data)});
    }
    return batch;
}

Result<void> SimDatabase::lock_writers(model::Duration) {
    if (!opener_) return not_attached();
    if (writers_locked_) return {};
    if (auto locked = sqlite_.lock(*opener_); !locked) return locked;
    writers_locked_ = true;
    return {};
}

void SimDatabase::unlock_writers() {
    if (opener_ && writers_locked_) sqlite_.unlock(*opener_);
    writers_locked_ = false;
}

Result<Checkpointed> SimDatabase::checkpoint(const WalPosition& captured) {
    if (!writers_locked_) return error(Errc::invalid, "checkpoint: it needs the write lock");
    auto end = continue_from(captured);
    if (!end) return std::move(end).error().during("checkpoint");
    if (*end != sqlite_.end()) {
        return error(Errc::conflict, "checkpoint: there are frames that were not captured");
    }
    sqlite_.end_read(*opener_, slot_);
    auto copied = sqlite_.checkpoint();
    pin(captured, pin_slot);
    if (!copied) return std::move(copied).error().during("checkpoint");
    return Checkpointed{.log_frames = copied->frames, .copied_frames = copied->copied};
}

Result<void> SimDatabase::repin(const WalPosition&) {
    if (!opener_) return not_attached();
    if (!may_restart_ || sqlite_.end().frames == sqlite_.backfilled()) return {};
    const auto old = slot_;
    const auto next = old == pin_slot ? spare_slot : pin_slot;
    if (sqlite_.begin_read(*opener_, next).zero) {
        sqlite_.end_read(*opener_, next);
        return {};
    }
    if (sqlite_.salts() != salts_of(pinned_at_)) followed_by_ = sqlite_.salts();
    may_restart_ = false;
    sqlite_.end_read(*opener_, old);
    slot_ = next;
    return {};
}

Result<reconcilers::ports::Database::Image> SimDatabase::begin_image() {
    if (!writers_locked_) return error(Errc::invalid, "begin image: it needs the write lock");
    image_ = sqlite_.begin_read(*opener_, image_slot);
    return Image{.page_size = sim_page_size, .pages = image_->pages};
}

Result<std::vector<model::Page>> SimDatabase::read_image(std::uint32_t first, std::uint32_t count) {
    if (!image_) return error(Errc::invalid, "read image: none was begun");
    std::vector<model::Page> pages;
    for (auto page = first; page < first + count && page <= image_->pages; ++page) {
        auto data = sqlite_.read_at(*image_, page);
        if (!data) return std::move(data).error().during("read image");
        pages.push_back({.number = page, .data = std::move(*data)});
    }
    return pages;
}

void SimDatabase::end_image() {
    if (opener_ && image_) sqlite_.end_read(*opener_, image_slot);
    image_.reset();
}

}  // namespace sim
