#include "adapters/json/config_file.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>

namespace adapters::json {
namespace {

using Json = nlohmann::json;
using model::Errc;

constexpr std::size_t deepest = 64;

/// A reading position in a text, shared by the copies that the library makes of its iterator.
struct Place {
    std::size_t offset = 0;
};

class Cursor {
public:
    using iterator_category = std::input_iterator_tag;
    using value_type = char;
    using difference_type = std::ptrdiff_t;
    using pointer = const char*;
    using reference = char;

    Cursor(std::string_view text, std::size_t at, Place* place)
        : text_{text}, at_{at}, place_{place} {}
    char operator*() const { return text_[at_]; }
    Cursor& operator++() {
        place_->offset = ++at_;
        return *this;
    }
    friend bool operator==(const Cursor& a, const Cursor& b) { return a.at_ == b.at_; }

private:
    std::string_view text_;
    std::size_t at_;
    Place* place_;
};

/// Position of the last character before `end` that is neither space nor comment; npos: none.
std::size_t last_before(std::string_view text, std::size_t end) {
    text = text.substr(0, end);
    auto last = std::string_view::npos;
    const auto beyond = [text](std::string_view mark, std::size_t from) {
        const auto found = text.find(mark, from);
        return found == std::string_view::npos ? text.size() : found + mark.size();
    };
    for (std::size_t i = 0; i < text.size();) {
        const auto two = text.substr(i, 2);
        if (two == "//" || two == "/*") {
            i = beyond(two == "//" ? "\n" : "*/", i + 2);
            continue;
        }
        if (std::string_view{" \t\r\n"}.find(text[i]) == std::string_view::npos) last = i;
        if (text[i++] != '"') continue;
        while (i < text.size() && text[i] != '"')
            i += text[i] == '\\' ? 2U : 1U;
        ++i;
    }
    return last;
}

/// Position of a superfluous comma, if one is the reason for the syntax error at `failed`.
/// complete: the whole value had already ended before.
std::optional<std::size_t> stray_comma(std::string_view text, std::size_t failed, bool complete) {
    if (failed >= text.size()) return std::nullopt;
    const auto last = last_before(text, failed);
    if (last == std::string_view::npos) return std::nullopt;
    const char before = text[last];
    const char here = text[failed];
    if (before == ',' && (here == '}' || here == ']')) return last;
    const bool nothing = complete || before == ',' || before == '{' || before == '[';
    return here == ',' && nothing ? std::optional{failed} : std::nullopt;
}

/// Builds the tree from SAX events, so that each value gets its line and a repeated key is
/// detected; the library's own tree provides neither.
class Builder : public nlohmann::json_sax<Json> {
public:
    Builder(std::string_view text, const Place& place) : text_{text}, place_{place} {}

    bool null() override { return add({}); }
    bool boolean(bool value) override { return add({value}); }
    bool number_integer(number_integer_t value) override { return add({std::int64_t{value}}); }
    bool number_unsigned(number_unsigned_t value) override {
        constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
        if (value > most) return add({static_cast<double>(value)});
        return add({static_cast<std::int64_t>(value)});
    }
    bool number_float(number_float_t value, const string_t&) override { return add({value}); }
    bool string(string_t& value) override { return add({std::move(value)}); }
    bool binary(binary_t&) override { return false; }
    bool start_object(std::size_t) override { return open({config::Value::Map{}}); }
    bool start_array(std::size_t) override { return open({config::Value::List{}}); }
    bool end_object() override { return close(); }
    bool end_array() override { return close(); }

    bool key(string_t& name) override {
        if (!stack_.back().keys.insert(name).second) {
            problem_ = "\"" + name + "\" is given twice; keep one";
            return false;
        }
        stack_.back().key = name;
        stack_.back().key_line = line();
        return true;
    }

