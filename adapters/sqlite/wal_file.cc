#include "adapters/sqlite/wal_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace adapters::sqlite {

using model::Errc;
using model::error;
using model::Result;
using model::WalBatch;
using model::WalPosition;
using model::wal::frame_header_size;
using model::wal::frame_offset;

namespace {

constexpr std::size_t chunk_bytes = std::size_t{256} * 1024;

/// The transactions merged so far, each page once.
class Merge {
public:
    void add(std::uint32_t number, model::ByteView page) {
        open_.insert_or_assign(number, model::Bytes{page.begin(), page.end()});
    }

    /// Adds the open transaction, unless the pages would then exceed `limit` bytes.
    [[nodiscard]] bool commit(std::uint64_t limit, std::uint32_t page_size) {
        std::uint64_t count = pages_.size();
        for (const auto& [number, page] : open_)
            if (!pages_.contains(number)) ++count;
        if (!pages_.empty() && count * page_size > limit) return false;
        for (auto& [number, page] : open_)
            pages_.insert_or_assign(number, std::move(page));
        open_.clear();
        return true;
    }

    [[nodiscard]] std::vector<model::Page> take(std::uint32_t commit) && {
        std::vector<model::Page> result;
        result.reserve(pages_.size());
        for (auto& [number, page] : pages_)
            if (number <= commit) result.push_back({number, std::move(page)});
        return result;
    }

private:
    std::map<std::uint32_t, model::Bytes> pages_;
    std::map<std::uint32_t, model::Bytes> open_;
};

}  // namespace

WalFile::~WalFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

void WalFile::sync() {
    if (descriptor_ >= 0) (void)::fdatasync(descriptor_);
}

Result<model::wal::Header> WalFile::header() {
    std::byte bytes[model::wal::header_size];
    auto done = read(0, bytes);
    if (!done) return std::move(done).error();
    auto header = model::wal::parse_header(bytes);
    // The header is being written, or a restart of the WAL has not reached the file yet.
    if (!header) return error(Errc::unavailable, path_ + ": " + header.error().message);
    return header;
}

Result<model::wal::Frame> WalFile::frame_header(std::uint32_t number, std::uint32_t page_size) {
    std::byte bytes[frame_header_size];
    auto done = read(frame_offset(number, page_size), bytes);
    if (!done) return std::move(done).error();
    return model::wal::parse_frame(bytes);
}

Result<void> WalFile::read_page(std::uint32_t number, std::span<std::byte> into) {
    const auto page_size = static_cast<std::uint32_t>(into.size());
    return read(frame_offset(number, page_size) + std::int64_t{frame_header_size}, into);
}

Result<WalBatch> WalFile::read_batch(const WalPosition& from,
                                     const model::wal::Index& index,
                                     std::uint64_t limit) {
    const auto head = header();
    if (!head) return head.error();
    if (head->salts != index.salts || head->page_size != index.page_size) {
        return error(Errc::unavailable, path_ + ": its header is not the wal-index's");
    }
    const std::size_t frame_size = frame_header_size + index.page_size;
    const model::wal::Checksum start =
        from.frames == 0 ? head->checksum : model::wal::Checksum{from.checksum1, from.checksum2};
    WalBatch batch{
        .from = {index.salts.first, index.salts.second, from.frames, start.first, start.second},
        .page_size = index.page_size,
        .wal_offset = frame_offset(from.frames + 1, index.page_size)};
    batch.to = batch.from;

    Merge merge;
    model::wal::Chain chain{head->order, head->salts, start};
    model::Bytes chunk;
    const auto per_chunk =
        static_cast<std::uint32_t>(std::max<std::size_t>(1, chunk_bytes / frame_size));
    bool full = false;
    for (std::uint32_t number = from.frames + 1; !full && number <= index.frames;) {
        const std::uint32_t count = std::min(per_chunk, index.frames - number + 1);
        chunk.resize(count * frame_size);
        auto done = read(frame_offset(number, index.page_size), chunk);
        if (!done) return std::move(done).error();
        for (std::uint32_t i = 0; i < count; ++i, ++number) {
            const auto bytes = model::ByteView{chunk}.subspan(i * frame_size, frame_size);
            const auto frame = chain.next(bytes);
            if (!frame) {
                return error(Errc::unavailable,
                             path_ + ": frame " + std::to_string(number) +
                                 " does not continue the one before it");
            }
            merge.add(frame->page, bytes.subspan(frame_header_size));
            if (frame->commit == 0) continue;
            if (!merge.commit(limit, index.page_size)) {
                full = true;
                break;
            }
            batch.commit = frame->commit;
            batch.to.frames = number;
            batch.to.checksum1 = frame->checksum.first;
            batch.to.checksum2 = frame->checksum.second;
        }
    }
    // A full batch ends at a commit before the one in the wal-index; its frames are pinned and
    // verified by their checksum chain. A batch that reaches the end must match the checksum in the
    // wal-index.
    if (!full && (batch.to.frames != index.frames || chain.checksum() != index.checksum)) {
        return error(Errc::unavailable, path_ + ": its frames do not end as the wal-index says");
    }
    batch.wal_bytes = static_cast<std::int64_t>(batch.to.frames - from.frames) *
                      static_cast<std::int64_t>(frame_size);
    batch.pages = std::move(merge).take(batch.commit);
    return batch;
}

Result<std::map<std::uint32_t, std::uint32_t>> WalFile::newest_frames(
    const model::wal::Index& index) {
    std::map<std::uint32_t, std::uint32_t> newest;
    for (std::uint32_t number = 1; number <= index.frames; ++number) {
        const auto frame = frame_header(number, index.page_size);
        if (!frame) return frame.error();
        if (frame->salts != index.salts) {
            return error(Errc::unavailable,
                         path_ + ": frame " + std::to_string(number) + " is not of this WAL");
        }
        newest.insert_or_assign(frame->page, number);
    }
    return newest;
}

Result<void> WalFile::read(std::int64_t offset, std::span<std::byte> into) {
    if (descriptor_ < 0) {
        descriptor_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
        if (descriptor_ < 0) {
            return error(Errc::unavailable, path_ + ": open: " + std::strerror(errno));
        }
    }
    for (std::size_t done = 0; done < into.size();) {
        const ssize_t got = ::pread(descriptor_,
                                    into.data() + done,
                                    into.size() - done,
                                    offset + static_cast<std::int64_t>(done));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return error(Errc::unavailable, path_ + ": read: " + std::strerror(errno));
        if (got == 0) {
            return error(Errc::unavailable,
                         path_ + ": it ends before byte " +
                             std::to_string(offset + static_cast<std::int64_t>(into.size())));
        }
        done += static_cast<std::size_t>(got);
    }
    return {};
}

}  // namespace adapters::sqlite
