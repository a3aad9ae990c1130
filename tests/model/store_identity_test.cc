#include "model/store_identity.h"

#include <gtest/gtest.h>

namespace model {
namespace {

const StoreIdentity whole{.election = "e1", .state = "s1", .log = "l1"};
const StoreIdentity empty{.election = "", .state = "", .log = ""};

TEST(StoreIdentity, OneStreamInCommonIsTheSameStore) {
    EXPECT_EQ(compare(whole, whole), StoreMatch::same);
    EXPECT_EQ(compare(whole, {.election = "e1", .state = {}, .log = {}}), StoreMatch::same);
    EXPECT_EQ(compare({.election = {}, .state = {}, .log = "l1"}, whole), StoreMatch::same);
    // Recreated or deleted in that same store.
    EXPECT_EQ(compare(whole, {.election = "e2", .state = "s1", .log = ""}), StoreMatch::same);
}

TEST(StoreIdentity, NoStreamInCommonIsAnotherStore) {
    EXPECT_EQ(compare(whole, {.election = "e2", .state = "s2", .log = "l2"}), StoreMatch::other);
    EXPECT_EQ(compare(whole, empty), StoreMatch::other);
    EXPECT_EQ(compare({.election = "e1", .state = "", .log = ""},
                      {.election = "e2", .state = {}, .log = {}}),
              StoreMatch::other);
    EXPECT_EQ(compare({.election = "e1", .state = "", .log = ""},
                      {.election = "", .state = "s2", .log = "l2"}),
              StoreMatch::other);
}

TEST(StoreIdentity, WhatWasNotAnsweredForProvesNothing) {
    EXPECT_EQ(compare(whole, {}), StoreMatch::unknown);
    EXPECT_EQ(compare(whole, {.election = "e2", .state = "s2", .log = {}}), StoreMatch::unknown);
    EXPECT_EQ(compare({.election = {}, .state = {}, .log = "l1"},
                      {.election = "e1", .state = "s1", .log = {}}),
              StoreMatch::unknown);
}

TEST(StoreIdentity, TwoEmptyStoresCannotBeDistinguished) {
    EXPECT_EQ(compare(empty, empty), StoreMatch::unknown);
    EXPECT_EQ(compare({}, {}), StoreMatch::unknown);
    EXPECT_EQ(compare(empty, whole), StoreMatch::unknown);
}

TEST(StoreIdentity, KnowsWhatIsThere) {
    EXPECT_TRUE(whole.every_stream());
    EXPECT_TRUE(empty.surely_empty());
    EXPECT_FALSE(StoreIdentity{}.surely_empty());
    EXPECT_FALSE(StoreIdentity{}.any_stream());
    const StoreIdentity some{.election = "e1", .state = {}, .log = ""};
    EXPECT_TRUE(some.any_stream());
    EXPECT_FALSE(some.every_stream());
    EXPECT_FALSE(some.surely_empty());
}

TEST(StoreIdentity, MergingKeepsWhatIsNotKnownNow) {
    const auto merged = merge(whole, {.election = "e2", .state = {}, .log = ""});
    EXPECT_EQ(merged, (StoreIdentity{.election = "e2", .state = "s1", .log = ""}));
}

TEST(StoreIdentity, ReadsAsASentence) {
    EXPECT_EQ(to_text(whole), "election of e1, state of s1, log of l1");
    EXPECT_EQ(to_text(StoreIdentity{.election = "e1", .state = "", .log = {}}),
              "election of e1, no state, log not known");
    EXPECT_EQ(to_text(empty), "no stream of this cluster");
}

}  // namespace
}  // namespace model
