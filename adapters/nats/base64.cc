#include "adapters/nats/base64.h"

#include <array>
#include <cstdint>

namespace adapters::nats {
namespace {

constexpr std::string_view url_alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::string_view alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t no_digit = 0xff;

constexpr std::array<std::uint8_t, 256> make_values() {
    std::array<std::uint8_t, 256> values{};
    values.fill(no_digit);
    for (std::size_t i = 0; i < alphabet.size(); ++i)
        values[static_cast<unsigned char>(alphabet[i])] = static_cast<std::uint8_t>(i);
    return values;
}
constexpr auto digit_values = make_values();

}  // namespace

std::string to_base64url(model::ByteView bytes) {
    std::string text;
    text.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        const auto left = bytes.size() - i;
        std::uint32_t group = std::to_integer<std::uint32_t>(bytes[i]) << 16;
        if (left > 1) group |= std::to_integer<std::uint32_t>(bytes[i + 1]) << 8;
        if (left > 2) group |= std::to_integer<std::uint32_t>(bytes[i + 2]);
        text += url_alphabet[group >> 18 & 63];
        text += url_alphabet[group >> 12 & 63];
        text += left > 1 ? url_alphabet[group >> 6 & 63] : '=';
        text += left > 2 ? url_alphabet[group & 63] : '=';
    }
    return text;
}

std::optional<model::Bytes> from_base64(std::string_view text) {
    if (text.size() % 4 != 0) return std::nullopt;
    std::size_t padding = 0;
    while (padding < 2 && text.ends_with('=')) {
        text.remove_suffix(1);
        ++padding;
    }
    model::Bytes bytes;
    bytes.reserve(text.size() * 3 / 4);
    std::uint32_t group = 0;
    std::size_t held = 0;
    for (const char c : text) {
        const auto value = digit_values[static_cast<unsigned char>(c)];
        if (value == no_digit) return std::nullopt;
        group = group << 6 | value;
        if (++held < 4) continue;
        bytes.push_back(static_cast<std::byte>(group >> 16 & 0xff));
        bytes.push_back(static_cast<std::byte>(group >> 8 & 0xff));
        bytes.push_back(static_cast<std::byte>(group & 0xff));
        group = 0;
        held = 0;
    }
    if (held == 3) {
        bytes.push_back(static_cast<std::byte>(group >> 10 & 0xff));
        bytes.push_back(static_cast<std::byte>(group >> 2 & 0xff));
    } else if (held == 2) {
        bytes.push_back(static_cast<std::byte>(group >> 4 & 0xff));
    }
    return bytes;
}

}  // namespace adapters::nats
