// LTX files: the result of the decoder does not depend on how the file is split, is no larger than
// the file allows, and is what the encoder writes.
//
// An input that does not begin with "LTX1" is taken as fields and pages of a file to encode.
#include <lz4.h>
#include <lz4frame.h>

#include <optional>

#include "model/big_endian.h"
#include "model/ltx/decoder.h"
#include "model/ltx/encoder.h"
#include "model/ltx/varint.h"
#include "tests/fuzz/fuzz.h"

namespace {

using fuzz::require;
using model::Bytes;
using model::ByteView;
using model::Errc;
using model::ltx::Header;

// LZ4 expands a byte to at most 255.
constexpr std::size_t largest_growth = 255;

struct Outcome {
    bool whole = false;
    std::optional<Header> header;
    std::vector<model::Page> pages;
    friend bool operator==(const Outcome&, const Outcome&) = default;
};

Outcome decode_in_pieces(ByteView file, std::size_t piece) {
    model::ltx::Decoder decoder;
    Outcome outcome;
    std::size_t handed_out = 0;
    const auto sink = [&](std::uint32_t number, ByteView page) -> model::Result<void> {
        handed_out += page.size();
        require(handed_out <= file.size() * largest_growth, "pages are no larger than LZ4 allows");
        outcome.pages.push_back({.number = number, .data = {page.begin(), page.end()}});
        return {};
    };
    model::Result<void> fed;
    for (ByteView rest = file; fed && !rest.empty();) {
        const auto part = rest.first(std::min(piece, rest.size()));
        rest = rest.subspan(part.size());
        fed = decoder.feed(part, sink);
    }
    const auto finished = decoder.finish();
    if (!finished) fuzz::require_refusal(finished.error(), Errc::corrupt);
    require(fed || !finished, "an error stays");
    outcome.whole = finished.has_value();
    outcome.header = decoder.header();
    return outcome;
}

void check_written(const Header& header, const std::vector<model::Page>& pages) {
    const auto bytes = model::ltx::encode(header, pages);
    require(bytes.has_value(), "what was read can be written");
    const auto again = model::ltx::decode(*bytes);
    require(again && again->header == header && again->pages == pages,
            "what is written is read again");
}

void check_file(ByteView file) {
    const auto outcome = decode_in_pieces(file, std::max<std::size_t>(file.size(), 1));
    for (const std::size_t piece : {1U, 7U, 1000U})
        require(decode_in_pieces(file, piece) == outcome, "pieces of any size mean the same");

    const auto decoded = model::ltx::decode(file);
    require(decoded.has_value() == outcome.whole, "decode() is the decoder");
    if (!decoded) return;
    require(decoded->header == outcome.header && decoded->pages == outcome.pages,
            "decode() is the decoder");
    require(!model::ltx::decode(file.first(file.size() - 1)), "a file that is cut off is refused");
    Bytes longer{file.begin(), file.end()};
    longer.push_back(std::byte{0});
    require(!model::ltx::decode(longer), "bytes after the end are refused");

    auto header = decoded->header;
    header.flags = model::ltx::no_checksum;  // the encoder supports no others
    header.pre_apply_checksum = 0;
    check_written(header, decoded->pages);
}

/// Removes the page at the front of `rest` and returns it; empty where it is broken.
std::optional<Bytes> take_page(ByteView& rest, std::uint16_t flags, std::size_t page_size) {
    Bytes page(page_size);
    if (flags == 1) {
        if (rest.size() < 4) return std::nullopt;
        const auto size = model::load_be<std::uint32_t>(rest);
        if (size > rest.size() - 4) return std::nullopt;
        const int filled = LZ4_decompress_safe(reinterpret_cast<const char*>(rest.data() + 4),
                                               reinterpret_cast<char*>(page.data()),
                                               static_cast<int>(size),
                                               static_cast<int>(page_size));
        if (filled != static_cast<int>(page_size)) return std::nullopt;
        rest = rest.subspan(4 + size);
        return page;
    }
    LZ4F_dctx* context = nullptr;
    if (LZ4F_isError(LZ4F_createDecompressionContext(&context, LZ4F_VERSION)) != 0) std::abort();
    std::size_t room = page_size;
    std::size_t taken = rest.size();
    const auto hint = LZ4F_decompress(context, page.data(), &room, rest.data(), &taken, nullptr);
    LZ4F_freeDecompressionContext(context);
    if (hint != 0 || room != page_size) return std::nullopt;
    rest = rest.subspan(taken);
    return page;
}

/// The file's pages up to the first broken one, with the matching index and checksums, which a
/// fuzzer does not find by itself. Empty: it has no header.
std::optional<Bytes> resealed(ByteView file) {
    namespace ltx = model::ltx;
    const auto header = ltx::decode_header(file);
    if (!header) return std::nullopt;
    Bytes out;
    Bytes index;
    ltx::Crc64 checksum;
    ltx::DatabaseChecksum database;
    const auto put = [&](ByteView bytes, bool hashed = true) {
        out.insert(out.end(), bytes.begin(), bytes.end());
        if (hashed) checksum.update(bytes);
    };
    put(file.first(ltx::header_size));
    for (auto rest = file.subspan(ltx::header_size); rest.size() >= 6;) {
        const auto start = out.size();
        const auto number = model::load_be<std::uint32_t>(rest);
        const auto flags = model::load_be<std::uint16_t>(rest.subspan(4));
        if (number == 0 || flags > 1) break;
        const auto page_header = rest.first(6);
        auto after = rest.subspan(6);
        const auto page = take_page(after, flags, header->page_size);
        if (!page) break;
        const auto coded = rest.subspan(6, rest.size() - 6 - after.size());
        put(page_header);
        if (flags == 1) checksum.update(coded.first(4));
        put(coded, false);
        checksum.update(*page);
        database.toggle(ltx::page_checksum(number, *page));
        ltx::append_index_entry(index, number, start, out.size() - start);
        rest = after;
    }
    put(Bytes(6));
    ltx::append_varint(index, 0);
    model::append_be(index, std::uint64_t{index.size()});
    put(index);
    Bytes trailer;
    model::append_be(trailer, header->checksums() ? database.value() : std::uint64_t{0});
    put(trailer);
    model::append_be(out, checksum.value() | ltx::checksum_flag);
    return out;
}

/// Encodes a file of generated fields and pages: it is refused, or decodes to the same.
void check_encoder(ByteView input) {
    fuzz::Source from{input};
    Header header{.page_size = std::uint32_t{512} << from.below(8),
                  .commit = from.number<std::uint32_t>(),
                  .min = {from.number<std::uint8_t>()},
                  .max = {from.number<std::uint8_t>()},
                  .timestamp = {from.number<std::int64_t>()},
                  .wal_offset = from.number<std::int64_t>(),
                  .wal_size = from.number<std::int64_t>(),
                  .wal_salt1 = from.number<std::uint32_t>(),
                  .wal_salt2 = from.number<std::uint32_t>(),
                  .node_id = from.number<std::uint64_t>()};
    std::vector<model::Page> pages;
    for (std::uint32_t number = 0; !from.empty() && pages.size() < 16;) {
        number += from.number<std::uint8_t>();
        model::Page page{.number = number, .data = Bytes(header.page_size)};
        const auto start = model::to_bytes(from.text());
        std::copy(start.begin(), start.end(), page.data.begin());
        pages.push_back(std::move(page));
    }
    const auto bytes = model::ltx::encode(header, pages);
    if (!bytes) {
        fuzz::require_refusal(bytes.error(), Errc::invalid);
    } else {
        check_written(header, pages);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto input = fuzz::bytes_of(data, size);
    if (!fuzz::text_of(data, size).starts_with("LTX1")) {
        check_encoder(input);
        return 0;
    }
    check_file(input);
    if (const auto file = resealed(input)) check_file(*file);
    return 0;
}
