#include "model/object.h"

#include <gtest/gtest.h>

namespace model {
namespace {

TEST(Object, NamesAnLtxFileAsLitestreamDoes) {
    EXPECT_EQ(ltx_name(9, Txid{1}, Txid{0xabcdef}), "ltx/9/0000000000000001-0000000000abcdef.ltx");
}

TEST(Object, FactsOfALevelZeroFileSurviveTheMeta) {
    const LtxObject object{
        .level = 0,
        .min = {7},
        .max = {7},
        .epoch = {3},
        .tenure = {2},
        .prev = "nuid",
        .l0_nuid = {},
        .l0_sequence = {},
        .wal_end = WalPosition{
            .salt1 = 4294967295, .salt2 = 2, .frames = 3, .checksum1 = 4, .checksum2 = 5}};
    const auto entry = to_entry(to_meta(object));
    ASSERT_EQ(entry.kind, LogEntry::Kind::ltx);
    EXPECT_EQ(entry.ltx, object);
}

TEST(Object, APlaceInTheWalThatIsNotReadableIsNone) {
    for (const auto* text :
         {"", "1 2 3 4", "1 2 3 4 5 6", "1 2 3 4 5 ", "1 2 3 4 4294967296", "a"}) {
        auto meta = to_meta(LtxObject{.level = 0, .min = {7}, .max = {7}, .epoch = {3}});
        meta.metadata["walEnd"] = text;
        const auto entry = to_entry(meta);
        ASSERT_EQ(entry.kind, LogEntry::Kind::ltx);
        EXPECT_FALSE(entry.ltx.wal_end) << text;
    }
}

TEST(Object, FactsOfOpenedSurviveTheMeta) {
    const Opened opened{
        .epoch = {5}, .tenure = {4}, .start = {77}, .history = {{{2}, {1}}, {{4}, {77}}}};
    const auto entry = to_entry(to_meta(opened));
    ASSERT_EQ(entry.kind, LogEntry::Kind::opened);
    EXPECT_EQ(entry.opened, opened);
}

TEST(Object, MarkerSurvivesTheMeta) {
    const auto entry = to_entry(to_meta(Marker{.epoch = {5}, .node = "n.1"}));
    ASSERT_EQ(entry.kind, LogEntry::Kind::marker);
    EXPECT_EQ(entry.marker, (Marker{.epoch = {5}, .node = "n.1"}));
}

TEST(Object, AFactThatBelongsToAnotherLevelIsNotRead) {
    for (const int level : {0, 1, 9}) {
        const LtxObject object{.level = level,
                               .min = {1},
                               .max = {2},
                               .epoch = {3},
                               .tenure = {3},
                               .prev = level == 0 ? "p" : "",
                               .l0_nuid = level == 0 ? "" : "q",
                               .l0_sequence = {level == 0 ? 0U : 7U}};
        auto meta = to_meta(object);
        meta.metadata.insert({{"prev", "x"}, {"l0Nuid", "x"}, {"l0Seq", "8"}});
        EXPECT_EQ(to_entry(meta).ltx, object) << level;
    }
}

TEST(Object, AFileOfAnotherToolHasEpochZero) {
    const auto entry = to_entry({.name = "ltx/1/0000000000000002-0000000000000009.ltx"});
    ASSERT_EQ(entry.kind, LogEntry::Kind::ltx);
    EXPECT_EQ(entry.ltx.epoch, Epoch{0});
    EXPECT_EQ(entry.ltx.max, Txid{9});
}

TEST(Object, WhatIsNotUnderstoodIsOtherAndNothingMore) {
    for (const auto* name : {"",
                             "lease/owner",
                             "ltx/0/garbage.txt",
                             "ltx/10/0000000000000001-0000000000000001.ltx",
                             "ltx/00/0000000000000001-0000000000000001.ltx",
                             "ltx/x/0000000000000001-0000000000000001.ltx",
                             "ltx/0/0000000000000002-0000000000000001.ltx",
                             "ltx/0/0000000000000000-0000000000000001.ltx",
                             "ltx/0/000000000000000A-000000000000000B.ltx",
                             "epoch/1",
                             "epoch/00000000000000zz"}) {
        EXPECT_EQ(to_entry({.name = name}).kind, LogEntry::Kind::other) << name;
    }
    auto broken = to_meta(Opened{.epoch = {1}, .tenure = {1}});
    broken.metadata["history"] = "[[1,2],]x";
    EXPECT_EQ(to_entry(broken).kind, LogEntry::Kind::other);
}

TEST(Object, ATombstoneIsOther) {
    auto meta = to_meta(Marker{.epoch = {5}, .node = "n1"});
    meta.deleted = true;
    EXPECT_EQ(to_entry(meta).kind, LogEntry::Kind::other);
}

}  // namespace
}  // namespace model
