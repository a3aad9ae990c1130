#include "model/json_text.h"

#include <gtest/gtest.h>

namespace model {
namespace {

TEST(JsonText, WritesObjectsListsAndValues) {
    JsonText json;
    json.begin_object().field("a", 1).field("b", "x").key("c").begin_list();
    json.value(true).null().value(-1).value(std::uint64_t{18446744073709551615U});
    json.begin_object().end_object().end_list().field("d", std::vector<std::string>{"p", "q"});
    EXPECT_EQ(json.end_object().take(),
              R"({"a":1,"b":"x","c":[true,null,-1,18446744073709551615,{}],"d":["p","q"]})");
}

TEST(JsonText, IndentsForPeople) {
    EXPECT_EQ(JsonText{2}
                  .begin_object()
                  .field("a", 1)
                  .key("b")
                  .begin_list()
                  .end_list()
                  .end_object()
                  .take(),
              "{\n  \"a\": 1,\n  \"b\": []\n}");
}

TEST(JsonText, EscapesWhatJsonForbidsAndMendsWhatIsNoUtf8) {
    const auto text = [](std::string_view value) {
        return JsonText{}.begin_list().value(value).end_list().take();
    };
    EXPECT_EQ(text("a\"\\\n\t\x7F"), R"(["a\"\\\n\u0009\u007f"])");
    EXPECT_EQ(text("\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80"),
              "[\"\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80\"]");
    EXPECT_EQ(text("\xFF"), R"(["\ufffd"])");
    EXPECT_EQ(text("a\xC3"), R"(["a\ufffd"])");
    EXPECT_EQ(text("\xC0\xAF"), R"(["\ufffd\ufffd"])");
    EXPECT_EQ(text("\xED\xA0\x80"), R"(["\ufffd\ufffd\ufffd"])");
    EXPECT_EQ(text("\xF4\x90\x80\x80"), R"(["\ufffd\ufffd\ufffd\ufffd"])");
}

TEST(JsonTextDeathTest, WhatWouldBeNoJsonAborts) {
    EXPECT_DEATH(static_cast<void>(JsonText{}.begin_object().value(1)), "broken invariant");
    EXPECT_DEATH(static_cast<void>(JsonText{}.begin_object().end_list()), "broken invariant");
    EXPECT_DEATH(static_cast<void>(JsonText{}.begin_list().take()), "broken invariant");
}

}  // namespace
}  // namespace model
