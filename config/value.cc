#include "config/value.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <string_view>

#include "model/url.h"

namespace config {
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
            out += '?';  // control characters must not reach a terminal
        } else {
            out += c;
        }
    }
    out += '"';
}

void write(std::string& out, const Value& value);

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
    void operator()(const std::string& value) const {
        const bool url = value.find("://") != std::string::npos;
        quote(out, url ? model::redacted(value) : value);
    }
    void operator()(const Value::List& list) const {
        out += '[';
        for (const auto& element : list) {
            if (out.size() > longest) return;
            if (&element != &list.front()) out += ", ";
            write(out, element);
        }
        out += ']';
    }
    void operator()(const Value::Map& map) const {
        out += '{';
        for (const auto& member : map) {
            if (out.size() > longest) return;
            if (&member != &map.front()) out += ", ";
            quote(out, member.name);
            out += ": ...";
        }
        out += '}';
    }
};

void write(std::string& out, const Value& value) { std::visit(Writer{out}, value.data); }

}  // namespace

std::string_view kind_of(const Value& value) {
    constexpr std::array<std::string_view, 7> names{
        "nothing", "true or false", "a number", "a number", "text", "a list", "an object"};
    return names[value.data.index()];
}

std::optional<std::int64_t> integer(const Value& value) {
    if (const auto* number = std::get_if<std::int64_t>(&value.data)) return *number;
    const auto* real = std::get_if<double>(&value.data);
    constexpr double exact = 9007199254740992.0;
    if (real == nullptr || std::abs(*real) > exact || std::trunc(*real) != *real) {
        return std::nullopt;
    }
    return static_cast<std::int64_t>(*real);
}

std::string to_text(const Value& value) {
    std::string text;
    write(text, value);
    if (text.size() <= longest) return text;
    // Not in the middle of a UTF-8 character.
    auto end = longest;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U)
        --end;
    return text.substr(0, end) + "...";
}

}  // namespace config
