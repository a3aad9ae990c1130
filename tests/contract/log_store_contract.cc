// The contract of every LogStore.
#include <gtest/gtest.h>

#include <atomic>

#include "tests/contract/store_world.h"
#include "tests/support/eventually.h"
#include "tests/support/result.h"

namespace contract {
namespace {

using model::as_bytes;
using model::ByteView;
using model::Errc;
using model::ObjectMeta;
using model::Sequence;
using model::StoredMeta;
using model::to_text;
using test_support::code_of;
using test_support::eventually;

class LogStoreContract : public StoreContract {
protected:
    ObjectMeta object(const std::string& name, const std::string& nuid, std::uint64_t size) {
        return {.name = name,
                .nuid = nuid,
                .size = size,
                .chunks = size > 0 ? 1U : 0U,
                .digest = size > 0 ? "SHA-256=x" : "",
                .headers = {{"Litestream-Timestamp", "2026-01-01T00:00:00Z"}},
                .metadata = {{"epoch", "3"}}};
    }
    /// The newest meta with this name, found by reading all of them.
    static std::optional<StoredMeta> find(reconcilers::ports::LogStore& log,
                                          const std::string& name) {
        std::optional<StoredMeta> newest;
        for (auto next = log.next_meta(Sequence{}).value(); next;
             next = log.next_meta(next->sequence.next()).value()) {
            if (next->meta.name == name) newest = next;
        }
        return newest;
    }
};
INSTANTIATE_TEST_SUITE_P(All, LogStoreContract, testing::ValuesIn(worlds), world_name);

TEST_P(LogStoreContract, AnEmptyStreamHasNothing) {
    const auto log = world_->log("b");
    const auto state = log->state();
    ASSERT_TRUE(state) << state.error().message;
    EXPECT_FALSE(state->created.empty());
    EXPECT_EQ(state->last, Sequence{0});
    EXPECT_FALSE(log->next_meta(Sequence{}).value());
    EXPECT_FALSE(log->next_meta(Sequence{1}).value());
    EXPECT_FALSE(log->next_chunk("nuid", Sequence{}).value());
}

TEST_P(LogStoreContract, AnObjectComesBackAsItWasWritten) {
    const auto log = world_->log("b");
    const auto nuid = log->new_nuid();
    const std::string first = "first";
    const std::string second(100'000, 'x');
    const auto last = log->publish_chunks(nuid, {as_bytes(first), as_bytes(second)}, Sequence{0});
    ASSERT_TRUE(last) << last.error().message;
    EXPECT_EQ(*last, Sequence{2});
    EXPECT_FALSE(log->next_meta(Sequence{}).value()) << "invisible without its meta";

    auto meta = object("ltx/0/a", nuid, 100'005);
    const auto stored = log->publish_meta(meta, *last);
    ASSERT_TRUE(stored) << stored.error().message;
    EXPECT_EQ(*stored, Sequence{3});

    const auto found = log->next_meta(Sequence{});
    ASSERT_TRUE(found && *found);
    EXPECT_EQ((*found)->sequence, Sequence{3});
    EXPECT_EQ((*found)->meta, meta);
    EXPECT_GT((*found)->stored_at.ms, 0);
    EXPECT_EQ(find(*log, "ltx/0/a"), *found);

    const auto one = log->next_chunk(nuid, Sequence{});
    ASSERT_TRUE(one && *one);
    EXPECT_EQ((*one)->sequence, Sequence{1});
    EXPECT_EQ(to_text((*one)->data), first);
    const auto two = log->next_chunk(nuid, (*one)->sequence.next());
    ASSERT_TRUE(two && *two);
    EXPECT_EQ(to_text((*two)->data), second);
    EXPECT_FALSE(log->next_chunk(nuid, (*two)->sequence.next()).value());
}

TEST_P(LogStoreContract, AWrongExpectationIsRefusedAndNothingIsStored) {
    const auto log = world_->log("b");
    ASSERT_TRUE(log->publish_meta(object("a", "n1", 0), Sequence{0}));
    for (const auto wrong : {Sequence{0}, Sequence{2}}) {
        EXPECT_EQ(code_of(log->publish_meta(object("b", "n2", 0), wrong)), Errc::conflict);
        EXPECT_EQ(code_of(log->publish_chunks("n3", {as_bytes("x")}, wrong)), Errc::conflict);
    }
    EXPECT_EQ(log->state().value().last, Sequence{1});
    EXPECT_FALSE(find(*log, "b"));
    EXPECT_FALSE(log->next_chunk("n3", Sequence{}).value());
    EXPECT_TRUE(log->publish_meta(object("b", "n2", 0), Sequence{1}));
}

// defects.md C17
TEST_P(LogStoreContract, AMarkerExpectsNothingAndFencesWhoWroteBefore) {
    const auto old_writer = world_->log("b");
    const auto new_writer = world_->log("b");
    ASSERT_TRUE(old_writer->publish_chunks("n1", {as_bytes("x")}, Sequence{0}));
    const auto marker =
        new_writer->publish_meta(model::to_meta(model::Marker{{7}, "n2"}), std::nullopt);
    ASSERT_TRUE(marker) << marker.error().message;
    EXPECT_EQ(*marker, Sequence{2});
    EXPECT_EQ(code_of(old_writer->publish_meta(object("ltx", "n1", 1), Sequence{1})),
              Errc::conflict);
    const auto entry = model::to_entry((**old_writer->next_meta(Sequence{})).meta);
    EXPECT_EQ(entry.kind, model::LogEntry::Kind::marker);
    EXPECT_EQ(entry.marker, (model::Marker{{7}, "n2"}));
}

TEST_P(LogStoreContract, AChunkOfSomebodyElseInBetweenIsAConflict) {
    const auto log = world_->log("b");
    ASSERT_TRUE(log->publish_chunks("n1", {as_bytes("x")}, Sequence{0}));
    world_->publish_chunk("b", "stranger", as_bytes("y"));
    EXPECT_EQ(code_of(log->publish_chunks("n1", {as_bytes("z")}, Sequence{1})), Errc::conflict);
    EXPECT_EQ(code_of(log->publish_meta(object("a", "n1", 1), Sequence{1})), Errc::conflict);
    EXPECT_TRUE(log->publish_meta(object("a", "n1", 1), Sequence{2}));
}

// nats.md 4.2: a message after a refused one may be accepted; the caller must learn of the refusal.
TEST_P(LogStoreContract, APipelineThatIsRefusedInPartIsAConflict) {
    const auto log = world_->log("b");
    ASSERT_TRUE(log->publish_meta(object("a", "n0", 0), Sequence{0}));
    const auto refused =
        log->publish_chunks("n1", {as_bytes("1"), as_bytes("2"), as_bytes("3")}, Sequence{0});
    ASSERT_FALSE(refused);
    EXPECT_EQ(code_of(refused), Errc::conflict);
    EXPECT_FALSE(find(*log, "b"));
}

TEST_P(LogStoreContract, NextMetaSkipsChunksAndGaps) {
    const auto log = world_->log("b");
    auto last = log->publish_meta(object("a", "n1", 0), Sequence{0}).value();        // 1
    last = log->publish_chunks("n2", {as_bytes("x"), as_bytes("y")}, last).value();  // 2 3
    last = log->publish_meta(object("b", "n2", 2), last).value();                    // 4
    last = log->publish_meta(object("c", "n3", 0), last).value();                    // 5
    last = log->publish_meta(object("d", "n4", 0), last).value();                    // 6
    ASSERT_TRUE(log->erase(Sequence{4}));
    ASSERT_TRUE(log->erase(Sequence{5}));
    const auto name_from = [&](std::uint64_t from) {
        const auto meta = log->next_meta(Sequence{from}).value();
        return meta ? meta->meta.name : std::string{"-"};
    };
    EXPECT_EQ(name_from(0), "a");
    EXPECT_EQ(name_from(1), "a");
    EXPECT_EQ(name_from(2), "d");
    EXPECT_EQ(name_from(6), "d");
    EXPECT_EQ(name_from(7), "-");
    EXPECT_EQ(name_from(1000), "-");
    EXPECT_FALSE(find(*log, "b"));
    EXPECT_EQ(log->state().value().last, Sequence{6});
}

TEST_P(LogStoreContract, ErasingTheNewestMessageDoesNotMoveTheEnd) {
    const auto log = world_->log("b");
    ASSERT_TRUE(log->publish_meta(object("a", "n1", 0), Sequence{0}));
    ASSERT_TRUE(log->publish_meta(object("b", "n2", 0), Sequence{1}));
    ASSERT_TRUE(log->erase(Sequence{2}));
    EXPECT_EQ(log->state().value().last, Sequence{2});
    EXPECT_EQ(log->publish_meta(object("c", "n3", 0), Sequence{2}).value(), Sequence{3});
}

TEST_P(LogStoreContract, ErasingWhatIsAbsentIsSuccess) {
    const auto log = world_->log("b");
    ASSERT_TRUE(log->publish_meta(object("a", "n1", 0), Sequence{0}));
    ASSERT_TRUE(log->publish_meta(object("b", "n2", 0), Sequence{1}));
    ASSERT_TRUE(log->erase(Sequence{1}));
    EXPECT_EQ(log->state().value().first, Sequence{2});
    for (const auto sequence : {Sequence{1}, Sequence{3}, Sequence{1000}}) {
        const auto erased = log->erase(sequence);
        EXPECT_TRUE(erased) << sequence.value << ": " << erased.error().message;
    }
    EXPECT_TRUE(find(*log, "b"));
}

TEST_P(LogStoreContract, ATombstoneIsAMeta) {
    const auto log = world_->log("b");
    ASSERT_TRUE(log->publish_meta(object("a", "n1", 0), Sequence{0}));
    world_->publish_meta("b", {.name = "a", .nuid = "n1", .deleted = true}, true);
    const auto found = find(*log, "a");
    ASSERT_TRUE(found);
    EXPECT_TRUE(found->meta.deleted);
    EXPECT_EQ(found->sequence, Sequence{2});
    EXPECT_EQ(log->next_meta(Sequence{}).value()->sequence, Sequence{2}) << "rolled up";
}

TEST_P(LogStoreContract, ObjectsThatOthersRolledUpAreReadWithoutALoss) {
    const auto log = world_->log("b");
    for (int i = 0; i < 50; ++i) {
        world_->publish_chunk("b", "n" + std::to_string(i), as_bytes("x"));
        world_->publish_meta(
            "b", object("o" + std::to_string(i % 25), "n" + std::to_string(i), 1), true);
    }
    std::vector<std::string> nuids;
    Sequence from;
    while (const auto meta = log->next_meta(from).value()) {
        nuids.push_back(meta->meta.nuid);
        from = meta->sequence.next();
    }
    ASSERT_EQ(nuids.size(), 25U);
    for (int i = 0; i < 25; ++i)
        EXPECT_EQ(nuids[static_cast<std::size_t>(i)], "n" + std::to_string(25 + i));
    EXPECT_EQ(find(*log, "o3")->meta.nuid, "n28");
}

TEST_P(LogStoreContract, AnUnreadableMetaHasNoNameButItsSequence) {
    const auto log = world_->log("b");
    for (const auto* text : {"", "not json", "[1]", R"({"size":3})", R"({"name":7})"})
        world_->publish_unreadable_meta("b", std::string{"bad"} + text, text);
    world_->publish_meta("b", object("good", "n1", 0), false);
    for (std::uint64_t sequence = 1; sequence <= 5; ++sequence) {
        const auto meta = log->next_meta(Sequence{sequence}).value();
        ASSERT_TRUE(meta);
        EXPECT_EQ(meta->sequence, Sequence{sequence});
        EXPECT_EQ(meta->meta.name, "");
    }
    EXPECT_EQ(log->next_meta(Sequence{6}).value()->meta.name, "good");
}

TEST_P(LogStoreContract, NamesMayHaveAnyCharacters) {
    const auto log = world_->log("b");
    Sequence last;
    for (const auto* name : {"a b", "*", ">", "a.b.>", "ünï/çödé", "\"quoted\"\\", "?>~", "\x01"}) {
        const auto meta = object(name, "n1", 0);
        const auto stored = log->publish_meta(meta, last);
        ASSERT_TRUE(stored) << name << ": " << stored.error().message;
        last = *stored;
        const auto found = find(*log, name);
        ASSERT_TRUE(found) << name;
        EXPECT_EQ(found->meta, meta);
        EXPECT_EQ(found->sequence, last);
    }
    EXPECT_EQ(code_of(log->publish_meta(object("", "n1", 0), last)), Errc::invalid);
}

TEST_P(LogStoreContract, ALargeObjectTakesSeveralPipelines) {
    const auto log = world_->log("b");
    const std::string piece(128 * 1024, 'p');
    const std::vector<ByteView> full(64, as_bytes(piece));
    Sequence last;
    for (int i = 0; i < 2; ++i) {
        const auto stored = log->publish_chunks("n1", full, last);
        ASSERT_TRUE(stored) << stored.error().message;
        last = *stored;
    }
    EXPECT_EQ(last, Sequence{128});
    std::uint64_t bytes = 0;
    Sequence from;
    while (const auto chunk = log->next_chunk("n1", from).value()) {
        EXPECT_EQ(to_text(chunk->data), piece);
        bytes += chunk->data.size();
        from = chunk->sequence.next();
    }
    EXPECT_EQ(bytes, 128 * piece.size());

    const std::vector<ByteView> too_many(65, as_bytes("x"));
    EXPECT_EQ(code_of(log->publish_chunks("n2", too_many, last)), Errc::invalid);
    const std::string too_large(128 * 1024 + 1, 'x');
    EXPECT_EQ(code_of(log->publish_chunks("n2", {as_bytes(too_large)}, last)), Errc::invalid);
    EXPECT_EQ(log->state().value().last, last);
}

TEST_P(LogStoreContract, NoPiecesAreStoredAsNothing) {
    const auto log = world_->log("b");
    EXPECT_EQ(log->publish_chunks("n1", {}, Sequence{0}).value(), Sequence{0});
    EXPECT_EQ(log->state().value().last, Sequence{0});
}

TEST_P(LogStoreContract, NuidsAreTwentyTwoCharactersAndDiffer) {
    const auto log = world_->log("b");
    const auto a = log->new_nuid();
    EXPECT_EQ(a.size(), 22U);
    EXPECT_EQ(a.find_first_not_of("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"),
              std::string::npos);
    EXPECT_NE(a, log->new_nuid());
}

TEST_P(LogStoreContract, DigestsAreThoseOfTheObjectStore) {
    const auto log = world_->log("b");
    // Of empty contents, as nats.go writes it.
    EXPECT_EQ(log->new_digest()->finish(), "SHA-256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU=");
    const auto whole = log->new_digest();
    whole->update(as_bytes("abc"));
    const auto parts = log->new_digest();
    for (const auto* part : {"a", "", "bc"})
        parts->update(as_bytes(part));
    const auto digest = whole->finish();
    EXPECT_EQ(digest, "SHA-256=ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0=");
    EXPECT_EQ(parts->finish(), digest);
}

TEST_P(LogStoreContract, WakesAfterAMeta) {
    const auto writer = world_->log("b");
    const auto reader = world_->log("b");
    std::atomic<int> woken = 0;
    reader->on_change([&] { ++woken; });
    Sequence last;
    for (int i = 0; i < 5; ++i) {
        const auto stored = writer->publish_meta(object("a", "n", 0), last);
        ASSERT_TRUE(stored);
        EXPECT_TRUE(eventually(
            [&] { return woken > 0 && reader->next_meta(*stored).value().has_value(); }));
        last = *stored;
        woken = 0;
    }
}

TEST_P(LogStoreContract, ARestartOfTheServerKeepsTheLogAndGrowsTheGeneration) {
    const auto log = world_->log("b");
    ASSERT_TRUE(log->publish_meta(object("a", "n1", 0), Sequence{0}));
    ASSERT_TRUE(log->publish_meta(object("b", "n1", 0), Sequence{1}));
    const auto before = log->state().value();
    const auto generation = log->connection_generation();
    world_->restart();
    ASSERT_TRUE(eventually([&] { return log->connection_generation() > generation; }));
    ASSERT_TRUE(eventually([&] { return log->state().has_value(); }));
    EXPECT_EQ(log->state().value(), before);
    EXPECT_EQ(log->publish_meta(object("c", "n1", 0), Sequence{2}).value(), Sequence{3});
}

}  // namespace
}  // namespace contract