    bool parse_error(std::size_t position,
                     const std::string& token,
                     const nlohmann::detail::exception& failure) override {
        // "[json.exception.parse_error.101] parse error at line 1, column 2: <what we want>"
        std::string_view what = failure.what();
        const auto column = what.find(", column");
        const auto colon =
            column == std::string_view::npos ? what.find("] ") : what.find(": ", column);
        if (colon != std::string_view::npos) what.remove_prefix(colon + 2);
        problem_ = what;
        if (failure.id == 406) problem_ = "the number " + token + " is too large";
        position_ = position;
        const auto comma =
            position == 0 ? std::nullopt : stray_comma(text_, position - 1, stack_.empty());
        if (comma) {
            problem_ = "this comma separates nothing: remove the comma";
            position_ = *comma + 1;
        }
        return false;
    }

    /// The first problem, with line and column; empty: none.
    std::optional<std::string> problem() const {
        if (problem_.empty()) return std::nullopt;
        const auto at = std::min(position_.value_or(place_.offset), text_.size());
        const auto before = text_.substr(0, at == 0 ? 0 : at - 1);
        const auto start = before.rfind('\n');
        const auto column = before.size() - (start == std::string_view::npos ? 0 : start + 1) + 1;
        return std::to_string(line_at(before.size())) + ":" + std::to_string(column) + ": " +
               problem_;
    }

    config::Value take() { return std::move(root_); }

private:
    struct Level {
        config::Value value;
        std::string key;
        int key_line = 0;
        std::set<std::string> keys;  // keys of this object so far
    };

    /// The current line, counted incrementally over the text.
    int line() {
        const auto at = std::min(place_.offset, text_.size());
        for (; counted_ < at; ++counted_) {
            if (text_[counted_] == '\n') ++line_;
        }
        return line_;
    }
    int line_at(std::size_t offset) const {
        return 1 + static_cast<int>(std::count(
                       text_.begin(), text_.begin() + static_cast<std::ptrdiff_t>(offset), '\n'));
    }

    bool add(config::Value value) {
        if (value.line == 0) value.line = line();
        if (stack_.empty()) {
            root_ = std::move(value);
            return true;
        }
        auto& level = stack_.back();
        if (auto* list = std::get_if<config::Value::List>(&level.value.data)) {
            list->push_back(std::move(value));
        } else {
            value.line = level.key_line;
            std::get<config::Value::Map>(level.value.data)
                .push_back({std::move(level.key), std::move(value)});
        }
        return true;
    }

    bool open(config::Value value) {
        if (stack_.size() >= deepest) {
            problem_ = "objects and lists are nested more than 64 deep";
            return false;
        }
        value.line = line();
        stack_.push_back({std::move(value), {}, 0, {}});
        return true;
    }

    bool close() {
        auto value = std::move(stack_.back().value);
        stack_.pop_back();
        return add(std::move(value));
    }

    std::string_view text_;
    const Place& place_;
    std::vector<Level> stack_;
    config::Value root_;
    std::string problem_;
    std::optional<std::size_t> position_;
    std::size_t counted_ = 0;
    int line_ = 1;
};

}  // namespace

model::Result<config::Value> parse_config(std::string_view text, std::string_view name) {
    // Some editors on other systems begin a file with a byte order mark.
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    Place place;
    Builder builder{text, place};
    const bool done = Json::sax_parse(Cursor{text, 0, &place},
                                      Cursor{text, text.size(), &place},
                                      &builder,
                                      nlohmann::detail::input_format_t::json,
                                      true,
                                      true);
    if (const auto problem = builder.problem()) {
        return model::error(Errc::invalid, std::string{name} + ":" + *problem);
    }
    if (!done) return model::error(Errc::invalid, std::string{name} + ": is no JSON");
    return builder.take();
}

model::Result<config::Outcome> build_config(std::string_view text,
                                            const std::string& name,
                                            const std::vector<config::Override>& overrides) {
    auto root = parse_config(text, name);
    if (!root) return std::move(root).error();
    return config::build({name, *std::move(root), overrides});
}

}  // namespace adapters::json
