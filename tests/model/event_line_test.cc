#include "model/event_line.h"

#include <gtest/gtest.h>

#include "model/wall_time.h"

namespace model {
namespace {

constexpr WallTime noon{.ms = 1'767'323'045'678};  // 2026-01-02T03:04:05.678Z

TEST(EventLine, ReadsWellAsText) {
    EXPECT_EQ(event_line(LineFormat::text,
                         noon,
                         EventLevel::info,
                         "lease.renewed",
                         {{"epoch", "3"}, {"reason", "late answer"}, {"empty", ""}}),
              "2026-01-02T03:04:05.678Z info    lease.renewed epoch=3 reason=\"late answer\" "
              "empty=\"\"\n");
}

TEST(EventLine, IsJson) {
    EXPECT_EQ(event_line(LineFormat::json,
                         noon,
                         EventLevel::error,
                         "disk.full",
                         {{"path", "/a \"b\"\\"}, {"n", "1"}}),
              "{\"time\":\"2026-01-02T03:04:05.678Z\",\"level\":\"error\",\"event\":\"disk.full\","
              "\"path\":\"/a \\\"b\\\"\\\\\",\"n\":\"1\"}\n");
}

TEST(EventLine, LeavesTimeAndLevelToTheJournal) {
    EXPECT_EQ(event_line(LineFormat::journal, noon, EventLevel::warning, "a.b", {}), "<4>a.b\n");
}

TEST(EventLine, AValueNeverForgesALine) {
    for (const auto format : {LineFormat::text, LineFormat::json, LineFormat::journal}) {
        const auto line =
            event_line(format, noon, EventLevel::info, "a.b", {{"v", "x\n<0>y\x1b[2J\x7f\r"}});
        EXPECT_EQ(line.find('\n'), line.size() - 1);
        EXPECT_EQ(line.find('\x1b'), std::string::npos);
        EXPECT_EQ(line.find('\r'), std::string::npos);
    }
}

// A backend's status line, or a path, need not be valid text.
TEST(EventLine, BytesThatAreNoTextAreReplaced) {
    const std::string value = "d\xc3\xa9j\xc3\xa0 \xff\xc3";
    EXPECT_EQ(event_line(LineFormat::journal, noon, EventLevel::info, "a.b", {{"v", value}}),
              "<6>a.b v=\"d\xc3\xa9j\xc3\xa0 \\ufffd\\ufffd\"\n");
    EXPECT_EQ(event_line(LineFormat::json, noon, EventLevel::info, "a.b", {{"v", value}}),
              "{\"time\":\"2026-01-02T03:04:05.678Z\",\"level\":\"info\",\"event\":\"a.b\","
              "\"v\":\"d\xc3\xa9j\xc3\xa0 \\ufffd\\ufffd\"}\n");
}

TEST(EventLine, ParsesLevelsAndFormats) {
    EXPECT_EQ(*parse_event_level("warning"), EventLevel::warning);
    EXPECT_FALSE(parse_event_level("warn"));
    EXPECT_EQ(*parse_line_format("journald"), LineFormat::journal);
    EXPECT_FALSE(parse_line_format("xml"));
}

}  // namespace
}  // namespace model
