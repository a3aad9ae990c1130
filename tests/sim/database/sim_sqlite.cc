#include "tests/sim/database/sim_sqlite.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "model/big_endian.h"
#include "model/path_text.h"

namespace sim {
namespace {

using model::Bytes;
using model::Errc;
using model::error;
using model::Result;
namespace wal = model::wal;

constexpr std::uint32_t magic = 0x377f0682;  // checksums in little-endian words
constexpr std::uint32_t version = 3007000;
constexpr auto order = wal::WordOrder::little;
constexpr std::size_t write_version = 18;
constexpr std::byte wal_version{2};

std::uint64_t offset_of(std::uint32_t page) { return std::uint64_t{page - 1} * sim_page_size; }

wal::Checksum header_checksum(model::ByteView bytes) { return wal::chain({}, bytes, order); }

Bytes wal_header(const wal::Salts& salts) {
    Bytes header;
    for (const std::uint32_t field : {magic, version, sim_page_size, 0U, salts.first, salts.second})
        model::append_be(header, field);
    const auto sum = header_checksum(header);
    model::append_be(header, sum.first);
    model::append_be(header, sum.second);
    return header;
}

}  // namespace

Bytes sim_first_page() {
    Bytes page(sim_page_size);
    constexpr std::string_view text{"SQLite format 3\0", 16};
    std::transform(
        text.begin(), text.end(), page.begin(), [](char c) { return static_cast<std::byte>(c); });
    page[16] = std::byte{2};  // 512, big-endian
    page[18] = page[19] = std::byte{1};
    return page;
}

Result<int> SimSqlite::open() {
    auto size = files_.size(path_);
    if (!size) return std::move(size).error();
    if (openers_.empty()) recover();
    openers_.insert(++last_opener_);
    return last_opener_;
}

void SimSqlite::close(int opener) {
    std::erase_if(readers_, [opener](const auto& each) { return each.first.first == opener; });
    if (writer_ == opener) writer_.reset();
    openers_.erase(opener);
    if (openers_.empty()) forget();
}

void SimSqlite::forget() {
    openers_.clear();
    readers_.clear();
    writer_.reset();
    salts_ = {};
    frames_.clear();
    backfilled_ = 0;
    file_pages_ = 0;
}

bool SimSqlite::wal_mode() const {
    const auto header = files_.read_at(path_, write_version, 2);
    return header && header->size() == 2 && (*header)[0] == wal_version;
}

/// The first to open it rebuilds the wal-index from the valid frames of the `-wal`.
void SimSqlite::recover() {
    forget();
    if (const auto size = files_.size(path_); size) {
        file_pages_ = static_cast<std::uint32_t>(*size / sim_page_size);
    }
    const auto bytes = files_.read(wal_path());
    if (!bytes) return;
    const auto header = wal::parse_header(*bytes);
    if (!header) return;
    salts_ = header->salts;
    wal::Chain chain{order, salts_, header->checksum};
    std::vector<Frame> pending;
    constexpr auto length = wal::frame_header_size + sim_page_size;
    for (auto at = wal::header_size; at + length <= bytes->size(); at += length) {
        const auto frame = chain.next(model::ByteView{*bytes}.subspan(at, length));
        if (!frame) break;
        pending.push_back(
            {.page = frame->page, .commit = frame->commit, .checksum = frame->checksum});
        if (frame->commit == 0) continue;
        frames_.insert(frames_.end(), pending.begin(), pending.end());
        pending.clear();
    }
}

std::uint32_t SimSqlite::pages() const {
    return frames_.empty() ? file_pages_ : frames_.back().commit;
}

Result<Bytes> SimSqlite::frame_page(std::uint32_t frame) const {
    const auto at = wal::frame_offset(frame, sim_page_size);
    auto bytes = files_.read_at(
        wal_path(), static_cast<std::uint64_t>(at) + wal::frame_header_size, sim_page_size);
    if (bytes && bytes->size() != sim_page_size) {
        return error(Errc::corrupt, wal_path() + ": frame " + std::to_string(frame) + " is cut");
    }
    return bytes;
}

Result<Bytes> SimSqlite::read(std::uint32_t page) const {
    return read_at(
        {.salts = salts_, .frames = static_cast<std::uint32_t>(frames_.size()), .pages = pages()},
        page);
}

Result<Bytes> SimSqlite::read_at(const SimSnapshot& snapshot, std::uint32_t page) const {
    const auto frames = snapshot.zero ? 0 : snapshot.frames;
    model::check(snapshot.zero || snapshot.salts == salts_,
                 "no WAL is restarted under a reader of its frames");
    for (auto frame = frames; frame > 0; --frame) {
        if (frames_[frame - 1].page == page) return frame_page(frame);
    }
    auto bytes = files_.read_at(path_, offset_of(page), sim_page_size);
    if (bytes) bytes->resize(sim_page_size);
    return bytes;
}

Result<void> SimSqlite::lock(int opener) {
    if (writer_ && *writer_ != opener) return error(Errc::unavailable, "database is locked");
    writer_ = opener;
    return {};
}

void SimSqlite::unlock(int opener) {
    if (writer_ == opener) writer_.reset();
}

Result<void> SimSqlite::commit(int opener, const std::vector<model::Page>& pages) {
    model::check(openers_.contains(opener) && !pages.empty(), "a commit of an open database");
    if (writer_ && *writer_ != opener) return error(Errc::unavailable, "database is locked");
    auto size = this->pages();
    for (const auto& page : pages)
        size = std::max(size, page.number);
    if (!wal_mode()) {
        for (const auto& page : pages) {
            if (auto done = files_.write_at(path_, offset_of(page.number), page.data); !done) {
                return done;
            }
        }
        file_pages_ = size;
        return files_.sync(path_);
    }
    // A completely copied WAL without readers is restarted.
    const bool wholly = !frames_.empty() && backfilled_ == frames_.size();
    const bool read = std::any_of(
        readers_.begin(), readers_.end(), [](const auto& each) { return !each.second.zero; });
    if (frames_.empty() || (wholly && !read)) {
        if (auto begun = begin_generation(); !begun) return begun;
    }
    for (const auto& page : pages) {
        if (auto done = append(page, &page == &pages.back() ? size : 0); !done) return done;
    }
    return {};
}

Result<void> SimSqlite::begin_generation() {
    const auto draw = [this] {
        return static_cast<std::uint32_t>(random_.below(std::uint64_t{1} << 32U));
    };
    salts_ = {.first = frames_.empty() ? draw() : salts_.first + 1, .second = draw()};
    frames_.clear();
    backfilled_ = 0;
    if (auto done = files_.write_at(wal_path(), 0, wal_header(salts_)); !done) return done;
    // SQLite syncs the header of a restarted WAL before its first frame (walFrames). Otherwise
    // frames written over the last generation, under its old header, would be played back as far as
    // they match, over newer pages.
    return files_.sync(wal_path());
}

Result<void> SimSqlite::append(const model::Page& page, std::uint32_t commit) {
    const auto header = wal_header(salts_);
    const wal::Checksum before =
        frames_.empty()
            ? wal::Checksum{model::load_be<std::uint32_t>(model::ByteView{header}.subspan(24)),
                            model::load_be<std::uint32_t>(model::ByteView{header}.subspan(28))}
            : frames_.back().checksum;
    Bytes bytes;
    model::append_be(bytes, page.number);
    model::append_be(bytes, commit);
    const auto sum = wal::chain(wal::chain(before, bytes, order), page.data, order);
    for (const auto field : {salts_.first, salts_.second, sum.first, sum.second})
        model::append_be(bytes, field);
    bytes.insert(bytes.end(), page.data.begin(), page.data.end());
    const auto number = static_cast<std::uint32_t>(frames_.size()) + 1;
    const auto at = static_cast<std::uint64_t>(wal::frame_offset(number, sim_page_size));
    if (auto done = files_.write_at(wal_path(), at, bytes); !done) return done;
    frames_.push_back({.page = page.number, .commit = commit, .checksum = sum});
    return {};
}

SimSnapshot SimSqlite::begin_read(int opener, int slot) {
    const auto frames = static_cast<std::uint32_t>(frames_.size());
    const SimSnapshot snapshot{
        .salts = salts_, .frames = frames, .pages = pages(), .zero = backfilled_ == frames};
    readers_[{opener, slot}] = snapshot;
    return snapshot;
}

void SimSqlite::end_read(int opener, int slot) { readers_.erase({opener, slot}); }

Result<SimSqlite::Copied> SimSqlite::checkpoint() {
    const auto all = static_cast<std::uint32_t>(frames_.size());
    auto limit = all;
    for (const auto& [owner, snapshot] : readers_) {
        // A reader that uses the file only (pin-0) prevents copying into it.
        limit = snapshot.zero ? backfilled_ : std::min(limit, snapshot.frames);
        if (snapshot.zero) break;
    }
    if (limit <= backfilled_) return Copied{.frames = all, .copied = backfilled_};
    if (auto synced = files_.sync(wal_path()); !synced) return std::move(synced).error();
    if (auto synced = files_.sync_directory(model::directory_of(path_)); !synced) {
        return std::move(synced).error();
    }
    std::map<std::uint32_t, std::uint32_t> newest;
    for (auto frame = backfilled_ + 1; frame <= limit; ++frame)
        newest[frames_[frame - 1].page] = frame;
    for (const auto& [page, frame] : newest) {
        auto bytes = frame_page(frame);
        if (!bytes) return std::move(bytes).error();
        if (auto done = files_.write_at(path_, offset_of(page), *bytes); !done) {
            return std::move(done).error();
        }
    }
    if (auto synced = files_.sync(path_); !synced) return std::move(synced).error();
    backfilled_ = limit;
    return Copied{.frames = all, .copied = limit};
}

model::WalPosition SimSqlite::position(std::uint32_t frames) const {
    model::WalPosition at{.salt1 = salts_.first, .salt2 = salts_.second, .frames = frames};
    if (frames > 0 && frames <= frames_.size()) {
        at.checksum1 = frames_[frames - 1].checksum.first;
        at.checksum2 = frames_[frames - 1].checksum.second;
    }
    return at;
}

}  // namespace sim
