#include "model/ids.h"

#include <charconv>

namespace model {

std::string to_hex16(std::uint64_t value) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text(16, '0');
    for (std::size_t i = 16; i-- > 0; value >>= 4U)
        text[i] = digits[value & 0xFU];
    return text;
}

Result<std::uint64_t> parse_hex16(std::string_view text) {
    if (text.size() != 16 || text.find_first_not_of("0123456789abcdef") != std::string_view::npos) {
        return error(Errc::invalid,
                     "'" + std::string{text} + "' is not sixteen lower-case hexadecimal digits");
    }
    std::uint64_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value, 16);
    return value;
}

Result<std::uint64_t> parse_number(std::string_view text) {
    std::uint64_t value = 0;
    const auto* end = text.data() + text.size();
    const auto [stop, failed] = std::from_chars(text.data(), end, value);
    if (text.empty() || failed != std::errc{} || stop != end) {
        return error(Errc::invalid, "'" + std::string{text} + "' is not a number");
    }
    return value;
}

}  // namespace model
