// The records on disk: whole or not at all.
#include "reconcilers/replica/records.h"

#include <gtest/gtest.h>

namespace reconcilers::replica {
namespace {

Standing full_standing() {
    Standing standing{.count = 7, .boot_id = "boot"};
    standing.log = {
        .stream_created = "2026-01-01T00:00:00Z",
        .sequence = {99},
        .at = "ltx/0/a nuid",
        .marker = {5},
        .marker_node = "n.1",
        .marker_at = {90},
        .opened =
            model::Opened{
                .epoch = {5}, .tenure = {4}, .start = {12}, .history = {{{2}, {3}}, {{4}, {12}}}},
        .last = {14},
        .last_nuid = "nuid",
        .last_at = {98},
        .last_end = model::WalPosition{
            .salt1 = 1, .salt2 = 2, .frames = 3, .checksum1 = 4, .checksum2 = 5}};
    standing.copy = Copy{.position = {.tenure = {4}, .txid = {14}},
                         .nuid = "nuid",
                         .clean = false,
                         .applying = "next"};
    return standing;
}

TEST(ReplicaRecords, AStandingSurvivesItsBytes) {
    const auto standing = full_standing();
    const auto read = decode_standing(encode(standing));
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(*read, standing);
    EXPECT_EQ(*decode_standing(encode(Standing{})), Standing{});
}

TEST(ReplicaRecords, AnIntentSurvivesItsBytesWithItsOrder) {
    const Intent intent{.kind = Intent::Kind::set_aside,
                        .position = {.tenure = {4}, .txid = {14}},
                        .nuid = "n",
                        .moves = {{"/a b/x-wal", "/a b/y-wal"}, {"/a b/x", "/a b/y"}}};
    EXPECT_EQ(*decode_intent(encode(intent)), intent);
}

TEST(ReplicaRecords, AStagedFileSurvivesItsBytes) {
    const Staged staged{.txid = {9},
                        .nuid = "abc",
                        .to = {.salt1 = 1, .salt2 = 4294967295, .frames = 3, .checksum1 = 4},
                        .ltx = model::to_bytes("bytes\nwith\nlines")};
    EXPECT_EQ(*decode_staged({9}, "abc", encode_staged(staged)), staged);
    EXPECT_EQ(parse_staged_name(staged_name({9}, "abc")),
              (std::pair{model::Txid{9}, std::string{"abc"}}));
    EXPECT_FALSE(parse_staged_name(".0000000000000009-abc.staged.tmp"));
}

TEST(ReplicaRecords, ACaptureSentUnderAnotherNameIsKnownByItsPlaceInTheWal) {
    LogState log;
    log.last = {9};
    log.last_nuid = "renamed";
    log.last_end = model::WalPosition{.salt1 = 1, .frames = 3};
    EXPECT_TRUE(same_capture({.txid = {9}, .nuid = "renamed", .to = {}, .ltx = {}}, log));
    EXPECT_TRUE(same_capture(
        {.txid = {9}, .nuid = "first", .to = {.salt1 = 1, .frames = 3}, .ltx = {}}, log));
    EXPECT_FALSE(same_capture(
        {.txid = {9}, .nuid = "first", .to = {.salt1 = 1, .frames = 4}, .ltx = {}}, log));
    EXPECT_FALSE(same_capture(
        {.txid = {8}, .nuid = "renamed", .to = {.salt1 = 1, .frames = 3}, .ltx = {}}, log));
}

TEST(ReplicaRecords, ARecordCutOffAnywhereIsRefused) {
    const auto bytes = encode(full_standing());
    for (std::size_t size = 0; size < bytes.size() - 1; ++size) {
        EXPECT_FALSE(decode_standing(model::ByteView{bytes}.subspan(0, size))) << size;
    }
}

TEST(ReplicaRecords, ARecordWithOneChangedByteIsRefused) {
    const auto bytes = encode(full_standing());
    for (std::size_t i = 0; i < bytes.size() - 1; ++i) {
        auto changed = bytes;
        changed[i] ^= std::byte{1};
        EXPECT_FALSE(decode_standing(changed)) << i;
    }
}

TEST(ReplicaRecords, OneKindIsNeverReadAsAnother) {
    EXPECT_FALSE(decode_intent(encode(full_standing())));
    EXPECT_FALSE(decode_tenure(encode(Settled{})));
    EXPECT_EQ(*decode_tenure(encode(model::Tenure{8})), model::Tenure{8});
}

}  // namespace
}  // namespace reconcilers::replica
