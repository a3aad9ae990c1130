// The records on disk: read back exactly, or refused.
#include "reconcilers/replica/records.h"

#include <gtest/gtest.h>

namespace reconcilers::replica {
namespace {

ReplicaProgress full_progress() {
    ReplicaProgress progress{.count = 7, .boot_id = "boot"};
    progress.log = {
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
    progress.copy = Copy{.position = {.tenure = {4}, .txid = {14}},
                         .nuid = "nuid",
                         .clean = false,
                         .applying = "next"};
    return progress;
}

TEST(ReplicaRecords, ProgressSurvivesItsBytes) {
    const auto progress = full_progress();
    const auto read = decode_progress(encode(progress));
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(*read, progress);
    EXPECT_EQ(*decode_progress(encode(ReplicaProgress{})), ReplicaProgress{});
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
    const auto bytes = encode(full_progress());
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        EXPECT_FALSE(decode_progress(model::ByteView{bytes}.subspan(0, size))) << size;
    }
}

/// A record with a valid checksum but a body that our writer does not produce.
model::Bytes sealed(const std::string& body) {
    std::uint64_t hash = 14695981039346656037U;
    for (const char c : body)
        hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211U;
    return model::to_bytes(body + "end " + model::to_hex16(hash) + "\n");
}

TEST(ReplicaRecords, NothingFollowsARecordOrStandsInItsLastLine) {
    EXPECT_TRUE(decode_tenure(sealed("tenure 1\ntenure 8\n")));
    EXPECT_FALSE(decode_tenure(sealed("tenure 1\ntenure 8")));
    auto longer = encode(model::Tenure{8});
    longer.push_back(std::byte{'x'});
    EXPECT_FALSE(decode_tenure(longer));
    EXPECT_FALSE(decode_tenure({}));
}

TEST(ReplicaRecords, ATenureHasAStartAndAMoveATarget) {
    EXPECT_TRUE(decode_progress(sealed("progress 1\nopenedEpoch 5\ntenure 4 12\n")));
    EXPECT_FALSE(decode_progress(sealed("progress 1\nopenedEpoch 5\ntenure 4\n")));
    EXPECT_FALSE(decode_progress(sealed("progress 1\nopenedEpoch 5\ntenure 4 x\n")));
    EXPECT_TRUE(decode_intent(sealed("intent 1\nmove a\tb\n")));
    EXPECT_FALSE(decode_intent(sealed("intent 1\nmove a\n")));
}

// A path is chosen by the user, and a name in the log by any client that may write to it.
TEST(ReplicaRecords, AnyTextSurvives) {
    const std::string texts[] = {"a\nlast 7\n", "\t", "a\\", "\\n\\\\t\\x", "\n", " end ", ""};
    for (const auto& text : texts) {
        auto progress = full_progress();
        progress.boot_id = progress.log.at = progress.log.marker_node = text;
        progress.log.stream_created = progress.log.last_nuid = progress.copy->applying = text;
        EXPECT_EQ(*decode_progress(encode(progress)), progress) << text;
        const Intent intent{.nuid = text, .moves = {{text, "x" + text}, {text + "x", text}}};
        EXPECT_EQ(*decode_intent(encode(intent)), intent) << text;
    }
    // As earlier versions wrote it.
    EXPECT_EQ(decode_intent(sealed("intent 1\nmove /a\\b\t/c\n"))->moves.front().first, "/a\\b");
}

TEST(ReplicaRecords, ARecordWithOneChangedByteIsRefused) {
    const auto bytes = encode(full_progress());
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        auto changed = bytes;
        changed[i] ^= std::byte{1};
        EXPECT_FALSE(decode_progress(changed)) << i;
    }
}

TEST(ReplicaRecords, OneKindIsNeverReadAsAnother) {
    EXPECT_FALSE(decode_intent(encode(full_progress())));
    EXPECT_FALSE(decode_tenure(encode(CheckpointRecord{})));
    EXPECT_EQ(*decode_tenure(encode(model::Tenure{8})), model::Tenure{8});
}

}  // namespace
}  // namespace reconcilers::replica
