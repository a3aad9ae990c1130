#include "model/wall_time.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <optional>

namespace model {
namespace {

namespace ch = std::chrono;

// The range of years with four digits, in milliseconds.
constexpr std::int64_t first = -62167219200000;  // 0000-01-01
constexpr std::int64_t last = 253402300799999;   // 9999-12-31T23:59:59.999

/// Parses exactly `count` digits at the front and removes them from `text`.
std::optional<int> digits(std::string_view& text, std::size_t count) {
    if (text.size() < count) return std::nullopt;
    int value = 0;
    for (const char c : text.substr(0, count)) {
        if (c < '0' || c > '9') return std::nullopt;
        value = value * 10 + (c - '0');
    }
    text.remove_prefix(count);
    return value;
}

bool eat(std::string_view& text, char c) {
    if (text.empty() || text.front() != c) return false;
    text.remove_prefix(1);
    return true;
}

std::optional<std::int64_t> parse(std::string_view text) {
    const auto year = digits(text, 4);
    if (!year || !eat(text, '-')) return std::nullopt;
    const auto month = digits(text, 2);
    if (!month || !eat(text, '-')) return std::nullopt;
    const auto day = digits(text, 2);
    if (!day || (!eat(text, 'T') && !eat(text, 't') && !eat(text, ' '))) return std::nullopt;
    const auto hour = digits(text, 2);
    if (!hour || !eat(text, ':')) return std::nullopt;
    const auto minute = digits(text, 2);
    if (!minute || !eat(text, ':')) return std::nullopt;
    const auto second = digits(text, 2);
    if (!second) return std::nullopt;

    std::int64_t ms = 0;
    if (eat(text, '.')) {
        std::int64_t unit = 100;
        std::size_t count = 0;
        for (auto digit = digits(text, 1); digit; digit = digits(text, 1), ++count) {
            ms += *digit * unit;
            unit /= 10;
        }
        if (count == 0) return std::nullopt;
    }
    std::int64_t offset = 0;
    if (!eat(text, 'Z') && !eat(text, 'z')) {
        const bool west = !text.empty() && text.front() == '-';
        if (!west && (text.empty() || text.front() != '+')) return std::nullopt;
        text.remove_prefix(1);
        const auto hours = digits(text, 2);
        if (!hours || *hours > 23 || !eat(text, ':')) return std::nullopt;
        const auto minutes = digits(text, 2);
        if (!minutes || *minutes > 59) return std::nullopt;
        offset = (*hours * 60LL + *minutes) * (west ? -60 : 60);
    }
    const ch::year_month_day date{ch::year{*year},
                                  ch::month{static_cast<unsigned>(*month)},
                                  ch::day{static_cast<unsigned>(*day)}};
    // Second 60 is a leap second; it counts as the next second here.
    if (!text.empty() || !date.ok() || *hour > 23 || *minute > 59 || *second > 60) {
        return std::nullopt;
    }
    const auto days = ch::sys_days{date}.time_since_epoch().count();
    const auto seconds = days * 86400LL + *hour * 3600LL + *minute * 60LL + *second - offset;
    const auto all = seconds * 1000 + ms;
    // The offset or a leap second may lead beyond the representable years.
    if (all < first || all > last) return std::nullopt;
    return all;
}

}  // namespace

std::string to_rfc3339(WallTime time) {
    const ch::sys_time<ch::milliseconds> at{ch::milliseconds{std::clamp(time.ms, first, last)}};
    const auto day = ch::floor<ch::days>(at);
    const ch::year_month_day date{day};
    const ch::hh_mm_ss clock{at - day};
    char text[40];
    std::snprintf(text,
                  sizeof text,
                  "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ",
                  static_cast<int>(date.year()),
                  static_cast<unsigned>(date.month()),
                  static_cast<unsigned>(date.day()),
                  static_cast<int>(clock.hours().count()),
                  static_cast<int>(clock.minutes().count()),
                  static_cast<int>(clock.seconds().count()),
                  static_cast<int>(clock.subseconds().count()));
    return text;
}

Result<WallTime> parse_rfc3339(std::string_view text) {
    const auto ms = parse(text);
    if (!ms) {
        return error(Errc::invalid,
                     "\"" + std::string{text.substr(0, 40)} + "\" is no RFC 3339 time");
    }
    return WallTime{*ms};
}

}  // namespace model
