// Every key of cluster.json, one row each: type, default, unit, range, checks, the field that it
// fills, and its text in docs/configuration.md. A new key needs a row here, a field of Config and a
// use of that field.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config/value.h"
#include "model/event_line.h"
#include "model/host_port.h"
#include "model/time.h"

namespace config {

struct Config;

enum class Type : std::uint8_t {
    text,
    path,        // absolute
    number,      // an integer
    boolean,     // true or false
    span,        // a duration as text: "24h"
    texts,       // a list of text
    text_map,    // keys chosen by the user, each with a text
    number_map,  // keys chosen by the user, each with an integer
};

[[nodiscard]] std::string_view to_text(Type type);

/// What must hold for a file before anything starts: for the file that a path names or, where the
/// value is not a path, for the configuration file itself.
enum class FileRule : std::uint8_t {
    none,
    readable,
    secret,  // readable, and a warning where others can read it too
};

/// The field that a value fills. A number fills a Duration as milliseconds.
using Field = std::variant<std::string*,
                           bool*,
                           int*,
                           model::Duration*,
                           std::vector<std::string>*,
                           std::map<std::string, std::string>*,
                           std::map<std::string, std::uint64_t>*,
                           model::HostPort*,
                           model::EventLevel*,
                           std::optional<model::LineFormat>*>;

struct Key {
    std::string_view path;  // "<name>" stands for any name, "[]" for each element of a list
    Type type = Type::text;
    std::string_view fallback{};       // the default, as text; "" = none
    std::string_view fallback_note{};  // the default in words, where it is computed
    std::string_view unit{};           // "" where there is none
    std::int64_t least = 0;            // for a number, or for a span in milliseconds
    std::int64_t most = std::numeric_limits<std::int64_t>::max();
    std::string_view choices{};  // allowed words, separated by spaces
    bool required = false;
    bool active = false;       // false: accepted and checked, but without effect in this version
    std::string_view alias{};  // go-cluster's name for the last part of the path
    std::string_view environment{};  // a variable that takes precedence over the file
    FileRule file = FileRule::none;
    /// A further check of a value of the right type, if any: a function of config/validate.h.
    std::string (*validate)(const Value&) = nullptr;
    /// Formats the value for a message, without secrets.
    std::string (*show)(const Value&) = to_text;
    /// The field. nullptr: none, or build.cc fills it (a key below a user's name or in a list, or
    /// several keys that make one value).
    Field (*field)(Config&) = nullptr;
    std::string_view purpose;
};

/// In the order of the documentation.
[[nodiscard]] std::span<const Key> keys();

/// The row with this path; aborts where there is none.
[[nodiscard]] const Key& find_key(std::string_view path);

/// The default; an empty list or map, and 0 for a number without a default.
[[nodiscard]] Value fallback_value(const Key& key);

/// The text for the column "default" of the documentation.
[[nodiscard]] std::string default_text(const Key& key);

/// The known key most similar to `path`; "" where none is similar.
[[nodiscard]] std::string nearest_key(std::string_view path);

}  // namespace config
