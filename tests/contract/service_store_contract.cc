// What every ServiceStore promises, over both stores.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "adapters/json/service_store.h"
#include "tests/contract/store_world.h"
#include "tests/support/eventually.h"
#include "tests/support/result.h"

namespace contract {
namespace {

using adapters::json::KvServiceStore;
using model::as_bytes;
using model::Errc;
using test_support::code_of;
using test_support::eventually;
using ::testing::HasSubstr;
using ::testing::SizeIs;

model::ServiceEntry entry(std::string name, std::string node) {
    return {.name = std::move(name),
            .node_id = std::move(node),
            .address = "10.0.0.1",
            .port = 80,
            .metadata = {{"k", "v"}},
            .tags = {"t"},
            .health = model::ServiceHealth::passing};
}

class ServiceStoreContract : public StoreContract {
protected:
    /// All changes since the last call, once there are as many.
    reconcilers::ports::ServiceChanges changes(std::size_t count) {
        reconcilers::ports::ServiceChanges all;
        EXPECT_TRUE(eventually([&] {
            auto more = store_.changes();
            if (!more) return false;
            if (more->whole) all = {};
            all.whole = all.whole || more->whole;
            for (auto& each : more->written)
                all.written.push_back(std::move(each));
            for (auto& each : more->erased)
                all.erased.push_back(std::move(each));
            for (auto& each : more->unreadable)
                all.unreadable.push_back(std::move(each));
            return all.written.size() + all.erased.size() + all.unreadable.size() == count;
        }));
        return all;
    }
    std::unique_ptr<adapters::kv::KvStore> kv_ = world_->kv("services");
    std::unique_ptr<adapters::kv::KvFeed> feed_ =
        world_->feed("services", model::largest_service_record);
    KvServiceStore store_{*kv_, *feed_};
};
INSTANTIATE_TEST_SUITE_P(All, ServiceStoreContract, testing::ValuesIn(worlds), world_name);

TEST_P(ServiceStoreContract, WhatIsWrittenIsReadAndWhatIsErasedIsGone) {
    EXPECT_TRUE(changes(0).whole);
    const auto revision = store_.write(entry("a.b", "n.1"));
    ASSERT_TRUE(revision) << revision.error().message;
    const auto written = changes(1);
    ASSERT_THAT(written.written, SizeIs(1));
    EXPECT_FALSE(written.whole);
    EXPECT_EQ(written.written[0].entry, entry("a.b", "n.1"));
    EXPECT_EQ(written.written[0].revision, *revision);

    EXPECT_EQ(code_of(store_.erase("a.b/n.1", {revision->value + 1})), Errc::conflict);
    ASSERT_TRUE(store_.erase("a.b/n.1", *revision));
    const auto erased = changes(1);
    ASSERT_THAT(erased.erased, SizeIs(1));
    EXPECT_EQ(erased.erased[0].key, "a.b/n.1");
    EXPECT_GT(erased.erased[0].revision, *revision);
}

TEST_P(ServiceStoreContract, AnEntryThatWasWrittenAgainIsNotErased) {
    const auto first = store_.write(entry("a", "n")).value();
    ASSERT_TRUE(store_.write(entry("a", "n")));
    EXPECT_EQ(code_of(store_.erase("a/n", first)), Errc::conflict);
    EXPECT_TRUE(kv_->get("a/n").value().has_value());
}

// Whatever somebody puts there: skipped and named, and the rest is read.
TEST_P(ServiceStoreContract, BadRecordsHideNoGoodOne) {
    ASSERT_TRUE(store_.write(entry("a", "n")));
    const std::pair<const char*, std::string> bad[] = {
        {"b/n", "not JSON"},
        {"c/n", R"({"name":"c","node_id":"n","address":"h","port":"80","health":"passing"})"},
        {"foreign", "{}"},
        {"d/n", R"({"name":"d","node_id":"other","address":"h","port":80,"health":"passing"})"},
        {"e/n", std::string(1'000'000, '{')}};
    for (const auto& [key, value] : bad)
        ASSERT_TRUE(kv_->put(key, as_bytes(value))) << key;
    const auto found = changes(6);
    EXPECT_THAT(found.written, SizeIs(1));
    ASSERT_THAT(found.unreadable, SizeIs(5));
    for (const auto& [key, value] : bad) {
        const auto named = std::find_if(found.unreadable.begin(),
                                        found.unreadable.end(),
                                        [key = key](const auto& each) { return each.key == key; });
        ASSERT_NE(named, found.unreadable.end()) << key;
        EXPECT_THAT(named->reason, HasSubstr(key));
    }

    const auto once = adapters::json::read_services(*kv_);
    ASSERT_TRUE(once) << once.error().message;
    EXPECT_THAT(once->entries, SizeIs(1));
    EXPECT_THAT(once->unreadable, SizeIs(5));
}

}  // namespace
}  // namespace contract
