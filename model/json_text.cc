#include "model/json_text.h"

#include <cstddef>
#include <utility>

#include "model/result.h"

namespace model {
namespace {

/// Length in bytes of the UTF-8 character at the front; 0: not UTF-8 (RFC 3629).
std::size_t utf8_length(std::string_view text) {
    const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char first = byte(0);
    if (first < 0x80) return 1;
    const std::size_t length = first >= 0xC2 && first <= 0xDF   ? 2
                               : first >= 0xE0 && first <= 0xEF ? 3
                               : first >= 0xF0 && first <= 0xF4 ? 4
                                                                : 0;
    if (length == 0 || text.size() < length) return 0;
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xC0U) != 0x80U) return 0;
    }
    const unsigned char second = byte(1);
    const bool overlong = (first == 0xE0 && second < 0xA0) || (first == 0xF0 && second < 0x90);
    const bool surrogate = first == 0xED && second > 0x9F;
    const bool beyond = first == 0xF4 && second > 0x8F;
    return overlong || surrogate || beyond ? 0 : length;
}

}  // namespace

void append_quoted(std::string& out, std::string_view text) {
    constexpr std::string_view digits = "0123456789abcdef";
    out += '"';
    while (!text.empty()) {
        const auto c = static_cast<unsigned char>(text.front());
        std::size_t taken = 1;
        if (c == '"' || c == '\\') {
            out += '\\';
            out += text.front();
        } else if (c == '\n') {
            out += "\\n";
        } else if (c < 0x20 || c == 0x7F) {
            out += "\\u00";
            out += digits[c >> 4U];
            out += digits[c & 0xFU];
        } else if (const auto length = utf8_length(text); length > 0) {
            out += text.substr(0, length);
            taken = length;
        } else {
            out += "\\ufffd";
        }
        text.remove_prefix(taken);
    }
    out += '"';
}

void JsonText::line() {
    if (indent_ == 0) return;
    out_ += '\n';
    out_.append(open_.size() * static_cast<std::size_t>(indent_), ' ');
}

void JsonText::before_value() {
    check(keyed_ || open_.empty() || open_.back() == ']', "a value in a JSON object has a key");
    check(!open_.empty() || out_.empty(), "one JSON value");
    if (!keyed_ && !open_.empty()) {
        if (!empty_) out_ += ',';
        line();
    }
    keyed_ = false;
    empty_ = false;
}

JsonText& JsonText::key(std::string_view name) {
    check(!open_.empty() && open_.back() == '}' && !keyed_, "a JSON key stands in an object");
    if (!empty_) out_ += ',';
    line();
    append_quoted(out_, name);
    out_ += indent_ == 0 ? ":" : ": ";
    keyed_ = true;
    return *this;
}

JsonText& JsonText::begin_object() {
    before_value();
    out_ += '{';
    open_.push_back('}');
    empty_ = true;
    return *this;
}

JsonText& JsonText::begin_list() {
    before_value();
    out_ += '[';
    open_.push_back(']');
    empty_ = true;
    return *this;
}

void JsonText::close(char bracket) {
    check(!open_.empty() && open_.back() == bracket && !keyed_, "JSON closes what it opened");
    open_.pop_back();
    if (!empty_) line();
    out_ += bracket;
    empty_ = false;
}

JsonText& JsonText::end_object() {
    close('}');
    return *this;
}

JsonText& JsonText::end_list() {
    close(']');
    return *this;
}

JsonText& JsonText::value(std::string_view text) {
    before_value();
    append_quoted(out_, text);
    return *this;
}

JsonText& JsonText::value(bool flag) {
    before_value();
    out_ += flag ? "true" : "false";
    return *this;
}

JsonText& JsonText::null() {
    before_value();
    out_ += "null";
    return *this;
}

JsonText& JsonText::signed_value(std::int64_t number) {
    before_value();
    out_ += std::to_string(number);
    return *this;
}

JsonText& JsonText::unsigned_value(std::uint64_t number) {
    before_value();
    out_ += std::to_string(number);
    return *this;
}

JsonText& JsonText::field(std::string_view name, const std::vector<std::string>& texts) {
    key(name).begin_list();
    for (const auto& text : texts)
        value(text);
    return end_list();
}

std::string JsonText::take() {
    check(open_.empty() && !out_.empty(), "a finished JSON value");
    return std::exchange(out_, {});
}

}  // namespace model
