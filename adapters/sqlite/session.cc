#include "adapters/sqlite/session.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <thread>

#include "model/big_endian.h"

namespace adapters::sqlite {

using model::Errc;
using model::error;
using model::Result;
using model::WalBatch;
using model::WalPosition;
using model::wal::Index;
using model::wal::Salts;
using reconcilers::ports::Checkpointed;
using reconcilers::ports::Database;

namespace {

constexpr std::chrono::milliseconds longest_wait{500};
/// Time limit for an orderly release in the destructor.
constexpr std::chrono::milliseconds release_limit{100};
/// A wal-index that is being written is consistent again within microseconds.
constexpr std::chrono::milliseconds index_wait{20};

Salts salts_of(const WalPosition& position) { return {position.salt1, position.salt2}; }

/// Before the first frame the checksum is meaningless: set to zero for comparisons.
WalPosition normal(WalPosition position) {
    if (position.frames == 0) position.checksum1 = position.checksum2 = 0;
    return position;
}

}  // namespace

WalPosition position_of(const Index& index) {
    return normal({index.salts.first,
                   index.salts.second,
                   index.frames,
                   index.checksum.first,
                   index.checksum.second});
}

Session::Session(std::string path, model::Duration lock_budget, IndexView& view)
    : path_{std::move(path)}, lock_budget_{lock_budget}, view_{view}, wal_{path_ + "-wal"} {}

Session::~Session() {
    view_.show(nullptr);
    image_.reset();
    // Releasing a pin without a barrier, where the WAL may have restarted under it, re-exposes the
    // WAL-reset bug of SQLite before 3.51.3. The barrier copies nothing: the WAL stays as it is for
    // the next session. An application that holds the lock too long takes that risk.
    if (pinned_ && may_restart_ && (writers_locked_ || lock_writers(release_limit))) {
        (void)checkpoint_until(in(release_limit));
        (void)pin_->rollback();
        unlock_writers();
    }
}

Result<Database::Attached> Session::start(const std::optional<WalPosition>& saved) {
    const Deadline until = in(lock_budget_);
    auto opened = open_connections(until);
    if (!opened) return std::move(opened).error();
    auto page_size = read_page_size();
    if (!page_size) return std::move(page_size).error();
    page_size_ = *page_size;

    auto locked = writer_->begin_write(until);
    if (!locked) return std::move(locked).error().during("attach");
    writers_locked_ = true;
    auto before = read_index(until);
    if (!before) return std::move(before).error().during("attach");
    const WalPosition position = position_of(*before);
    auto pinned = pin(position, until);
    if (!pinned) return std::move(pinned).error().during("attach");
    // A checkpointer that read the WAL before its last restart is finished now.
    auto barrier = checkpoint_until(until);
    if (!barrier) return std::move(barrier).error().during("attach: barrier");
    Result<bool> continued = false;
    if (saved) continued = has_frame(*saved, *before);
    if (!continued) return std::move(continued).error().during("attach");
    unlock_writers();
    return Database::Attached{
        .position = position, .continued = *continued, .page_size = page_size_};
}

Result<void> Session::open_connections(Deadline until) {
    struct stat status {};
    const bool had_wal = ::stat((path_ + "-wal").c_str(), &status) == 0;
    const bool had_shm = ::stat((path_ + "-shm").c_str(), &status) == 0;
    for (auto* connection : {&writer_, &checkpointer_, &pin_, &spare_}) {
        auto opened = Connection::open(path_, Connection::Access::write);
        if (!opened) return std::move(opened).error();
        *connection = *std::move(opened);
        (*connection)->keep_wal(true);
        // A connection that has not read yet has no WAL: its checkpoints would silently do nothing.
        auto read = (*connection)->begin_read(until);
        if (!read) return read;
        (void)(*connection)->rollback();
    }
    auto owned = check_owner("-wal", had_wal);
    if (owned) owned = check_owner("-shm", had_shm);
    if (!owned) {
        // A -wal that the application could not open must not stay; one that existed before must.
        if (!had_wal) {
            for (auto* connection : {&writer_, &checkpointer_, &pin_, &spare_})
                (*connection)->keep_wal(false);
        }
        return owned;
    }
    const auto* memory = checkpointer_->shared_index();
    if (memory == nullptr) return error(Errc::unavailable, path_ + ": it has no wal-index");
    view_.show(memory);
    return {};
}

/// SQLite gives new files to the database's owner, and does not report where it may not.
Result<void> Session::check_owner(const std::string& suffix, bool existed) const {
    struct stat database {};
    struct stat created {};
    const std::string path = path_ + suffix;
    if (::stat(path_.c_str(), &database) != 0) {
        return error(Errc::unavailable, path_ + ": " + std::strerror(errno));
    }
    if (::stat(path.c_str(), &created) != 0 || created.st_uid == database.st_uid) return {};
    // An older file may be the application's own; one owned by root was made by a manager that
    // could not chown.
    if (existed && created.st_uid != 0) return {};
    return error(Errc::invalid,
                 path + ": it belongs to user " + std::to_string(created.st_uid) +
                     " and the database to user " + std::to_string(database.st_uid) +
                     ", so that the application cannot open it (CAP_CHOWN is missing?)");
}

Result<std::uint32_t> Session::read_page_size() {
    std::array<std::byte, 2> bytes{};
    auto whole = checkpointer_->read_file(16, bytes);
    if (!whole) return std::move(whole).error();
    const auto stored = model::load_be<std::uint16_t>(bytes);
    const std::uint32_t size = stored == 1 ? 65536U : stored;
    if (!*whole || size < 512 || !std::has_single_bit(size)) {
        return error(Errc::corrupt, path_ + ": page size " + std::to_string(size));
    }
    return size;
}

/// Whether the WAL still contains the frame at `saved`, so that the next frame is the next to
/// capture.
Result<bool> Session::has_frame(const WalPosition& saved, const Index& index) {
    if (salts_of(saved) != index.salts || saved.frames > index.frames) return false;
    // A WAL that was never written has no salts, and so no identity.
    if (saved.frames == 0) return index.salts != Salts{};
    const auto frame = wal_.frame_header(saved.frames, page_size_);
    if (!frame) return frame.error();
    return frame->salts == index.salts &&
           frame->checksum == model::wal::Checksum{saved.checksum1, saved.checksum2};
}

Result<Index> Session::read_index(Deadline until) const {
    for (;;) {
        const auto copy = view_.copy();
        if (!copy) return error(Errc::unavailable, path_ + ": no wal-index");
        auto index = model::wal::parse_index(*copy);
        if (index || index.error().code != Errc::unavailable) return index;
        if (std::chrono::steady_clock::now() >= until) return index;
        std::this_thread::sleep_for(retry_step);
    }
}

/// The place in the present generation where the frames after `from` begin.
Result<WalPosition> Session::continue_from(const WalPosition& from, const Index& index) {
    if (salts_of(from) == index.salts) {
        if (from.frames > index.frames ||
            (from.frames == index.frames && from != position_of(index))) {
            return error(Errc::conflict,
                         path_ + ": the WAL no longer has frame " + std::to_string(from.frames));
        }
        return from;
    }
    // The WAL was restarted. Nothing was missed only if it happened under a pin that was taken with
    // everything captured, and only once: a second restart under such a pin is impossible.
    const bool first = followed_by_ ? *followed_by_ == index.salts : may_restart_;
    if (!first || from != pinned_at_) {
        return error(Errc::conflict, path_ + ": the WAL was restarted since that position");
    }
    // A truncated WAL has no frames and gets new salts with its first one.
    if (index.frames > 0) followed_by_ = index.salts;
    return WalPosition{.salt1 = index.salts.first, .salt2 = index.salts.second};
}

Result<WalBatch> Session::capture(const WalPosition& asked, std::uint64_t limit) {
    const WalPosition from = normal(asked);
    const Deadline until = in(index_wait);
    for (;;) {
        const auto index = read_index(until);
        if (!index)
            return index.error().code == Errc::invalid
                       ? index.error()
                       : error(Errc::unavailable, "capture: " + index.error().message);
        const auto start = continue_from(from, *index);
        if (!start) return error(start.error().code, "capture: " + start.error().message);
        if (start->frames == index->frames) {
            return WalBatch{
                .from = from, .to = from, .page_size = page_size_, .commit = index->pages};
        }
        auto batch = wal_.read_batch(*start, *index, limit);
        if (batch) return batch;
        // The wal-index was read before the frames: a pinned WAL still has them. Without a pin it
        // may have restarted in between, which the next check detects.
        if (std::chrono::steady_clock::now() >= until) {
            return std::move(batch).error().during("capture");
        }
        std::this_thread::sleep_for(retry_step);
    }
}

Result<void> Session::lock_writers(model::Duration budget) {
    if (writers_locked_) return {};
    auto begun = writer_->begin_write(in(budget));
    if (!begun) return std::move(begun).error().during("lock writers");
    writers_locked_ = true;
    return {};
}

void Session::unlock_writers() {
    if (!writers_locked_) return;
    // It wrote nothing, so the rollback cannot fail.
    model::check(writer_->rollback().has_value(), "an empty transaction can be rolled back");
    writers_locked_ = false;
}

Result<Checkpointed> Session::checkpoint(const WalPosition& asked) {
    const WalPosition captured = normal(asked);
    if (!writers_locked_) return error(Errc::invalid, "checkpoint: it needs the write lock");
    const Deadline until = in(lock_budget_ / 2);
    const auto index = read_index(until);
    if (!index) return error(index.error().code, "checkpoint: " + index.error().message);
    const auto end = continue_from(captured, *index);
    if (!end) return error(end.error().code, "checkpoint: " + end.error().message);
    if (end->frames != index->frames) {
        return error(Errc::conflict,
                     "checkpoint: the WAL ends at frame " + std::to_string(index->frames) +
                         ", captured is " + std::to_string(captured.frames));
    }
    if (pinned_ && may_restart_) {
        // Copies nothing under this pin. It waits until any checkpointer is finished that read the
        // WAL before its last restart and would record frames as copied that were not.
        auto barrier = checkpoint_until(until);
        if (!barrier) return std::move(barrier).error().during("checkpoint: barrier");
    }
    if (pinned_) {
        auto released = pin_->rollback();
        if (!released) return std::move(released).error().during("checkpoint");
        pinned_ = false;
    }
    auto copied = checkpoint_until(until);
    auto pinned = pin(captured, in(lock_budget_ / 2));
    if (!pinned) return std::move(pinned).error().during("checkpoint: pin again");
    if (!copied) return std::move(copied).error().during("checkpoint");
    if (copied->log != index->frames) {
        return error(Errc::conflict,
                     "checkpoint: the WAL has " + std::to_string(copied->log) +
                         " frames, captured are " + std::to_string(captured.frames));
    }
    return Checkpointed{.log_frames = copied->log, .copied_frames = copied->copied};
}

Result<void> Session::repin() {
    const Deadline until = in(index_wait);
    if (!pinned_ || !may_restart_) return {};
    auto index = read_index(until);
    if (!index) return std::move(index).error().during("repin");
    if (index->frames == index->backfilled) return {};
    auto barrier = checkpointer_->checkpoint_passive();
    if (!barrier) return std::move(barrier).error().during("repin: barrier");
    auto begun = spare_->begin_read(until);
    if (!begun) return std::move(begun).error().during("repin");
    index = read_index(until);
    if (!index || index->frames == index->backfilled) {
        (void)spare_->rollback();
        if (!index) return std::move(index).error().during("repin");
        return {};
    }
    // From here on the WAL cannot restart. A restart under the old pin, if any, produced the
    // generation that the wal-index shows now.
    if (index->salts != salts_of(pinned_at_)) followed_by_ = index->salts;
    may_restart_ = false;
    auto released = pin_->rollback();
    pin_.swap(spare_);
    return released;
}

Result<Database::Image> Session::begin_image() {
    if (!writers_locked_) return error(Errc::invalid, "begin image: it needs the write lock");
    image_.reset();
    const Deadline until = in(lock_budget_);
    auto reader = Connection::open(path_, Connection::Access::write);
    if (!reader) return std::move(reader).error().during("begin image");
    (*reader)->keep_wal(true);
    auto begun = (*reader)->begin_read(until);
    if (!begun) return std::move(begun).error().during("begin image");
    const auto index = read_index(until);
    if (!index) return error(index.error().code, "begin image: " + index.error().message);
    std::uint32_t pages = index->pages;
    if (pages == 0) {
        const auto size = (*reader)->file_size();
        if (!size) return error(size.error().code, "begin image: " + size.error().message);
        pages = static_cast<std::uint32_t>(*size / page_size_);
    }
    image_ = std::make_unique<Image>(*std::move(reader), path_ + "-wal", *index, page_size_, pages);
    return Database::Image{.page_size = page_size_, .pages = pages};
}

/// A passive checkpoint, retried while another one is running. Under a pin-0 it copies nothing and
/// serves as the barrier.
Result<Connection::Checkpoint> Session::checkpoint_until(Deadline until) {
    for (;;) {
        auto done = checkpointer_->checkpoint_passive();
        if (done || done.error().code != Errc::unavailable) return done;
        if (std::chrono::steady_clock::now() >= until) return done;
        std::this_thread::sleep_for(retry_step);
    }
}

/// Call with the write lock held and everything up to `at`, the end of the WAL, captured.
Result<void> Session::pin(const WalPosition& at, Deadline until) {
    auto begun = pin_->begin_read(until);
    const auto index = begun ? read_index(until) : Result<Index>{begun.error()};
    if (!index) {
        // Without a pin the WAL may restart unnoticed: from now on no restart counts as proven.
        (void)pin_->rollback();
        may_restart_ = false;
        followed_by_.reset();
        return index.error();
    }
    pinned_ = true;
    pinned_at_ = at;
    followed_by_.reset();
    may_restart_ = index->frames == index->backfilled;
    return {};
}

Deadline Session::in(model::Duration budget) const {
    return std::chrono::steady_clock::now() +
           std::clamp<model::Duration>(budget, model::Duration{0}, longest_wait);
}

}  // namespace adapters::sqlite
