// Writes JSON value by value; the result is always well-formed.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace model {

/// Appends the text as a JSON string, with quotation marks. Control characters are escaped, bytes
/// that are not UTF-8 become U+FFFD.
void append_quoted(std::string& out, std::string_view text);

/// Writes one value: an object or a list and its contents, in order. Misuse that would not give
/// JSON (a key outside an object, a value without a key, an end without a beginning) is a bug and
/// aborts.
class JsonText {
public:
    ///
    /// indent  spaces per level; 0: everything on one line
    explicit JsonText(int indent = 0) : indent_{indent} {}

    JsonText& begin_object();
    JsonText& end_object();
    JsonText& begin_list();
    JsonText& end_list();
    JsonText& key(std::string_view name);

    /// Bytes that are not UTF-8 become U+FFFD.
    JsonText& value(std::string_view text);
    JsonText& value(const char* text) { return value(std::string_view{text}); }
    JsonText& value(const std::string& text) { return value(std::string_view{text}); }
    JsonText& value(bool flag);
    template <std::integral Number>
    requires(!std::same_as<Number, bool>) JsonText& value(Number number) {
        if constexpr (std::is_signed_v<Number>) {
            return signed_value(number);
        } else {
            return unsigned_value(number);
        }
    }
    JsonText& null();

    template <typename Value>
    JsonText& field(std::string_view name, const Value& text_or_number) {
        return key(name).value(text_or_number);
    }
    JsonText& field(std::string_view name, const std::vector<std::string>& texts);

    /// The finished value.
    [[nodiscard]] std::string take();

private:
    JsonText& signed_value(std::int64_t number);
    JsonText& unsigned_value(std::uint64_t number);
    void before_value();
    void line();
    void close(char bracket);

    int indent_;
    std::string out_;
    std::vector<char> open_;  // closing brackets still to write, innermost last
    bool empty_ = true;       // the innermost object or list has no element yet
    bool keyed_ = false;      // a key waits for its value
};

}  // namespace model
