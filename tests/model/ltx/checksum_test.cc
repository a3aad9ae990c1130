#include "model/ltx/checksum.h"

#include <gtest/gtest.h>

namespace model::ltx {
namespace {

Bytes filled(std::size_t size, char c) { return Bytes(size, static_cast<std::byte>(c)); }

TEST(Crc64, HasTheCatalogueCheckValue) {
    Crc64 crc;
    crc.update(as_bytes("123456789"));
    EXPECT_EQ(crc.value(), 0xb90956c775a41001U);
}

TEST(Crc64, IsTheSameInPiecesOfAnyLength) {
    Bytes bytes;
    for (std::size_t i = 0; i < 1000; ++i)
        bytes.push_back(static_cast<std::byte>(i * 31 % 251));
    Crc64 whole;
    whole.update(bytes);
    for (std::size_t piece = 1; piece < 40; ++piece) {
        Crc64 pieces;
        for (std::size_t at = 0; at < bytes.size(); at += piece)
            pieces.update(ByteView{bytes}.subspan(at, std::min(piece, bytes.size() - at)));
        EXPECT_EQ(pieces.value(), whole.value()) << piece;
    }
}

// Vectors from the tests of the ltx library.
TEST(DatabaseChecksum, EqualsTheLibrarysForThreePages) {
    DatabaseChecksum checksum;
    for (const std::uint32_t number : {3U, 1U, 2U})
        checksum.toggle(page_checksum(number, filled(512, static_cast<char>(number))));
    EXPECT_EQ(checksum.value(), 0xefffffffecd99000U);
}

TEST(DatabaseChecksum, EqualsTheLibrarysForOneAndTwoPages) {
    DatabaseChecksum one;
    one.toggle(page_checksum(1, filled(512, '1')));
    EXPECT_EQ(one.value(), 0xeb1a999231044dddU);
    DatabaseChecksum two;
    two.toggle(page_checksum(1, filled(1024, '2')));
    two.toggle(page_checksum(2, filled(1024, '3')));
    EXPECT_EQ(two.value(), 0xe1899b6d587aaaaaU);
}

TEST(DatabaseChecksum, APageThatChangedIsTakenOutAndAdded) {
    DatabaseChecksum changed;
    changed.toggle(page_checksum(1, filled(512, 'a')));
    changed.toggle(page_checksum(2, filled(512, 'b')));
    changed.toggle(page_checksum(2, filled(512, 'b')));
    changed.toggle(page_checksum(2, filled(512, 'c')));
    DatabaseChecksum fresh;
    fresh.toggle(page_checksum(1, filled(512, 'a')));
    fresh.toggle(page_checksum(2, filled(512, 'c')));
    EXPECT_EQ(changed.value(), fresh.value());
}

}  // namespace
}  // namespace model::ltx
