// The contract of every KvStore.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/contract/store_world.h"
#include "tests/support/eventually.h"
#include "tests/support/result.h"

namespace contract {
namespace {

using model::as_bytes;
using model::Errc;
using model::Revision;
using model::to_text;
using test_support::code_of;
using test_support::eventually;

class KvStoreContract : public StoreContract {};
INSTANTIATE_TEST_SUITE_P(All, KvStoreContract, testing::ValuesIn(worlds), world_name);

TEST_P(KvStoreContract, AnAbsentKeyIsEmpty) {
    const auto kv = world_->kv("b");
    const auto entry = kv->get("leader");
    ASSERT_TRUE(entry) << entry.error().message;
    EXPECT_FALSE(*entry);
}

TEST_P(KvStoreContract, CreatesWithExpectationZeroOnlyOnce) {
    const auto kv = world_->kv("b");
    const auto first = kv->update("leader", as_bytes("a"), Revision{});
    ASSERT_TRUE(first) << first.error().message;
    const auto second = kv->update("leader", as_bytes("b"), Revision{});
    ASSERT_FALSE(second);
    EXPECT_EQ(code_of(second), Errc::conflict);
    const auto entry = kv->get("leader");
    ASSERT_TRUE(entry && *entry);
    EXPECT_EQ((*entry)->key, "leader");
    EXPECT_EQ(to_text((*entry)->value), "a");
    EXPECT_EQ((*entry)->revision, *first);
}

TEST_P(KvStoreContract, UpdatesOnlyTheRevisionThatWasRead) {
    const auto kv = world_->kv("b");
    const auto first = kv->update("leader", as_bytes("a"), Revision{});
    ASSERT_TRUE(first);
    const auto second = kv->update("leader", as_bytes("b"), *first);
    ASSERT_TRUE(second) << second.error().message;
    EXPECT_GT(*second, *first);
    for (const auto wrong : {*first, Revision{second->value + 1}}) {
        const auto lost = kv->update("leader", as_bytes("c"), wrong);
        ASSERT_FALSE(lost);
        EXPECT_EQ(code_of(lost), Errc::conflict);
    }
    EXPECT_EQ(to_text((**kv->get("leader")).value), "b");
}

TEST_P(KvStoreContract, AnUpdateOfAnAbsentKeyIsAConflict) {
    const auto kv = world_->kv("b");
    const auto lost = kv->update("leader", as_bytes("a"), Revision{3});
    ASSERT_FALSE(lost);
    EXPECT_EQ(code_of(lost), Errc::conflict);
}

TEST_P(KvStoreContract, ARevisionOfAnotherKeyIsAConflict) {
    const auto kv = world_->kv("b");
    const auto mine = kv->put("mine", as_bytes("a")).value();
    const auto other = kv->put("other", as_bytes("b")).value();
    for (const auto* key : {"mine", "new"})
        EXPECT_EQ(code_of(kv->update(key, as_bytes("x"), other)), Errc::conflict) << key;
    EXPECT_EQ(code_of(kv->erase("mine", other)), Errc::conflict);
    EXPECT_EQ((**kv->get("mine")).revision, mine);
}

// defects.md C08: a delete without an expected revision removes another node's lease.
TEST_P(KvStoreContract, ErasesOnlyTheRevisionThatWasReadAndCreatesAgain) {
    const auto kv = world_->kv("b");
    const auto first = kv->update("k", as_bytes("a"), Revision{});
    const auto second = kv->update("k", as_bytes("b"), *first);
    const auto stale = kv->erase("k", *first);
    ASSERT_FALSE(stale);
    EXPECT_EQ(code_of(stale), Errc::conflict);
    ASSERT_TRUE(kv->get("k").value());

    const auto erased = kv->erase("k", *second);
    ASSERT_TRUE(erased) << erased.error().message;
    EXPECT_FALSE(kv->get("k").value());
    EXPECT_TRUE(kv->list().value().empty());
    EXPECT_EQ(code_of(kv->update("k", as_bytes("c"), *second)), Errc::conflict);

    const auto again = kv->update("k", as_bytes("d"), Revision{});
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_GT(*again, *second);
    EXPECT_EQ(to_text((**kv->get("k")).value), "d");
}

TEST_P(KvStoreContract, ErasingWithoutARevisionIsInvalid) {
    const auto kv = world_->kv("b");
    ASSERT_TRUE(kv->put("k", as_bytes("a")));
    EXPECT_EQ(code_of(kv->erase("k", Revision{})), Errc::invalid);
    EXPECT_TRUE(kv->get("k").value());
}

TEST_P(KvStoreContract, TheLastRevisionCountsEveryKeyAndDeletion) {
    const auto kv = world_->kv("b");
    EXPECT_EQ(kv->last_revision().value(), Revision{});
    const auto first = kv->put("k", as_bytes("a")).value();
    EXPECT_EQ(kv->last_revision().value(), first);
    const auto second = kv->put("other", as_bytes("b")).value();
    EXPECT_EQ(kv->last_revision().value(), second);
    ASSERT_TRUE(kv->erase("k", first));
    EXPECT_GT(kv->last_revision().value(), second);
}

TEST_P(KvStoreContract, PutWritesWhateverIsThere) {
    const auto kv = world_->kv("b");
    const auto first = kv->put("k", as_bytes("a"));
    const auto second = kv->put("k", as_bytes("b"));
    ASSERT_TRUE(first && second);
    EXPECT_GT(*second, *first);
    EXPECT_EQ(to_text((**kv->get("k")).value), "b");
}

TEST_P(KvStoreContract, ListsAllKeysSorted) {
    const auto kv = world_->kv("b");
    for (const auto* key : {"nodes.n.2", "svc/n1", "a=b", "nodes.n1", "gone", "under_score-dash"})
        ASSERT_TRUE(kv->put(key, as_bytes(std::string{"value of "} + key)));
    ASSERT_TRUE(kv->erase("gone", (**kv->get("gone")).revision));
    const auto entries = kv->list();
    ASSERT_TRUE(entries) << entries.error().message;
    std::vector<std::string> keys;
    for (const auto& entry : *entries) {
        keys.push_back(entry.key);
        EXPECT_EQ(to_text(entry.value), "value of " + entry.key);
        EXPECT_EQ(entry.revision, (**kv->get(entry.key)).revision);
    }
    EXPECT_EQ(
        keys,
        (std::vector<std::string>{"a=b", "nodes.n.2", "nodes.n1", "svc/n1", "under_score-dash"}));
}

TEST_P(KvStoreContract, ListsMoreThanOneWindowOfKeys) {
    const auto kv = world_->kv("b");
    for (int i = 0; i < 150; ++i)
        ASSERT_TRUE(kv->put("history." + std::to_string(1000 + i), as_bytes("x")));
    const auto entries = kv->list();
    ASSERT_TRUE(entries);
    ASSERT_EQ(entries->size(), 150U);
    EXPECT_EQ(entries->front().key, "history.1000");
    EXPECT_EQ(entries->back().key, "history.1149");
}

TEST_P(KvStoreContract, BytesComeBackAsTheyWere) {
    const auto kv = world_->kv("b");
    model::Bytes value;
    for (int i = 0; i < 1000; ++i)
        value.push_back(static_cast<std::byte>(i * 7));
    for (const std::size_t size : {0U, 1U, 2U, 3U, 4U, 1000U}) {
        const model::Bytes part{value.begin(), value.begin() + static_cast<std::ptrdiff_t>(size)};
        ASSERT_TRUE(kv->put("k", part));
        EXPECT_EQ((**kv->get("k")).value, part) << size;
    }
}

// L11: in a bucket of several keys, a refusal may concern only the stream's last sequence.
TEST_P(KvStoreContract, WritesOfOtherKeysDoNotMakeAnUpdateFail) {
    const auto kv = world_->kv("b");
    const auto other = world_->kv("b");
    auto revision = kv->update("mine", as_bytes("0"), Revision{});
    ASSERT_TRUE(revision);
    for (int i = 0; i < 20; ++i) {
        ASSERT_TRUE(other->put("other", as_bytes("x")));
        revision = kv->update("mine", as_bytes(std::to_string(i)), *revision);
        ASSERT_TRUE(revision) << revision.error().message;
    }
    EXPECT_EQ(to_text((**kv->get("mine")).value), "19");
    EXPECT_TRUE(kv->update("new", as_bytes("x"), Revision{}));
}

TEST_P(KvStoreContract, OfWritersThatRaceExactlyOneWinsEachRound) {
    constexpr int rounds = 40;
    const auto a = world_->kv("b");
    const auto b = world_->kv("b");
    auto revision = a->update("k", as_bytes("start"), Revision{}).value();
    for (int round = 0; round < rounds; ++round) {
        std::optional<model::Result<Revision>> from_a;
        std::optional<model::Result<Revision>> from_b;
        const auto write = [&](auto& store, auto& result) {
            result = store->update("k", as_bytes("x"), revision);
        };
        if (std::string_view{GetParam().name} == "Simulated") {
            write(a, from_a);  // the simulation has no threads
            write(b, from_b);
        } else {
            std::jthread other{[&] { write(b, from_b); }};
            write(a, from_a);
        }
        ASSERT_EQ(from_a->has_value() + from_b->has_value(), 1) << round;
        const auto& lost = *from_a ? *from_b : *from_a;
        EXPECT_EQ(code_of(lost), Errc::conflict);
        revision = *from_a ? **from_a : **from_b;
    }
}

TEST_P(KvStoreContract, AnotherClientSeesAWriteAtOnce) {
    const auto a = world_->kv("b");
    const auto b = world_->kv("b");
    for (int i = 0; i < 50; ++i) {
        ASSERT_TRUE(a->put("k", as_bytes(std::to_string(i))));
        EXPECT_EQ(to_text((**b->get("k")).value), std::to_string(i));
    }
}

TEST_P(KvStoreContract, WakesAfterAChange) {
    const auto a = world_->kv("b");
    const auto b = world_->kv("b");
    std::atomic<int> woken = 0;
    b->on_change([&] { ++woken; });
    for (int i = 0; i < 3; ++i) {
        const auto value = std::to_string(i);
        ASSERT_TRUE(a->put("k", as_bytes(value)));
        EXPECT_TRUE(
            eventually([&] { return woken > 0 && to_text((**b->get("k")).value) == value; }));
        woken = 0;
        ASSERT_TRUE(a->put("k", as_bytes(value + "'")));
        EXPECT_TRUE(eventually([&] { return woken > 0; }));
        woken = 0;
    }
}

TEST_P(KvStoreContract, ARestartOfTheServerKeepsDataAndGrowsTheGeneration) {
    const auto kv = world_->kv("b");
    std::atomic<int> woken = 0;
    kv->on_change([&] { ++woken; });
    const auto revision = kv->update("k", as_bytes("a"), Revision{});
    ASSERT_TRUE(revision);
    const auto generation = kv->connection_generation();
    EXPECT_EQ(kv->connection_generation(), generation);
    woken = 0;
    world_->restart();
    ASSERT_TRUE(eventually([&] { return kv->connection_generation() > generation && woken > 0; }));
    ASSERT_TRUE(eventually([&] { return kv->get("k").has_value(); }));
    EXPECT_EQ((**kv->get("k")).revision, *revision);
    EXPECT_TRUE(kv->update("k", as_bytes("b"), *revision));
    // The watch works again, too.
    const auto other = world_->kv("b");
    EXPECT_TRUE(eventually([&] {
        woken = 0;
        return other->put("k", as_bytes("c")) &&
               eventually([&] { return woken > 0; }, std::chrono::milliseconds{200});
    }));
}

}  // namespace
}  // namespace contract
