// Between what a file says and a Config: which keys of the table were given, by whom, and whether
// each value is right by itself.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "model/config.h"
#include "model/config_keys.h"

namespace model {

/// A key that somebody gave: its place in the table and the value that counts.
struct Given {
    const ConfigKey* key = nullptr;
    std::string path;  // as in the table, names and numbers filled in
    const ConfigValue* value = nullptr;
    std::string where;
};

struct GivenKeys {
    std::vector<Given> keys;      // each path once: the value that counts; points into the input
    std::set<std::string> named;  // what people named or numbered: "services.http", "vips[0]"
    std::vector<ConfigProblem> errors;
    std::vector<ConfigProblem> warnings;
};

/// Every value is either in `keys` or named in a problem; each of `keys` that is wrong by itself is
/// in `errors` too.
[[nodiscard]] GivenKeys find_given(const ConfigInput& input);

/// "" = the value is of the key's type and in its range; else why not, and what to do.
[[nodiscard]] std::string why_wrong(const ConfigKey& key, const ConfigValue& value);

/// The value for a message, without secrets.
[[nodiscard]] std::string shown(const ConfigKey& key, const ConfigValue& value);

/// "true or false", "a number", "text", "a list" ...
[[nodiscard]] std::string_view kind_of(const ConfigValue& value);

/// A whole number; JSON knows only one kind of number, so 1e4 is one too.
[[nodiscard]] std::optional<std::int64_t> integer(const ConfigValue& value);

/// The URL of a server with scheme and port. invalid: it names none.
[[nodiscard]] Result<std::string> parse_server(std::string_view url);

}  // namespace model
