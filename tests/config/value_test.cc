#include "config/value.h"

#include <gtest/gtest.h>

#include "tests/config/input.h"

namespace config {
namespace {

TEST(Value, ItsTextIsShortAndHarmless) {
    EXPECT_EQ(to_text(Value{List{number(1), {true}, {}, {Map{{"a", text("x")}}}}}),
              "[1, true, null, {\"a\": ...}]");
    EXPECT_EQ(to_text(text("nats://u:p@h")), "\"nats://***@h\"");
    EXPECT_EQ(to_text(text("u@h")), "\"u@h\"");
    const auto text = to_text(Value{std::string(200, 'x')});
    EXPECT_LE(text.size(), 84U);
    EXPECT_EQ(to_text(Value{std::string{"\x1b[31m"}}), "\"?[31m\"");
    EXPECT_EQ(to_text(Value{10000.5}), "10000.5");
    EXPECT_EQ(to_text(Value{1e30}), "1e+30");
}

TEST(Value, IsComparedWithoutItsLine) {
    EXPECT_EQ((Value{std::int64_t{1}, 3}), (Value{std::int64_t{1}, 4}));
    EXPECT_NE((Value{std::int64_t{1}}), (Value{std::int64_t{2}}));
    EXPECT_EQ((Value{Map{{"a", text("x")}}}), (Value{Map{{"a", text("x")}}}));
    EXPECT_NE((Value{Map{{"a", text("x")}}}), (Value{Map{{"a", text("y")}}}));
}

}  // namespace
}  // namespace config
