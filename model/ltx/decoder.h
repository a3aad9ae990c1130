// Reads LTX files of Litestream 0.5 and of this program: both page forms, LZ4 frames and LZ4
// blocks. Source: LTX format, version 3.
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

/// Called with each page, in ascending order; the view is valid during the call. An error stops the
/// decoder, which returns it unchanged.
using PageSink = std::function<Result<void>(std::uint32_t number, ByteView page)>;

/// Reads one file in pieces of any size; holds one page in memory, and not the index. Checks: the
/// header's rules; order, range and length of the pages; that a snapshot lacks no page; the index
/// against the pages; the file checksum; the database checksums where the file has them.
/// index against the pages; the file checksum; the database checksums where the file has them.
///
/// A page handed out is verified only once finish() succeeded: write it where it can be discarded.
class Decoder {
public:
    Decoder();
    Decoder(Decoder&&) noexcept;
    Decoder& operator=(Decoder&&) noexcept;
    ~Decoder();

    /// corrupt: the message names the problem and its byte offset. Every later call returns the
    /// same error.
    [[nodiscard]] Result<void> feed(ByteView bytes, const PageSink& sink);

    /// Marks the end of the file. corrupt: the file is truncated.
    [[nodiscard]] Result<void> finish() const;

    /// Available after the first 100 bytes.
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
    std::uint64_t offset_ = 0;  // of the next input byte
    Bytes gathered_;            // a field that arrives in several pieces
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

    // The index that the pages require is known when they end. It is compared by length and
    // checksum as it arrives, and not stored.
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

/// Decodes a whole file and verifies it. corrupt: as in Decoder.
[[nodiscard]] Result<File> decode(ByteView bytes);

}  // namespace model::ltx
