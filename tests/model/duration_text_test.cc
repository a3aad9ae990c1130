#include "model/duration_text.h"

#include <gtest/gtest.h>

namespace model {
namespace {

using namespace std::chrono_literals;

TEST(DurationText, ReadsWhatGoWrites) {
    const std::vector<std::pair<const char*, Duration>> cases{{"0", 0ns},
                                                              {"24h", 24h},
                                                              {"1h30m", 90min},
                                                              {"1.5h", 90min},
                                                              {"500ms", 500ms},
                                                              {"1s500ms", 1500ms},
                                                              {"-2m", -2min},
                                                              {"+5s", 5s},
                                                              {"100us", 100us},
                                                              {"7ns", 7ns},
                                                              {".5s", 500ms},
                                                              {"5.s", 5s},
                                                              {"1\xC2\xB5s", 1us},
                                                              {"720h0m0s", 720h},
                                                              {"2562047h", 2562047h},
                                                              // 3.24 ns, of which the whole count
                                                              {"0.0000000000009h", 3ns}};
    for (const auto& [text, value] : cases) {
        const auto parsed = parse_duration(text);
        ASSERT_TRUE(parsed) << text << ": " << parsed.error().message;
        EXPECT_EQ(*parsed, value) << text;
    }
}

TEST(DurationText, RefusesWhatIsNoneAndSaysHowToWriteOne) {
    for (const auto* text : {"",
                             "-",
                             "5",
                             "h",
                             "5 h",
                             "1d",
                             "5x",
                             ".h",
                             "1h-5m",
                             "1e3s",
                             "2562048h",
                             "99999999999999999999h",
                             "24H",
                             "1h30",
                             "--1s",
                             "1..5s",
                             "3000000h1h"}) {
        const auto parsed = parse_duration(text);
        ASSERT_FALSE(parsed) << text;
        EXPECT_EQ(parsed.error().code, Errc::invalid);
        EXPECT_NE(parsed.error().message.find("24h"), std::string::npos) << parsed.error().message;
    }
}

TEST(DurationText, ItsTextIsReadBackAsTheSame) {
    for (const Duration d : {Duration{0},
                             Duration{24h},
                             Duration{90min},
                             Duration{1500ms},
                             Duration{-61s},
                             Duration{1ms},
                             Duration{3661001ms}}) {
        const auto parsed = parse_duration(to_text(d));
        ASSERT_TRUE(parsed) << to_text(d);
        EXPECT_EQ(*parsed, d);
    }
    EXPECT_EQ(to_text(Duration{24h}), "24h");
    EXPECT_EQ(to_text(Duration{0}), "0s");
}

}  // namespace
}  // namespace model
