#include "adapters/nats/rfc3339.h"

#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>

namespace adapters::nats {

model::WallTime from_rfc3339(std::string_view text) {
    // 2026-11-21T02:23:51.055085336Z
    const auto number = [&text](std::size_t from, std::size_t length) {
        int value = -1;
        if (from + length <= text.size())
            std::from_chars(text.data() + from, text.data() + from + length, value);
        return value;
    };
    using namespace std::chrono;
    const year_month_day date{year{number(0, 4)},
                              month{static_cast<unsigned>(number(5, 2))},
                              day{static_cast<unsigned>(number(8, 2))}};
    const int hour = number(11, 2);
    const int minute = number(14, 2);
    const int second = number(17, 2);
    if (!date.ok() || hour < 0 || minute < 0 || second < 0 || !text.ends_with('Z')) return {};
    std::int64_t ms = 0;
    if (text.size() > 20 && text[19] == '.') {
        std::int64_t scale = 100;
        for (std::size_t i = 20; i < text.size() && i < 23 && text[i] >= '0' && text[i] <= '9';
             ++i) {
            ms += (text[i] - '0') * scale;
            scale /= 10;
        }
    }
    const auto days_since = sys_days{date}.time_since_epoch();
    return {
        duration_cast<milliseconds>(days_since + hours{hour} + minutes{minute} + seconds{second})
            .count() +
        ms};
}

std::string to_rfc3339(model::WallTime time) {
    using namespace std::chrono;
    const milliseconds since{time.ms};
    const auto midnight = floor<days>(since);
    const year_month_day date{sys_days{midnight}};
    const hh_mm_ss clock{since - midnight};
    std::array<char, 64> text{};
    std::snprintf(text.data(),
                  text.size(),
                  "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ",
                  static_cast<int>(date.year()),
                  static_cast<unsigned>(date.month()),
                  static_cast<unsigned>(date.day()),
                  static_cast<int>(clock.hours().count()),
                  static_cast<int>(clock.minutes().count()),
                  static_cast<int>(clock.seconds().count()),
                  static_cast<int>(clock.subseconds().count()));
    return text.data();
}

}  // namespace adapters::nats
