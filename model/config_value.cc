#include "model/config_value.h"

#include <array>
#include <charconv>
#include <cstddef>
#include <string_view>

namespace model {
namespace {

constexpr std::size_t longest = 80;

void quote(std::string& out, std::string_view text) {
    out += '"';
    for (const char c : text) {
        if (out.size() > longest) return;
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (static_cast<unsigned char>(c) < 0x20) {
            out += '?';  // control characters do not belong in anybody's terminal
        } else {
            out += c;
        }
    }
    out += '"';
}

void write(std::string& out, const ConfigValue& value);

struct Writer {
    std::string& out;
    void operator()(std::monostate) const { out += "null"; }
    void operator()(bool value) const { out += value ? "true" : "false"; }
    void operator()(std::int64_t value) const { out += std::to_string(value); }
    void operator()(double value) const {
        std::array<char, 32> digits{};
        const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
        out.append(digits.data(), end);
    }
    void operator()(const std::string& value) const { quote(out, value); }
    void operator()(const ConfigValue::List& list) const {
        out += '[';
        for (const auto& element : list) {
            if (out.size() > longest) return;
            if (&element != &list.front()) out += ", ";
            write(out, element);
        }
        out += ']';
    }
    void operator()(const ConfigValue::Map& map) const {
        out += '{';
        for (const auto& member : map) {
            if (out.size() > longest) return;
            if (&member != &map.front()) out += ", ";
            quote(out, member.name);
            out += ": ";
            write(out, member.value);
        }
        out += '}';
    }
};

void write(std::string& out, const ConfigValue& value) { std::visit(Writer{out}, value.data); }

}  // namespace

std::string to_text(const ConfigValue& value) {
    std::string text;
    write(text, value);
    if (text.size() <= longest) return text;
    // Not in the middle of a character.
    auto end = longest;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U)
        --end;
    return text.substr(0, end) + "...";
}

}  // namespace model
