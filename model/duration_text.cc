#include "model/duration_text.h"

#include <array>
#include <cstdint>
#include <limits>
#include <utility>

namespace model {
namespace {

// Longest first, since "m" is a prefix of "ms".
constexpr std::array<std::pair<std::string_view, std::int64_t>, 8> units{{
    {"ns", 1},
    {"us", 1'000},
    {"\xC2\xB5s", 1'000},  // micro sign
    {"\xCE\xBCs", 1'000},  // Greek mu
    {"ms", 1'000'000},
    {"s", 1'000'000'000},
    {"m", 60'000'000'000},
    {"h", 3'600'000'000'000},
}};

constexpr auto largest = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Adds value * unit to sum; false where it no longer fits.
bool add(std::uint64_t& sum, std::uint64_t value, std::uint64_t unit) {
    if (value > largest / unit || sum > largest - value * unit) return false;
    sum += value * unit;
    return true;
}

}  // namespace

Result<Duration> parse_duration(std::string_view text) {
    const auto wrong = [text](std::string_view why) {
        return error(Errc::invalid,
                     "\"" + std::string{text} + "\" is no duration: " + std::string{why} +
                         "; write it like \"24h\" or \"1h30m\"");
    };
    std::string_view rest = text;
    bool negative = false;
    if (!rest.empty() && (rest.front() == '-' || rest.front() == '+')) {
        negative = rest.front() == '-';
        rest.remove_prefix(1);
    }
    if (rest == "0") return Duration{0};
    if (rest.empty()) return wrong("it is empty");

    std::uint64_t sum = 0;
    while (!rest.empty()) {
        std::uint64_t whole = 0;
        std::uint64_t fraction = 0;
        std::uint64_t scale = 1;
        bool digits = false;
        while (!rest.empty() && is_digit(rest.front())) {
            if (whole > (largest - 9) / 10) return wrong("it is too long");
            whole = whole * 10 + static_cast<std::uint64_t>(rest.front() - '0');
            digits = true;
            rest.remove_prefix(1);
        }
        if (!rest.empty() && rest.front() == '.') {
            rest.remove_prefix(1);
            while (!rest.empty() && is_digit(rest.front())) {
                // Digits after the thirteenth are less than a nanosecond, even of an hour.
                if (scale < 10'000'000'000'000) {
                    scale *= 10;
                    fraction = fraction * 10 + static_cast<std::uint64_t>(rest.front() - '0');
                }
                digits = true;
                rest.remove_prefix(1);
            }
        }
        if (!digits) return wrong("a number is missing");
        const std::pair<std::string_view, std::int64_t>* unit = nullptr;
        for (const auto& candidate : units) {
            if (rest.substr(0, candidate.first.size()) == candidate.first) {
                unit = &candidate;
                break;
            }
        }
        if (unit == nullptr) return wrong("a unit (ms, s, m, h) is missing");
        rest.remove_prefix(unit->first.size());
        const auto part = static_cast<std::uint64_t>(static_cast<long double>(fraction) *
                                                     static_cast<long double>(unit->second) /
                                                     static_cast<long double>(scale));
        if (!add(sum, whole, static_cast<std::uint64_t>(unit->second)) || !add(sum, part, 1)) {
            return wrong("it is too long");
        }
    }
    const auto value = static_cast<std::int64_t>(sum);
    return Duration{negative ? -value : value};
}

std::string to_text(Duration duration) {
    std::int64_t ms = to_ms(duration);
    if (ms == 0) return "0s";
    std::string text;
    if (ms < 0) {
        text = "-";
        ms = -ms;
    }
    constexpr std::array<std::pair<std::string_view, std::int64_t>, 4> parts{
        {{"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};
    for (const auto& [name, size] : parts) {
        if (ms >= size) {
            text += std::to_string(ms / size);
            text += name;
            ms %= size;
        }
    }
    return text;
}

}  // namespace model
