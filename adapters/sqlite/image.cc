#include "adapters/sqlite/image.h"

#include <algorithm>

namespace adapters::sqlite {

using model::Errc;
using model::error;
using model::Result;

namespace {

/// SQLite keeps its locks at byte 2^30; the page there holds no data.
constexpr std::uint32_t lock_byte = 0x40000000;

}  // namespace

Image::Image(std::unique_ptr<Connection> reader,
             const std::string& wal_path,
             const model::wal::Index& index,
             std::uint32_t page_size,
             std::uint32_t pages)
    : reader_{std::move(reader)},
      wal_{wal_path},
      index_{index},
      page_size_{page_size},
      pages_{pages} {
    if (index.frames == index.backfilled) frames_.emplace();
}

Result<std::vector<model::Page>> Image::read(std::uint32_t first, std::uint32_t count) {
    if (first == 0) return error(Errc::invalid, "read image: pages count from 1");
    if (!frames_) {
        auto frames = wal_.newest_frames(index_);
        if (!frames) return std::move(frames).error().during("read image");
        frames_ = *std::move(frames);
    }
    std::vector<model::Page> pages;
    const std::uint64_t end =
        std::min<std::uint64_t>(std::uint64_t{first} + count, std::uint64_t{pages_} + 1);
    for (std::uint64_t at = first; at < end; ++at) {
        const auto number = static_cast<std::uint32_t>(at);
        if (number == lock_byte / page_size_ + 1) continue;
        model::Page page{.number = number, .data = model::Bytes(page_size_)};
        const auto frame = frames_->find(number);
        if (frame != frames_->end()) {
            auto done = wal_.read_page(frame->second, page.data);
            if (!done) return std::move(done).error().during("read image");
        } else {
            auto whole = reader_->read_file((at - 1) * page_size_, page.data);
            if (!whole) return std::move(whole).error().during("read image");
            if (!*whole) {
                return error(Errc::corrupt,
                             "read image: the file ends before page " + std::to_string(number) +
                                 " of " + std::to_string(pages_));
            }
        }
        pages.push_back(std::move(page));
    }
    return pages;
}

}  // namespace adapters::sqlite
