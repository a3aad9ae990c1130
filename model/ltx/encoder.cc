#include "model/ltx/encoder.h"

#include <lz4frame.h>

#include "model/big_endian.h"
#include "model/ltx/varint.h"

namespace model::ltx {
namespace {

constexpr std::size_t page_header_size = 6;

/// Settings that the lz4/v4 library of every Litestream version reads: no block checksums (it
/// computes them over different bytes), but a content checksum (newer versions look for the next
/// frame in its place).
constexpr LZ4F_preferences_t frame_preferences() {
    LZ4F_preferences_t preferences{};
    preferences.frameInfo.blockSizeID = LZ4F_max64KB;
    preferences.frameInfo.blockMode = LZ4F_blockIndependent;
    preferences.frameInfo.contentChecksumFlag = LZ4F_contentChecksumEnabled;
    return preferences;
}

}  // namespace

Result<Encoder> Encoder::begin(const Header& header, Bytes& out) {
    auto valid = validate(header);
    if (!valid) return std::move(valid).error();
    if (header.checksums()) {
        return error(Errc::invalid, "ltx header: database checksums, which Litestream refuses");
    }
    Encoder encoder{header};
    encoder.put(encode_header(header), out);
    return encoder;
}

Result<void> Encoder::add(std::uint32_t number, ByteView page, Bytes& out) {
    if (page.size() != header_.page_size) return wrong(number, "it has another length");
    if (number > header_.commit) return wrong(number, "it lies beyond the end of the database");
    if (number <= last_) return wrong(number, "pages must ascend");
    if (number == lock_page(header_.page_size)) return wrong(number, "it is the lock page");
    if (header_.snapshot() && number != next_page(last_, header_.page_size)) {
        return wrong(number, "a snapshot has no holes");
    }
    const std::uint64_t start = offset_;
    Bytes page_header;
    page_header.reserve(page_header_size);
    append_be(page_header, number);
    append_be(page_header, std::uint16_t{0});
    put(page_header, out);

    const auto preferences = frame_preferences();
    const std::size_t begin = out.size();
    out.resize(begin + LZ4F_compressFrameBound(page.size(), &preferences));
    const std::size_t written = LZ4F_compressFrame(
        out.data() + begin, out.size() - begin, page.data(), page.size(), &preferences);
    check(LZ4F_isError(written) == 0, "an LZ4 frame fits its bound");
    out.resize(begin + written);
    offset_ += written;
    file_checksum_.update(page);

    append_index_entry(index_, number, start, offset_ - start);
    last_ = number;
    return {};
}

Result<void> Encoder::finish(Bytes& out) {
    if (header_.snapshot()) {
        const std::uint32_t next = next_page(last_, header_.page_size);
        if (next <= header_.commit) return wrong(next, "a snapshot lacks it");
    }
    put(Bytes(page_header_size), out);
    append_varint(index_, 0);
    append_be(index_, std::uint64_t{index_.size()});
    put(index_, out);
    Bytes trailer;
    append_be(trailer, std::uint64_t{0});  // no database checksum
    put(trailer, out);
    append_be(out, file_checksum_.value() | checksum_flag);
    return {};
}

Error Encoder::wrong(std::uint32_t number, const char* what) const {
    return error(Errc::invalid,
                 "ltx " + to_hex16(header_.min.value) + "-" + to_hex16(header_.max.value) +
                     ": page " + std::to_string(number) + ": " + what);
}

void Encoder::put(ByteView hashed, Bytes& out) {
    file_checksum_.update(hashed);
    out.insert(out.end(), hashed.begin(), hashed.end());
    offset_ += hashed.size();
}

Result<Bytes> encode(const Header& header, std::span<const Page> pages) {
    Bytes out;
    out.reserve(header_size + pages.size() * (header.page_size / 2 + 64) + 128);
    auto encoder = Encoder::begin(header, out);
    if (!encoder) return std::move(encoder).error();
    for (const Page& page : pages) {
        auto added = encoder->add(page.number, page.data, out);
        if (!added) return std::move(added).error();
    }
    auto finished = encoder->finish(out);
    if (!finished) return std::move(finished).error();
    return out;
}

}  // namespace model::ltx
