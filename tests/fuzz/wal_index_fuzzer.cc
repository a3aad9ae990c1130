// The header of the wal-index, which another process may be writing at the same time.
#include "model/wal/index.h"
#include "tests/fuzz/fuzz.h"

namespace {

using fuzz::require;
using model::Bytes;
using model::ByteView;
using model::Errc;
namespace wal = model::wal;

void check_index(ByteView bytes) {
    const auto index = wal::parse_index(bytes);
    if (!index) {
        require(index.error().code == Errc::unavailable || index.error().code == Errc::invalid,
                "a refusal has the code that is promised");
        require(!index.error().message.empty(), "a refusal has a message");
        return;
    }
    require(wal::valid_page_size(index->page_size) || (index->page_size == 0 && index->frames == 0),
            "a page size of SQLite's, or no frames");
    require(fuzz::is(wal::parse_index(bytes.first(wal::index_size)), *index),
            "what follows nBackfill is not read");
    // A half-written header: one of the two copies differs.
    for (std::size_t i = 0; i < 2 * wal::index_header_size; ++i) {
        Bytes torn{bytes.begin(), bytes.end()};
        torn[i] ^= std::byte{0x10};
        const auto refused = wal::parse_index(torn);
        require(!refused && refused.error().code == Errc::unavailable, "a torn header is refused");
    }
}

/// Two copies of the header with a matching checksum.
Bytes sealed(ByteView bytes) {
    Bytes out{bytes.begin(), bytes.end()};
    out.resize(std::max(out.size(), wal::index_size));
    // In the machine's byte order, which is little-endian for the fuzzers.
    const auto sum = wal::chain({}, ByteView{out}.first(40), wal::WordOrder::little);
    std::memcpy(out.data() + 40, &sum.first, 4);
    std::memcpy(out.data() + 44, &sum.second, 4);
    std::copy_n(out.begin(), wal::index_header_size, out.begin() + wal::index_header_size);
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto input = fuzz::bytes_of(data, size);
    check_index(input);
    check_index(sealed(input));
    return 0;
}
