#include "model/ltx/decoder.h"

#include <lz4.h>
#include <lz4frame.h>

#include <algorithm>

#include "model/big_endian.h"
#include "model/ltx/varint.h"

namespace model::ltx {
namespace {

constexpr std::size_t page_header_size = 6;
constexpr std::uint16_t block_form = 1;

}  // namespace

struct Decoder::Lz4 {
    Lz4() {
        check(LZ4F_isError(LZ4F_createDecompressionContext(&context, LZ4F_VERSION)) == 0,
              "memory for an LZ4 context");
    }
    ~Lz4() { LZ4F_freeDecompressionContext(context); }
    Lz4(const Lz4&) = delete;
    Lz4& operator=(const Lz4&) = delete;
    LZ4F_dctx* context = nullptr;
};

Decoder::Decoder() : lz4_{std::make_unique<Lz4>()} {}
Decoder::Decoder(Decoder&&) noexcept = default;
Decoder& Decoder::operator=(Decoder&&) noexcept = default;
Decoder::~Decoder() = default;

Result<void> Decoder::feed(ByteView bytes, const PageSink& sink) {
    if (failed_) return *failed_;
    while (!bytes.empty()) {
        auto done = step(bytes, sink);
        if (!done) {
            failed_ = done.error();
            return done;
        }
    }
    return {};
}

Result<void> Decoder::finish() const {
    if (failed_) return *failed_;
    if (step_ != Step::done) return wrong("the file is cut off");
    return {};
}

Result<void> Decoder::step(ByteView& bytes, const PageSink& sink) {
    switch (step_) {
        case Step::header:
            return gather(bytes, header_size) ? read_header() : Result<void>{};
        case Step::page:
            return gather(bytes, page_header_size) ? read_page_header() : Result<void>{};
        case Step::frame:
            return read_frame(bytes, sink);
        case Step::block_size:
            return gather(bytes, sizeof(std::uint32_t)) ? read_block_size() : Result<void>{};
        case Step::block:
            return gather(bytes, block_size_) ? read_block(sink) : Result<void>{};
        case Step::index:
            return read_index(bytes);
        case Step::trailer:
            return gather(bytes, trailer_size) ? read_trailer() : Result<void>{};
        case Step::done:
            return wrong("bytes after the end");
    }
    return {};
}

Result<void> Decoder::read_header() {
    auto header = decode_header(gathered_);
    if (!header) return std::move(header).error();
    header_ = *header;
    page_.resize(header->page_size);
    file_checksum_.update(gathered_);
    gathered_.clear();
    step_ = Step::page;
    return {};
}

Result<void> Decoder::read_page_header() {
    const auto number = load_be<std::uint32_t>(gathered_);
    const auto flags = load_be<std::uint16_t>(ByteView{gathered_}.subspan(4));
    page_start_ = offset_ - page_header_size;
    file_checksum_.update(gathered_);
    gathered_.clear();
    const std::uint32_t page_size = header_->page_size;
    const std::uint32_t next = next_page(last_, page_size);
    if (number == 0) {
        if (flags != 0) return wrong("page 0");
        if (header_->snapshot() && next <= header_->commit) {
            return wrong("a snapshot ends before page " + std::to_string(next));
        }
        Bytes tail;
        append_varint(tail, 0);
        append_be(tail, index_size_ + tail.size());
        index_expected_.update(tail);
        index_left_ = index_size_ + tail.size();
        step_ = Step::index;
        return {};
    }
    const std::string page = "page " + std::to_string(number);
    if (number <= last_) return wrong(page + " after page " + std::to_string(last_));
    if (number > header_->commit) {
        return wrong(page + " of a database of " + std::to_string(header_->commit));
    }
    if (number == lock_page(page_size)) return wrong(page + " is the lock page");
    if (header_->snapshot() && number != next) {
        return wrong("a snapshot lacks page " + std::to_string(next));
    }
    if (flags != 0 && flags != block_form) {
        return wrong(page + " has unknown flags " + std::to_string(flags));
    }
    number_ = number;
    page_filled_ = 0;
    if (flags == 0) LZ4F_resetDecompressionContext(lz4_->context);
    step_ = flags == block_form ? Step::block_size : Step::frame;
    return {};
}

Result<void> Decoder::read_frame(ByteView& bytes, const PageSink& sink) {
    std::size_t room = page_.size() - page_filled_;
    std::size_t taken = bytes.size();
    const std::size_t hint = LZ4F_decompress(
        lz4_->context, page_.data() + page_filled_, &room, bytes.data(), &taken, nullptr);
    if (LZ4F_isError(hint) != 0) {
        return wrong("page " + std::to_string(number_) + ": " + LZ4F_getErrorName(hint));
    }
    page_filled_ += room;
    offset_ += taken;
    bytes = bytes.subspan(taken);
    if (hint == 0) return emit_page(sink);
    if (room == 0 && taken == 0) {
        return wrong("page " + std::to_string(number_) + ": longer than a page");
    }
    return {};
}

Result<void> Decoder::read_block_size() {
    const auto size = load_be<std::uint32_t>(gathered_);
    file_checksum_.update(gathered_);
    gathered_.clear();
    if (size == 0 || size > page_.size() + page_.size() / 255 + 16) {
        return wrong("page " + std::to_string(number_) + ": a block of " + std::to_string(size) +
                     " bytes");
    }
    block_size_ = size;
    step_ = Step::block;
    return {};
}

Result<void> Decoder::read_block(const PageSink& sink) {
    const int filled = LZ4_decompress_safe(reinterpret_cast<const char*>(gathered_.data()),
                                           reinterpret_cast<char*>(page_.data()),
                                           static_cast<int>(gathered_.size()),
                                           static_cast<int>(page_.size()));
    gathered_.clear();
    if (filled < 0) return wrong("page " + std::to_string(number_) + ": a broken LZ4 block");
    page_filled_ = static_cast<std::size_t>(filled);
    return emit_page(sink);
}

Result<void> Decoder::emit_page(const PageSink& sink) {
    if (page_filled_ != page_.size()) {
        return wrong("page " + std::to_string(number_) + ": " + std::to_string(page_filled_) +
                     " bytes of " + std::to_string(page_.size()));
    }
    file_checksum_.update(page_);
    if (header_->checksums() && header_->snapshot()) {
        database_checksum_.toggle(page_checksum(number_, page_));
    }
    Bytes entry;
    append_index_entry(entry, number_, page_start_, offset_ - page_start_);
    index_expected_.update(entry);
    index_size_ += entry.size();
    last_ = number_;
    step_ = Step::page;
    return sink(number_, page_);
}

Result<void> Decoder::read_index(ByteView& bytes) {
    const auto part =
        bytes.first(static_cast<std::size_t>(std::min<std::uint64_t>(index_left_, bytes.size())));
    file_checksum_.update(part);
    index_read_.update(part);
    index_left_ -= part.size();
    offset_ += part.size();
    bytes = bytes.subspan(part.size());
    if (index_left_ > 0) return {};
    if (index_read_.value() != index_expected_.value()) {
        return wrong("the page index disagrees with the pages");
    }
    step_ = Step::trailer;
    return {};
}

Result<void> Decoder::read_trailer() {
    const ByteView trailer{gathered_};
    const auto post_apply = load_be<std::uint64_t>(trailer);
    const auto stored = load_be<std::uint64_t>(trailer.subspan(8));
    file_checksum_.update(trailer.first(8));
    if ((file_checksum_.value() | checksum_flag) != stored) return wrong("the file checksum");
    if (!header_->checksums() && post_apply != 0) {
        return wrong("a post-apply checksum where none is allowed");
    }
    if (header_->checksums() && (post_apply & checksum_flag) == 0) {
        return wrong("no post-apply checksum");
    }
    if (header_->checksums() && header_->snapshot() && post_apply != database_checksum_.value()) {
        return wrong("the post-apply checksum");
    }
    gathered_.clear();
    step_ = Step::done;
    return {};
}

bool Decoder::gather(ByteView& bytes, std::size_t count) {
    const auto part = bytes.first(std::min(count - gathered_.size(), bytes.size()));
    gathered_.insert(gathered_.end(), part.begin(), part.end());
    offset_ += part.size();
    bytes = bytes.subspan(part.size());
    return gathered_.size() == count;
}

Error Decoder::wrong(const std::string& what) const {
    std::string name = "ltx";
    if (header_) name += " " + to_hex16(header_->min.value) + "-" + to_hex16(header_->max.value);
    return error(Errc::corrupt, name + ", byte " + std::to_string(offset_) + ": " + what);
}

Result<File> decode(ByteView bytes) {
    File file;
    Decoder decoder;
    auto fed = decoder.feed(bytes, [&file](std::uint32_t number, ByteView page) -> Result<void> {
        file.pages.push_back({.number = number, .data = {page.begin(), page.end()}});
        return {};
    });
    if (!fed) return std::move(fed).error();
    auto finished = decoder.finish();
    if (!finished) return std::move(finished).error();
    file.header = *decoder.header();
    return file;
}

}  // namespace model::ltx
