// Reads LTX files of Litestream 0.5 and of ours: both page forms, LZ4 frames and LZ4 blocks.
// Source: LTX format, version 3.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "model/bytes.h"
#include "model/ltx/checksum.h"
#include "model/ltx/header.h"
#include "model/result.h"
#include "model/wal_position.h"

namespace model::ltx {

/// Called with each page, in ascending order; the view ends with the call. An error stops the
/// decoder and is returned as it is.
using PageSink = std::function<Result<void>(std::uint32_t number, ByteView page)>;

/// Reads one file in pieces of any size; holds one page, and nothing of the index. Checked: the
/// header's rules; order, range and length of the pages; in a snapshot that none is missing; the
/// index against the pages; the file checksum; the database checksums where the file has them.
///
/// A page handed out is proven only once finish() succeeded: write it where it can be dropped.
class Decoder {
public:
    Decoder();
    Decoder(Decoder&&) noexcept;
    Decoder& operator=(Decoder&&) noexcept;
    ~Decoder();

    /// corrupt: the message says what and at which byte. Every later call returns it again.
    [[nodiscard]] Result<void> feed(ByteView bytes, const PageSink& sink);

    /// The file ends here. corrupt: it is cut off.
    [[nodiscard]] Result<void> finish() const;

    /// Known after the first 100 bytes.
    [[nodiscard]] const std::optional<Header>& header() const { return header_; }

private:
    enum class Step : std::uint8_t { header, page, frame, block_size, block, index, trailer, done };
    struct Lz4;

    [[nodiscard]] Result<void> step(ByteView& bytes, const PageSink& sink);
    [[nodiscard]] Result<void> read_header();
    [[nodiscard]] Result<void> read_page_header();
    [[nodiscard]] Result<void> read_block_size();
    [[nodiscard]] Result<void> read_frame(ByteView& bytes, const PageSink& sink);
    [[nodiscard]] Result<void> read_block(const PageSink& sink);
    [[nodiscard]] Result<void> read_index(ByteView& bytes);
    [[nodiscard]] Result<void> read_trailer();
    [[nodiscard]] Result<void> emit_page(const PageSink& sink);
    [[nodiscard]] bool gather(ByteView& bytes, std::size_t count);
    [[nodiscard]] Error wrong(const std::string& what) const;

    Step step_ = Step::header;
    std::uint64_t offset_ = 0;  // of the next byte of the file
    Bytes gathered_;            // of a field that came in several pieces
    std::optional<Header> header_;
    std::optional<Error> failed_;
    Crc64 file_checksum_;
    DatabaseChecksum database_checksum_;

    std::unique_ptr<Lz4> lz4_;
    std::uint32_t number_ = 0;      // of the page being read
    std::uint32_t last_ = 0;        // the page before it
    std::uint64_t page_start_ = 0;  // offset of its header
    std::size_t block_size_ = 0;
    Bytes page_;
    std::size_t page_filled_ = 0;

    // The index that the pages call for is known when they end: it is compared by length and
    // checksum as it comes, and kept nowhere.
    Crc64 index_expected_;
    Crc64 index_read_;
    std::uint64_t index_size_ = 0;
    std::uint64_t index_left_ = 0;
};

struct File {
    Header header;
    std::vector<Page> pages;  // ascending
    friend bool operator==(const File&, const File&) = default;
};

/// A whole file, proven. corrupt: as in Decoder.
[[nodiscard]] Result<File> decode(ByteView bytes);

}  // namespace model::ltx
