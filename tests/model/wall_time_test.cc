#include "model/wall_time.h"

#include <gtest/gtest.h>

namespace model {
namespace {

TEST(WallTime, IsWrittenInUtcWithMilliseconds) {
    EXPECT_EQ(to_rfc3339({0}), "1970-01-01T00:00:00.000Z");
    EXPECT_EQ(to_rfc3339({951'782'400'000 + 86'399'999}), "2000-02-29T23:59:59.999Z");
    EXPECT_EQ(to_rfc3339({-1}), "1969-12-31T23:59:59.999Z");
    EXPECT_EQ(to_rfc3339({INT64_MAX}), "9999-12-31T23:59:59.999Z");
    EXPECT_EQ(to_rfc3339({INT64_MIN}), "0000-01-01T00:00:00.000Z");
}

TEST(WallTime, IsReadAsGoWritesIt) {
    EXPECT_EQ(parse_rfc3339("1970-01-01T00:00:00Z")->ms, 0);
    EXPECT_EQ(parse_rfc3339("2026-11-21T02:23:51.055085336Z")->ms, 1'795'227'831'055);
    EXPECT_EQ(parse_rfc3339("1970-01-01T01:00:00.5+01:00")->ms, 500);
    EXPECT_EQ(parse_rfc3339("1969-12-31T23:00:00.123456789-01:00")->ms, 123);
    EXPECT_EQ(parse_rfc3339("0000-01-01T23:59:00+23:59")->ms, -62'167'219'200'000);
    EXPECT_EQ(parse_rfc3339("9999-12-31T00:00:59.999-23:59")->ms, 253'402'300'799'999);
    for (const std::int64_t ms : {std::int64_t{0}, std::int64_t{1'700'000'000'123}})
        EXPECT_EQ(parse_rfc3339(to_rfc3339({ms}))->ms, ms);
}

TEST(WallTime, WhatIsNoTimeIsRefused) {
    for (const auto* text : {"",
                             "yesterday",
                             "1970-01-01",
                             "1970-01-01T00:00:00",
                             "1970-13-01T00:00:00Z",
                             "1970-02-30T00:00:00Z",
                             "1970-01-01T24:00:00Z",
                             "1970-01-01T00:60:00Z",
                             "1970-01-01T00:00:00.Z",
                             "1970-01-01T00:00:00Zx",
                             "1970-01-01T00:00:00+1:00",
                             "1970-01-01T00:00:00+24:00",
                             "-970-01-01T00:00:00Z",
                             "1970-00-01T00:00:00Z",
                             "0000-01-01T23:58:59.999+23:59",
                             "9999-12-31T00:01:00-23:59",
                             "9999-12-31T23:59:60Z"})
        EXPECT_FALSE(parse_rfc3339(text)) << text;
}

}  // namespace
}  // namespace model
