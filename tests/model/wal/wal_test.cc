#include "model/wal/wal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "model/big_endian.h"
#include "model/wal/index.h"

namespace model::wal {
namespace {

using ::testing::HasSubstr;

void append_checksum(Bytes& out, Checksum sum) {
    append_be(out, sum.first);
    append_be(out, sum.second);
}

Bytes header_bytes(WordOrder order) {
    Bytes out;
    append_be(out, order == WordOrder::big ? 0x377f0683U : 0x377f0682U);
    append_be(out, 3007000U);
    append_be(out, 512U);
    append_be(out, 4U);
    append_be(out, 0x11111111U);
    append_be(out, 0x22222222U);
    append_checksum(out, chain({}, out, order));
    return out;
}

Bytes frame_bytes(std::uint32_t page, std::uint32_t commit, Checksum before, WordOrder order) {
    Bytes start;
    append_be(start, page);
    append_be(start, commit);
    const Bytes data(512, static_cast<std::byte>(page));
    Bytes out = start;
    append_be(out, 0x11111111U);
    append_be(out, 0x22222222U);
    append_checksum(out, chain(chain(before, start, order), data, order));
    out.insert(out.end(), data.begin(), data.end());
    return out;
}

// Computed by hand: words 1, 2, 3, 4.
TEST(WalChecksum, AddsWordsInTheOrderOfTheMagic) {
    Bytes big;
    for (const std::uint32_t word : {1U, 2U, 3U, 4U})
        append_be(big, word);
    // s0 = 1, s1 = 2 + 1 = 3; s0 = 1 + 3 + 3 = 7, s1 = 3 + 4 + 7 = 14.
    EXPECT_EQ(chain({}, big, WordOrder::big), (Checksum{7, 14}));
    EXPECT_EQ(chain({}, big, WordOrder::little), (Checksum{0x07000000, 0x0e000000}));
    EXPECT_EQ(chain({1, 1}, big, WordOrder::big), (Checksum{12, 22}));
}

TEST(WalHeader, IsReadInBothByteOrders) {
    for (const auto order : {WordOrder::little, WordOrder::big}) {
        const auto header = parse_header(header_bytes(order));
        ASSERT_TRUE(header) << header.error().message;
        EXPECT_EQ(header->order, order);
        EXPECT_EQ(header->page_size, 512U);
        EXPECT_EQ(header->sequence, 4U);
        EXPECT_EQ(header->salts, (Salts{0x11111111, 0x22222222}));
    }
}

TEST(WalHeader, RefusesEveryFlippedByteAndAShortOne) {
    const Bytes good = header_bytes(WordOrder::little);
    for (std::size_t at = 0; at < good.size(); ++at) {
        Bytes bad = good;
        bad[at] ^= std::byte{1};
        const auto header = parse_header(bad);
        ASSERT_FALSE(header) << at;
        EXPECT_EQ(header.error().code, Errc::corrupt);
    }
    EXPECT_THAT(parse_header(ByteView{good}.first(31)).error().message, HasSubstr("31 of 32"));
}

TEST(WalChain, FollowsFramesInBothByteOrders) {
    for (const auto order : {WordOrder::little, WordOrder::big}) {
        const auto header = parse_header(header_bytes(order));
        ASSERT_TRUE(header);
        Chain frames{order, header->salts, header->checksum};
        const Bytes one = frame_bytes(7, 0, header->checksum, order);
        const auto first = frames.next(one);
        ASSERT_TRUE(first);
        EXPECT_EQ(first->page, 7U);
        EXPECT_EQ(first->commit, 0U);
        const Bytes two = frame_bytes(3, 9, frames.checksum(), order);
        const auto second = frames.next(two);
        ASSERT_TRUE(second);
        EXPECT_EQ(second->commit, 9U);
        EXPECT_EQ(frames.checksum(), second->checksum);
    }
}

TEST(WalChain, StaysWhereAFrameDoesNotContinueIt) {
    const auto header = parse_header(header_bytes(WordOrder::little));
    ASSERT_TRUE(header);
    Chain frames{header->order, header->salts, header->checksum};
    const Bytes good = frame_bytes(7, 1, header->checksum, header->order);
    for (std::size_t at = 0; at < good.size(); ++at) {
        Bytes bad = good;
        bad[at] ^= std::byte{0x10};
        EXPECT_FALSE(frames.next(bad)) << at;
        EXPECT_EQ(frames.checksum(), header->checksum);
    }
    EXPECT_FALSE(frames.next(Bytes(good.size())));
    EXPECT_TRUE(frames.next(good));
    EXPECT_FALSE(frames.next(good));
}

TEST(WalFrame, LiesWhereTheFormatSays) {
    EXPECT_EQ(frame_offset(1, 4096), 32);
    EXPECT_EQ(frame_offset(2, 4096), 32 + 24 + 4096);
    EXPECT_EQ(frame_offset(2000000, 65536), 32 + 1999999LL * (24 + 65536));
}

/// A wal-index in this machine's byte order.
Bytes index_bytes(std::uint16_t page_size, std::uint32_t backfilled, std::uint32_t frames = 1000) {
    Bytes out(40);
    const auto put = [&out](std::size_t at, auto value) {
        std::memcpy(out.data() + at, &value, sizeof value);
    };
    put(0, std::uint32_t{3007000});
    put(8, std::uint32_t{77});
    put(12, std::uint8_t{1});
    put(14, page_size);
    put(16, frames);
    put(20, std::uint32_t{55});
    put(24, std::uint32_t{123});
    put(28, std::uint32_t{456});
    put(32, __builtin_bswap32(0x11111111U));
    put(36, __builtin_bswap32(0x22223333U));
    const Checksum sum = chain({}, out, WordOrder::little);
    out.resize(48);
    put(40, sum.first);
    put(44, sum.second);
    const Bytes copy = out;
    out.insert(out.end(), copy.begin(), copy.end());
    out.resize(100);
    put(96, backfilled);
    return out;
}

TEST(WalIndex, IsReadWhereBothCopiesAgree) {
    const auto index = parse_index(index_bytes(4096, 900));
    ASSERT_TRUE(index) << index.error().message;
    EXPECT_EQ(index->change, 77U);
    EXPECT_EQ(index->order, WordOrder::little);
    EXPECT_EQ(index->page_size, 4096U);
    EXPECT_EQ(index->frames, 1000U);
    EXPECT_EQ(index->pages, 55U);
    EXPECT_EQ(index->checksum, (Checksum{123, 456}));
    EXPECT_EQ(index->salts, (Salts{0x11111111, 0x22223333}));
    EXPECT_EQ(index->backfilled, 900U);
}

TEST(WalIndex, APageSizeOfOneMeans64KiB) {
    EXPECT_EQ(parse_index(index_bytes(1, 0))->page_size, 65536U);
}

TEST(WalIndex, HasAPageSizeOfSqlitesOrNoFrames) {
    EXPECT_EQ(parse_index(index_bytes(512, 0))->page_size, 512U);
    // As SQLite creates it for an empty WAL.
    EXPECT_EQ(parse_index(index_bytes(0, 0, 0))->page_size, 0U);
    for (const unsigned bad : {0U, 2U, 256U, 513U, 1025U, 65535U}) {
        const auto index = parse_index(index_bytes(static_cast<std::uint16_t>(bad), 0));
        ASSERT_FALSE(index) << bad;
        EXPECT_EQ(index.error().code, Errc::invalid);
    }
    EXPECT_FALSE(parse_index(index_bytes(100, 0, 0)));
}

TEST(WalIndex, IsUnavailableWhileItIsWritten) {
    const Bytes good = index_bytes(4096, 0);
    for (std::size_t at = 0; at < 96; ++at) {
        Bytes bad = good;
        bad[at] ^= std::byte{1};
        const auto index = parse_index(bad);
        ASSERT_FALSE(index) << at;
        EXPECT_EQ(index.error().code, Errc::unavailable);
    }
    // Both copies are equally wrong: the checksum detects it.
    Bytes bad = good;
    bad[16] ^= std::byte{1};
    bad[48 + 16] ^= std::byte{1};
    EXPECT_THAT(parse_index(bad).error().message, HasSubstr("checksum"));
    EXPECT_EQ(parse_index(Bytes(100)).error().code, Errc::unavailable);
    EXPECT_EQ(parse_index(ByteView{good}.first(99)).error().code, Errc::unavailable);
}

}  // namespace
}  // namespace model::wal
