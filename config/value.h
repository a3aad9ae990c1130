// A parsed configuration file before its keys are interpreted: a tree, independent of the format.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace config {

struct Member;

/// A value and its line in the file (from 1; 0: not from a file). A number that is not a 64-bit
/// integer is a double.
struct Value {
    using List = std::vector<Value>;
    using Map = std::vector<Member>;  // in the order of the file
    std::variant<std::monostate, bool, std::int64_t, double, std::string, List, Map> data;
    int line = 0;

    /// Compares values; ignores lines.
    friend bool operator==(const Value& a, const Value& b);
};

struct Member {
    std::string name;
    Value value;
    friend bool operator==(const Member&, const Member&) = default;
};

inline bool operator==(const Value& a, const Value& b) { return a.data == b.data; }

/// "true or false", "a number", "text", "a list" ...
[[nodiscard]] std::string_view kind_of(const Value& value);

/// The value as an integer; JSON does not distinguish 1e4 from 10000. Empty for anything else.
[[nodiscard]] std::optional<std::int64_t> integer(const Value& value);

/// For messages: JSON on one line, cut after 80 characters. Leaves out the values of an object and
/// the login of a URL, which may be secrets.
[[nodiscard]] std::string to_text(const Value& value);

}  // namespace config
