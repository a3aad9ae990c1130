// Durations as Go writes them, compared with a second parser of different design.
#include <cmath>
#include <optional>

#include "model/duration_text.h"
#include "tests/fuzz/fuzz.h"

namespace {

using fuzz::require;
using Wide = long double;  // exact for every 64-bit integer

struct Sum {
    Wide ns = 0;  // without the sign
    int terms = 0;
};

/// Adds up all terms, with fractions of a nanosecond. Empty: not a duration.
std::optional<Sum> read_slowly(std::string_view text) {
    constexpr std::pair<std::string_view, Wide> units[] = {{"ns", 1},
                                                           {"us", 1e3L},
                                                           {"\xC2\xB5s", 1e3L},
                                                           {"\xCE\xBCs", 1e3L},
                                                           {"ms", 1e6L},
                                                           {"s", 1e9L},
                                                           {"m", 60e9L},
                                                           {"h", 3600e9L}};
    constexpr std::string_view of_numbers = "0123456789.";
    if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
    if (text == "0") return Sum{};
    if (text.empty()) return std::nullopt;
    Sum sum;
    while (!text.empty()) {
        const std::string number{text.substr(0, text.find_first_not_of(of_numbers))};
        text.remove_prefix(number.size());
        const auto name = text.substr(0, text.find_first_of(of_numbers));
        text.remove_prefix(name.size());
        const auto points = std::count(number.begin(), number.end(), '.');
        const auto* const unit = std::find_if(
            std::begin(units), std::end(units), [&](const auto& u) { return u.first == name; });
        if (points > 1 || number.size() == static_cast<std::size_t>(points) ||
            unit == std::end(units)) {
            return std::nullopt;
        }
        sum.ns += std::strtold(number.c_str(), nullptr) * unit->second;
        ++sum.terms;
    }
    return sum;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto text = fuzz::text_of(data, size);
    const auto duration = model::parse_duration(text);
    const auto expected = read_slowly(text);
    if (!duration) {
        fuzz::require_refusal(duration.error(), model::Errc::invalid);
        require(!expected || expected->ns > 9.2233720368547e18L, "a duration is taken");
        return 0;
    }
    require(expected.has_value(), "what is taken is a duration");
    // Each term drops its fraction of a nanosecond; half a nanosecond is the second parser's error.
    const auto dropped = expected->ns - std::abs(static_cast<Wide>(duration->count()));
    require(dropped >= -0.5L * expected->terms && dropped < 1.5L * expected->terms + 0.5L,
            "it is as long as it says");
    require(duration->count() == 0 || (duration->count() < 0) == text.starts_with('-'),
            "it has its sign");

    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(*duration);
    const auto again = model::parse_duration(model::to_text(*duration));
    require(again && *again == ms, "it is written to the millisecond");
    return 0;
}
