#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/big_endian.h"
#include "model/ltx/decoder.h"
#include "model/ltx/encoder.h"

namespace model::ltx {
namespace {

using ::testing::HasSubstr;

constexpr std::uint32_t size = 512;

Bytes page(std::uint32_t number) {
    Bytes bytes(size, std::byte{0});
    for (std::size_t i = 0; i < size / 2; ++i)
        bytes[i] = static_cast<std::byte>(number * 7 + i / 16);
    return bytes;
}

/// A page that LZ4 cannot compress.
Bytes noise(std::uint32_t seed, std::size_t length = size) {
    Bytes bytes;
    std::uint64_t state = seed;
    while (bytes.size() < length) {
        state = state * 6364136223846793005U + 1442695040888963407U;
        bytes.push_back(static_cast<std::byte>(state >> 56U));
    }
    return bytes;
}

Header incremental() {
    return {.page_size = size,
            .commit = 20,
            .min = {5},
            .max = {7},
            .timestamp = {1'700'000'000'123},
            .wal_offset = 32,
            .wal_size = 3 * (24 + size),
            .wal_salt1 = 0xdeadbeef,
            .wal_salt2 = 7};
}

Header snapshot(std::uint32_t commit) {
    return {.page_size = size, .commit = commit, .min = {1}, .max = {9}};
}

std::vector<Page> pages(std::initializer_list<std::uint32_t> numbers) {
    std::vector<Page> result;
    for (const auto number : numbers)
        result.push_back({number, page(number)});
    return result;
}

Bytes encoded(const Header& header, const std::vector<Page>& with) {
    auto bytes = encode(header, with);
    EXPECT_TRUE(bytes) << bytes.error().message;
    return *bytes;
}

std::string refused(const Header& header, const std::vector<Page>& with) {
    const auto bytes = encode(header, with);
    if (bytes) return "accepted";
    EXPECT_EQ(bytes.error().code, Errc::invalid);
    return bytes.error().message;
}

std::string corrupt(ByteView bytes) {
    const auto file = decode(bytes);
    if (file) return "accepted";
    EXPECT_EQ(file.error().code, Errc::corrupt);
    return file.error().message;
}

/// Corrects the file checksum, so that only the rule under test is broken. `hashed`: the bytes that
/// it covers.
void seal(Bytes& bytes, ByteView hashed) {
    Crc64 crc;
    crc.update(hashed);
    bytes.erase(bytes.end() - 8, bytes.end());
    append_be(bytes, crc.value() | checksum_flag);
}

TEST(LtxCodec, ReturnsHeaderAndPages) {
    const auto with = pages({1, 2, 9, 20});
    const auto file = decode(encoded(incremental(), with));
    ASSERT_TRUE(file) << file.error().message;
    EXPECT_EQ(file->header, incremental());
    EXPECT_EQ(file->pages, with);
}

TEST(LtxCodec, TakesEveryPageSizeAndPagesThatDoNotCompress) {
    for (std::uint32_t bytes = 512; bytes <= 65536; bytes *= 2) {
        Header header = incremental();
        header.page_size = bytes;
        const std::vector<Page> with{
            {3, noise(1, bytes)}, {4, Bytes(bytes)}, {20, noise(2, bytes)}};
        const auto file = decode(encoded(header, with));
        ASSERT_TRUE(file) << bytes << ": " << file.error().message;
        EXPECT_EQ(file->pages, with) << bytes;
    }
}

TEST(LtxCodec, AFileMayHoldNoPages) {
    const auto file = decode(encoded(incremental(), {}));
    ASSERT_TRUE(file) << file.error().message;
    EXPECT_TRUE(file->pages.empty());
}

TEST(LtxEncoder, WritesTheLz4FrameHeaderThatLitestreamExpects) {
    const Bytes bytes = encoded(incremental(), pages({3}));
    const Bytes frame(bytes.begin() + 106, bytes.begin() + 113);
    const Bytes expected{std::byte{0x04},
                         std::byte{0x22},
                         std::byte{0x4d},
                         std::byte{0x18},
                         std::byte{0x64},
                         std::byte{0x40},
                         std::byte{0xa7}};
    EXPECT_EQ(frame, expected);
}

TEST(LtxEncoder, RefusesPagesThatDoNotAscend) {
    EXPECT_THAT(refused(incremental(), pages({3, 3})), HasSubstr("page 3: pages must ascend"));
    EXPECT_THAT(refused(incremental(), pages({3, 2})), HasSubstr("page 2: pages must ascend"));
    EXPECT_THAT(refused(incremental(), pages({0})), HasSubstr("page 0: pages must ascend"));
}

TEST(LtxEncoder, RefusesAPageBeyondTheEndOfTheDatabase) {
    EXPECT_EQ(refused(incremental(), pages({20})), "accepted");
    EXPECT_THAT(refused(incremental(), pages({21})), HasSubstr("beyond the end"));
}

TEST(LtxEncoder, RefusesTheLockPage) {
    Header header = incremental();
    header.page_size = 65536;
    header.commit = 20000;
    EXPECT_EQ(lock_page(65536), 16385U);
    EXPECT_EQ(refused(header, {{16384, Bytes(65536)}}), "accepted");
    EXPECT_THAT(refused(header, {{16385, Bytes(65536)}}), HasSubstr("lock page"));
    EXPECT_EQ(refused(header, {{16386, Bytes(65536)}}), "accepted");
}

TEST(LtxEncoder, RefusesAPageOfAnotherLength) {
    EXPECT_THAT(refused(incremental(), {{1, Bytes(size - 1)}}), HasSubstr("another length"));
    EXPECT_THAT(refused(incremental(), {{1, Bytes(size + 1)}}), HasSubstr("another length"));
}

TEST(LtxEncoder, ASnapshotHasEveryPage) {
    EXPECT_EQ(refused(snapshot(3), pages({1, 2, 3})), "accepted");
    EXPECT_THAT(refused(snapshot(3), pages({1, 3})), HasSubstr("no holes"));
    EXPECT_THAT(refused(snapshot(3), pages({2, 3})), HasSubstr("no holes"));
    EXPECT_THAT(refused(snapshot(3), pages({1, 2})), HasSubstr("page 3: a snapshot lacks it"));
}

TEST(LtxHeader, EachRuleIsChecked) {
    const auto with = [](auto change) {
        Header header = incremental();
        change(header);
        const auto valid = validate(header);
        return valid ? std::string{"valid"} : valid.error().message;
    };
    EXPECT_EQ(with([](Header&) {}), "valid");
    EXPECT_THAT(with([](Header& h) { h.flags = 1; }), HasSubstr("flags"));
    EXPECT_THAT(with([](Header& h) { h.page_size = 256; }), HasSubstr("page size"));
    EXPECT_THAT(with([](Header& h) { h.page_size = 131072; }), HasSubstr("page size"));
    EXPECT_THAT(with([](Header& h) { h.page_size = 4095; }), HasSubstr("page size"));
    EXPECT_THAT(with([](Header& h) { h.commit = 0; }), HasSubstr("no pages"));
    EXPECT_THAT(with([](Header& h) { h.min = {0}; }), HasSubstr("TXID"));
    EXPECT_THAT(with([](Header& h) { h.min = {8}; }), HasSubstr("TXID"));
    EXPECT_THAT(with([](Header& h) { h.wal_offset = -1; }), HasSubstr("negative"));
    EXPECT_THAT(with([](Header& h) { h.wal_offset = 0; }), HasSubstr("without a WAL offset"));
    EXPECT_THAT(with([](Header& h) { h.pre_apply_checksum = 1; }), HasSubstr("pre-apply"));
    EXPECT_THAT(with([](Header& h) { h.flags = 0; }), HasSubstr("no pre-apply"));
    EXPECT_EQ(with([](Header& h) {
                  h.flags = 0;
                  h.pre_apply_checksum = checksum_flag | 5;
              }),
              "valid");
}

TEST(LtxDecoder, TakesTheFileInPiecesOfAnySize) {
    const auto with = std::vector<Page>{{1, page(1)}, {2, noise(2)}, {3, Bytes(size)}};
    const Bytes bytes = encoded(snapshot(3), with);
    for (const std::size_t piece : {1U, 2U, 3U, 7U, 99U, 100U, 101U, 4096U}) {
        Decoder decoder;
        std::vector<Page> got;
        for (std::size_t at = 0; at < bytes.size(); at += piece) {
            EXPECT_FALSE(decoder.finish());
            const auto part = ByteView{bytes}.subspan(at, std::min(piece, bytes.size() - at));
            const auto fed = decoder.feed(part, [&got](std::uint32_t number, ByteView view) {
                got.push_back({number, {view.begin(), view.end()}});
                return Result<void>{};
            });
            ASSERT_TRUE(fed) << fed.error().message;
        }
        EXPECT_TRUE(decoder.finish());
        EXPECT_EQ(got, with) << piece;
    }
}

TEST(LtxDecoder, AnErrorOfTheSinkComesBackAsItIs) {
    const Bytes bytes = encoded(snapshot(3), pages({1, 2, 3}));
    Decoder decoder;
    const PageSink full = [](std::uint32_t, ByteView) -> Result<void> {
        return error(Errc::unavailable, "disk full");
    };
    EXPECT_EQ(decoder.feed(bytes, full).error(), error(Errc::unavailable, "disk full"));
    EXPECT_EQ(decoder.finish().error(), error(Errc::unavailable, "disk full"));
}

TEST(LtxDecoder, NeverReturnsOtherPagesForAFlippedBit) {
    const Bytes good = encoded(snapshot(3), {{1, page(1)}, {2, noise(2)}, {3, Bytes(size)}});
    const auto original = decode(good);
    ASSERT_TRUE(original);
    for (std::size_t at = 0; at < good.size(); ++at) {
        for (unsigned bit = 0; bit < 8; ++bit) {
            Bytes bad = good;
            bad[at] ^= static_cast<std::byte>(1U << bit);
            const auto file = decode(bad);
            // The checksum covers uncompressed pages: a different LZ4 match may encode the same
            // page.
            if (file) {
                ASSERT_EQ(file->pages, original->pages) << "byte " << at << " bit " << bit;
                ASSERT_EQ(file->header, original->header);
            } else {
                ASSERT_EQ(file.error().code, Errc::corrupt);
            }
        }
    }
}

TEST(LtxDecoder, NoticesAFileCutOffAnywhereAndBytesAfterIt) {
    Bytes good = encoded(snapshot(2), pages({1, 2}));
    for (std::size_t length = 0; length < good.size(); ++length)
        ASSERT_THAT(corrupt(ByteView{good}.first(length)), HasSubstr("cut off")) << length;
    good.push_back(std::byte{0});
    EXPECT_THAT(corrupt(good), HasSubstr("bytes after the end"));
}

/// A file in the form of newer Litestreams, which we read but do not write.
Bytes block_form(const Header& header, std::uint32_t number, ByteView block, ByteView data) {
    Bytes out = encode_header(header);
    Bytes hashed = out;
    const auto both = [&](ByteView bytes) {
        out.insert(out.end(), bytes.begin(), bytes.end());
        hashed.insert(hashed.end(), bytes.begin(), bytes.end());
    };
    Bytes field;
    append_be(field, number);
    append_be(field, std::uint16_t{1});
    append_be(field, static_cast<std::uint32_t>(block.size()));
    both(field);
    out.insert(out.end(), block.begin(), block.end());
    hashed.insert(hashed.end(), data.begin(), data.end());
    both(Bytes(6));
    // The index has one entry, at byte 100; every number here is below 2^14.
    const auto varint = [](Bytes& to, std::size_t value) {
        for (; value >= 0x80; value >>= 7U)
            to.push_back(static_cast<std::byte>(value | 0x80U));
        to.push_back(static_cast<std::byte>(value));
    };
    Bytes index;
    varint(index, number);
    varint(index, 100);
    varint(index, 10 + block.size());
    varint(index, 0);
    append_be(index, std::uint64_t{index.size()});
    both(index);
    both(Bytes(8));
    out.resize(out.size() + 8);
    seal(out, hashed);
    return out;
}

/// An LZ4 block of literals: token 15, then length bytes of 255 and the remainder.
Bytes literal_block(ByteView data) {
    Bytes block{std::byte{0xf0}};
    std::size_t rest = data.size() - 15;
    for (; rest >= 255; rest -= 255)
        block.push_back(std::byte{255});
    block.push_back(static_cast<std::byte>(rest));
    block.insert(block.end(), data.begin(), data.end());
    return block;
}

TEST(LtxDecoder, ReadsPagesInBlockForm) {
    const Bytes data = noise(3);
    const auto file = decode(block_form(incremental(), 3, literal_block(data), data));
    ASSERT_TRUE(file) << file.error().message;
    EXPECT_EQ(file->pages, (std::vector<Page>{{3, data}}));
}

TEST(LtxDecoder, RefusesABlockThatIsNotOnePage) {
    const Bytes shorter = noise(3, size - 1);
    EXPECT_THAT(corrupt(block_form(incremental(), 3, literal_block(shorter), shorter)),
                HasSubstr("511 bytes of 512"));
    const Bytes longer = noise(3, size + 1);
    EXPECT_THAT(corrupt(block_form(incremental(), 3, literal_block(longer), longer)),
                HasSubstr("broken LZ4 block"));
    EXPECT_THAT(corrupt(block_form(incremental(), 3, Bytes(9000), shorter)),
                HasSubstr("a block of 9000 bytes"));
    EXPECT_THAT(corrupt(block_form(incremental(), 3, {}, {})), HasSubstr("a block of 0 bytes"));
}

TEST(LtxDecoder, RefusesAPageThatDoesNotBelong) {
    const Bytes data = noise(3);
    const Bytes block = literal_block(data);
    Header wide = incremental();
    EXPECT_THAT(corrupt(block_form(wide, 21, block, data)), HasSubstr("of a database of 20"));
    EXPECT_THAT(corrupt(block_form(snapshot(3), 2, block, data)), HasSubstr("lacks page 1"));
    EXPECT_THAT(corrupt(block_form(snapshot(3), 1, block, data)), HasSubstr("ends before page 2"));
    EXPECT_TRUE(decode(block_form(snapshot(1), 1, block, data)));
    wide.commit = 2097153;
    EXPECT_THAT(corrupt(block_form(wide, 2097153, block, data)), HasSubstr("lock page"));
}

TEST(LtxDecoder, RefusesPagesOutOfOrderThoughEveryChecksumIsRight) {
    // Two files of one page each, spliced: page 9 before page 3.
    const Bytes nine = encoded(incremental(), pages({9}));
    const Bytes three = encoded(incremental(), pages({3}));
    const auto frame_end = [](const Bytes& file) {
        const auto index = load_be<std::uint64_t>(ByteView{file}.subspan(file.size() - 24));
        return static_cast<std::ptrdiff_t>(file.size() - 24 - index - 6);
    };
    Bytes spliced(nine.begin(), nine.begin() + frame_end(nine));
    spliced.insert(spliced.end(), three.begin() + 100, three.end());
    EXPECT_THAT(corrupt(spliced), HasSubstr("page 3 after page 9"));
}

TEST(LtxDecoder, ComparesTheIndexWithThePages) {
    const Bytes data = noise(3);
    const Bytes block = literal_block(data);
    Bytes bytes = block_form(incremental(), 3, block, data);
    // The entry's offset 100 becomes 101; the file checksum is corrected.
    const std::size_t index = 100 + 10 + block.size() + 6;
    ASSERT_EQ(bytes[index + 1], std::byte{100});
    bytes[index + 1] = std::byte{101};
    Bytes hashed(bytes.begin(), bytes.begin() + 110);
    hashed.insert(hashed.end(), data.begin(), data.end());
    hashed.insert(hashed.end(),
                  bytes.begin() + static_cast<std::ptrdiff_t>(110 + block.size()),
                  bytes.end() - 8);
    seal(bytes, hashed);
    EXPECT_THAT(corrupt(bytes), HasSubstr("index disagrees"));
}

}  // namespace
}  // namespace model::ltx
