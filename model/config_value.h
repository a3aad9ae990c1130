// What a configuration file says, before anybody knows what it means: a tree without a format.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace model {

struct ConfigMember;

/// A value and the line of the file it came from (from 1; 0: it came from no file). A number that
/// is no 64-bit integer is a double.
struct ConfigValue {
    using List = std::vector<ConfigValue>;
    using Map = std::vector<ConfigMember>;  // in the order of the file
    std::variant<std::monostate, bool, std::int64_t, double, std::string, List, Map> data;
    int line = 0;
};

struct ConfigMember {
    std::string name;
    ConfigValue value;
};

/// As JSON would write it, on one line, cut after 80 characters.
[[nodiscard]] std::string to_text(const ConfigValue& value);

}  // namespace model
