#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "adapters/nats/base64.h"
#include "adapters/nats/digest.h"
#include "adapters/nats/kv_feed.h"
#include "adapters/nats/names.h"
#include "adapters/nats/object_meta.h"
#include "adapters/nats/random_id.h"
#include "tests/support/result.h"

namespace adapters::nats {
namespace {

using model::as_bytes;
using model::to_text;
using test_support::code_of;

// RFC 4648, section 10.
TEST(Base64, KnowsTheVectorsOfItsRfc) {
    for (const auto& [plain, coded] : {std::pair{"", ""},
                                       {"f", "Zg=="},
                                       {"fo", "Zm8="},
                                       {"foo", "Zm9v"},
                                       {"foob", "Zm9vYg=="},
                                       {"fooba", "Zm9vYmE="},
                                       {"foobar", "Zm9vYmFy"}}) {
        EXPECT_EQ(to_base64url(as_bytes(plain)), coded);
        ASSERT_TRUE(from_base64(coded));
        EXPECT_EQ(to_text(*from_base64(coded)), plain);
    }
}

TEST(Base64, WritesTheUrlAlphabetAndReadsTheOther) {
    EXPECT_EQ(to_base64url(as_bytes("\xfb\xef\xff")), "--__");
    EXPECT_EQ(to_text(*from_base64("++//")), "\xfb\xef\xff");
    EXPECT_FALSE(from_base64("--__"));
}

TEST(Base64, RefusesWhatIsNotPaddedOrNotOfTheAlphabet) {
    for (const auto* bad : {"Zg", "Zg=", "Zg===", "=", "====", "Z===", "Zg=a", "Z\n==", "Zm9v Zg="})
        EXPECT_FALSE(from_base64(bad)) << bad;
}

TEST(Digest, OfPiecesIsThatOfTheWhole) {
    Digest digest;
    digest.add(as_bytes("a"));
    digest.add({});
    digest.add(as_bytes("bc"));
    EXPECT_EQ(digest.text(), "SHA-256=ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0=");
    EXPECT_EQ(Digest{}.text(), "SHA-256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU=");
}

TEST(Names, OfBucketsKeysAndObjectIds) {
    for (const auto* good : {"b", "convex-c1-wal", "A_9"})
        EXPECT_TRUE(valid_bucket(good)) << good;
    for (const auto* bad : {"", "a.b", "a b", "a/b", "*", ">"})
        EXPECT_FALSE(valid_bucket(bad)) << bad;
    for (const auto* good : {"leader", "nodes.n.1", "svc/n1", "a=b\\c_-", "=a"})
        EXPECT_TRUE(valid_key(good)) << good;
    for (const auto* bad : {"", ".", ".a", "a.", "a..b", "a b", "a*", "nodes.>", "\xc3\xbc", "a\n"})
        EXPECT_FALSE(valid_key(bad)) << bad;
    for (const auto* bad : {"", "a.b", "*", ">", "a b", "a\r\n", "\xc3\xbc"})
        EXPECT_FALSE(valid_nuid(bad)) << bad;
    EXPECT_TRUE(valid_nuid(random_id()));
}

TEST(ObjectMeta, IsWrittenAsAdr20SaysIt) {
    const model::ObjectMeta meta{.name = "ltx/0/a",
                                 .nuid = "N",
                                 .size = 5,
                                 .chunks = 1,
                                 .digest = "SHA-256=x",
                                 .headers = {{"Litestream-Timestamp", "t"}},
                                 .metadata = {{"epoch", "3"}}};
    const auto text = to_json(meta, "b");
    ASSERT_TRUE(text);
    EXPECT_EQ(nlohmann::json::parse(*text),
              nlohmann::json::parse(
                  R"({"name":"ltx/0/a","bucket":"b","nuid":"N","size":5,"chunks":1,
                      "digest":"SHA-256=x","mtime":"0001-01-01T00:00:00Z",
                      "options":{"max_chunk_size":131072},"metadata":{"epoch":"3"},
                      "headers":{"Litestream-Timestamp":["t"]}})"));
    EXPECT_EQ(parse_meta(as_bytes(*text)), meta);
    EXPECT_EQ(meta_token("ltx/0/a?"), "bHR4LzAvYT8=");
}

TEST(ObjectMeta, OfOtherToolsIsRead) {
    const auto meta = parse_meta(as_bytes(
        R"({"name":"a","description":"d","headers":{"A":["1","2"],"B":[]},"metadata":null,
            "options":{"link":{"bucket":"x"},"max_chunk_size":9},"bucket":"b","nuid":"N","size":0,
            "mtime":"2024-01-01T00:00:00Z","chunks":0,"deleted":true,"new":{}})"));
    ASSERT_TRUE(meta);
    EXPECT_EQ(
        *meta,
        (model::ObjectMeta{.name = "a", .nuid = "N", .headers = {{"A", "1"}}, .deleted = true}));
}

TEST(ObjectMeta, OfTheWrongShapeIsNone) {
    for (const auto* bad : {"",
                            "null",
                            "[]",
                            "{",
                            "{}",
                            R"({"name":""})",
                            R"({"name":1})",
                            R"({"name":"a","size":-1})",
                            R"({"name":"a","size":"1"})",
                            R"({"name":"a","chunks":1.5})",
                            R"({"name":"a","nuid":[]})",
                            R"({"name":"a","deleted":"yes"})",
                            R"({"name":"a","metadata":{"epoch":3}})",
                            R"({"name":"a","metadata":[]})",
                            R"({"name":"a","headers":{"A":[1]}})"})
        EXPECT_FALSE(parse_meta(as_bytes(bad))) << bad;
}

TEST(ObjectMeta, WhatJsonCannotCarryIsInvalid) {
    EXPECT_EQ(code_of(to_json({.name = "\xff"}, "b")), model::Errc::invalid);
    EXPECT_EQ(code_of(to_json({.name = "a", .metadata = {{"k", "\xc3"}}}, "b")),
              model::Errc::invalid);
}

TEST(Delivery, IsReadFromBothFormsOfAReplySubject) {
    for (const auto* reply : {"$JS.ACK.KV_b.feed-x.1.42.7.1700000000000000000.3",
                              "$JS.ACK.domain.hash.KV_b.feed-x.1.42.7.1700000000000000000.3",
                              "$JS.ACK.domain.hash.KV_b.feed-x.1.42.7.1700000000000000000.3.rnd"}) {
        const auto delivery = parse_delivery(reply);
        ASSERT_TRUE(delivery) << reply;
        EXPECT_EQ(delivery->consumer, "feed-x");
        EXPECT_EQ(delivery->stream_sequence, 42U);
        EXPECT_EQ(delivery->consumer_sequence, 7U);
        EXPECT_EQ(delivery->pending, 3U);
    }
    for (const auto* other : {"", "_INBOX.x", "$JS.ACK.a.b.c.d.e.f.g", "$JS.FC.s.c.1.2.3.4.5"})
        EXPECT_FALSE(parse_delivery(other)) << other;
}

}  // namespace
}  // namespace adapters::nats
