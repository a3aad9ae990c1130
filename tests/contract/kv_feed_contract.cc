// What every KvFeed promises.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <map>
#include <string>

#include "tests/contract/store_world.h"
#include "tests/support/eventually.h"
#include "tests/support/result.h"

namespace contract {
namespace {

using model::as_bytes;
using model::Errc;
using model::to_text;
using test_support::eventually;
using ::testing::ElementsAre;
using ::testing::Pair;

class KvFeedContract : public StoreContract {
protected:
    /// Takes until `holds` of all that was taken: key to value, "(erased)" where it is.
    [[nodiscard]] bool taken(
        adapters::kv::KvFeed& feed,
        const std::function<bool(const std::map<std::string, std::string>&)>& holds) {
        return eventually([&] {
            auto changes = feed.take();
            if (!changes) return false;
            if (changes->whole) {
                all_.clear();
                ++wholes_;
            }
            for (const auto& change : changes->changes)
                all_[change.key] = change.erased ? "(erased)" : to_text(change.value);
            return holds(all_);
        });
    }
    std::map<std::string, std::string> all_;
    int wholes_ = 0;
};
INSTANTIATE_TEST_SUITE_P(All, KvFeedContract, testing::ValuesIn(worlds), world_name);

TEST_P(KvFeedContract, GivesAllThereIsThenWhatChanges) {
    const auto kv = world_->kv("b");
    ASSERT_TRUE(kv->put("a/1", as_bytes("x")));
    ASSERT_TRUE(kv->put("a/1", as_bytes("y")));
    ASSERT_TRUE(kv->put("b/1", as_bytes("z")));
    const auto feed = world_->feed("b", 100);
    ASSERT_TRUE(taken(*feed, [](const auto& all) { return all.size() == 2; }));
    EXPECT_THAT(all_, ElementsAre(Pair("a/1", "y"), Pair("b/1", "z")));
    EXPECT_EQ(wholes_, 1);

    const auto changed = kv->put("b/1", as_bytes("zz")).value();
    ASSERT_TRUE(taken(*feed, [](const auto& all) { return all.at("b/1") == "zz"; }));
    ASSERT_TRUE(kv->erase("b/1", changed));
    ASSERT_TRUE(taken(*feed, [](const auto& all) { return all.at("b/1") == "(erased)"; }));
    EXPECT_EQ(all_.at("a/1"), "y");
    EXPECT_EQ(wholes_, 1) << "a change is told as a change";
}

TEST_P(KvFeedContract, OfAnEmptyBucketIsWholeAndEmpty) {
    const auto kv = world_->kv("b");
    const auto feed = world_->feed("b", 100);
    ASSERT_TRUE(taken(*feed, [](const auto&) { return true; }));
    EXPECT_EQ(wholes_, 1);
    EXPECT_TRUE(all_.empty());
    ASSERT_TRUE(kv->put("a", as_bytes("x")));
    EXPECT_TRUE(taken(*feed, [](const auto& all) { return all.size() == 1; }));
}

TEST_P(KvFeedContract, TellsRevisionsAndTheSizeOfWhatIsTooLarge) {
    const auto kv = world_->kv("b");
    const auto revision = kv->put("a", as_bytes(std::string(101, 'x'))).value();
    const auto feed = world_->feed("b", 100);
    ASSERT_TRUE(eventually([&] {
        auto changes = feed->take();
        if (!changes || changes->changes.size() != 1) return false;
        const auto& change = changes->changes.front();
        return change.revision == revision && change.size == 101 && change.value.empty();
    }));
}

TEST_P(KvFeedContract, BeginsAnewAfterTheSessionWasLost) {
    const auto kv = world_->kv("b");
    const auto a = kv->put("a", as_bytes("x")).value();
    ASSERT_TRUE(kv->put("b", as_bytes("y")));
    const auto feed = world_->feed("b", 100);
    ASSERT_TRUE(taken(*feed, [](const auto& all) { return all.size() == 2; }));
    world_->restart();
    ASSERT_TRUE(eventually([&] { return kv->erase("a", a).has_value(); }));
    ASSERT_TRUE(taken(*feed, [&](const auto& all) {
        const auto found = all.find("a");
        return wholes_ == 2 && (found == all.end() || found->second == "(erased)");
    }));
    EXPECT_EQ(all_.at("b"), "y");
}

TEST_P(KvFeedContract, WakesWhenSomethingChanged) {
    const auto kv = world_->kv("b");
    const auto feed = world_->feed("b", 100);
    std::atomic<int> wakes = 0;
    feed->on_change([&wakes] { ++wakes; });
    ASSERT_TRUE(taken(*feed, [](const auto&) { return true; }));
    const int before = wakes;
    ASSERT_TRUE(kv->put("a", as_bytes("x")));
    EXPECT_TRUE(eventually([&] { return wakes > before; }));
    feed->on_change([] {});
}

}  // namespace
}  // namespace contract
