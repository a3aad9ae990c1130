// A WAL: which frames its chain of checksums verifies.
#include "model/big_endian.h"
#include "model/wal/wal.h"
#include "tests/fuzz/fuzz.h"

namespace {

using fuzz::require;
using model::Bytes;
using model::ByteView;
namespace wal = model::wal;

/// The verified frames from the first on, and the chain's checksum after each.
void check_frames(ByteView frames, const wal::Header& header, bool sealed) {
    const std::size_t frame_size = wal::frame_header_size + header.page_size;
    wal::Chain chain{header.order, header.salts, header.checksum};
    for (std::size_t number = 1; frames.size() >= frame_size; ++number) {
        const auto bytes = frames.first(frame_size);
        frames = frames.subspan(frame_size);
        const auto before = chain.checksum();
        auto same = chain;

        // Any flipped bit is detected.
        Bytes flipped{bytes.begin(), bytes.end()};
        flipped[number * 4099 % frame_size] ^= static_cast<std::byte>(1U << (number % 8));
        const bool taken_anyway = chain.next(flipped).has_value();
        chain = same;

        const auto frame = chain.next(bytes);
        if (sealed) {
            const auto plain = wal::parse_frame(bytes);
            require(frame.has_value() == (plain.page != 0 && plain.salts == header.salts),
                    "a frame that continues the chain is taken");
        }
        if (!frame) {
            require(chain.checksum() == before, "a frame that is refused leaves the chain");
            return;
        }
        require(!taken_anyway, "a frame with a flipped bit is refused");
        require(frame->page != 0 && frame->salts == header.salts, "a frame of this generation");
        require(frame->checksum == chain.checksum(), "the chain stands at the frame");
        require(wal::frame_offset(static_cast<std::uint32_t>(number + 1), header.page_size) ==
                    static_cast<std::int64_t>(wal::header_size + number * frame_size),
                "the next frame begins where this one ends");
    }
}

void check_wal(ByteView file, bool sealed) {
    const auto header = wal::parse_header(file);
    if (!header) {
        fuzz::require_refusal(header.error(), model::Errc::corrupt);
        return;
    }
    require(wal::valid_page_size(header->page_size), "a page size of SQLite's");
    check_frames(file.subspan(wal::header_size), *header, sealed);
}

void store(Bytes& out, std::size_t at, wal::Checksum sum) {
    Bytes bytes;
    model::append_be(bytes, sum.first);
    model::append_be(bytes, sum.second);
    std::copy(bytes.begin(), bytes.end(), out.begin() + static_cast<std::ptrdiff_t>(at));
}

/// The same file with matching checksums in header and frames.
Bytes sealed(ByteView file) {
    Bytes out{file.begin(), file.end()};
    if (out.size() < wal::header_size) return out;
    const auto order =
        (out[3] & std::byte{1}) != std::byte{0} ? wal::WordOrder::big : wal::WordOrder::little;
    store(out, 24, wal::chain({}, ByteView{out}.first(24), order));
    const auto header = wal::parse_header(out);
    if (!header) return out;
    auto sum = header->checksum;
    const std::size_t frame_size = wal::frame_header_size + header->page_size;
    for (auto at = wal::header_size; out.size() - at >= frame_size; at += frame_size) {
        const auto frame = ByteView{out}.subspan(at, frame_size);
        sum = wal::chain(wal::chain(sum, frame.first(8), order), frame.subspan(24), order);
        store(out, at + 16, sum);
    }
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto input = fuzz::bytes_of(data, size);
    check_wal(input, false);
    check_wal(sealed(input), true);

    // The checksum of the whole equals that of its parts in sequence.
    const auto whole = input.first(size / 8 * 8);
    const auto half = whole.size() / 16 * 8;
    for (const auto order : {wal::WordOrder::little, wal::WordOrder::big}) {
        const auto first = wal::chain({}, whole.first(half), order);
        require(wal::chain(first, whole.subspan(half), order) == wal::chain({}, whole, order),
                "a checksum goes on where it stopped");
    }
    return 0;
}
