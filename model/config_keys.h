// Every key of cluster.json, in one table: what the loader accepts, what docs/configuration.md
// says.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>

namespace model {

enum class ConfigType : std::uint8_t {
    text,
    path,        // absolute
    number,      // an integer
    boolean,     // true or false
    span,        // a duration as text: "24h"
    texts,       // a list of text
    text_map,    // names of the user's choice, each with a text
    number_map,  // names of the user's choice, each with an integer
};

[[nodiscard]] std::string_view to_text(ConfigType type);

struct ConfigKey {
    std::string_view path;  // "<name>" stands for any name, "[]" for each element of a list
    ConfigType type = ConfigType::text;
    std::string_view fallback;  // the default, as text; "" = none
    std::string_view unit;      // "" where there is none
    bool active = false;        // false: accepted and checked, without effect in this version
    std::string_view purpose;
    std::string_view fallback_note{};  // the default in words, where it is worked out
    bool required = false;
    std::int64_t least = 0;  // of a number, or of a span in milliseconds
    std::int64_t most = std::numeric_limits<std::int64_t>::max();
    std::string_view choices{};  // words separated by a space, one of which a text must be
};

/// In the order of the documentation.
[[nodiscard]] std::span<const ConfigKey> config_keys();

/// The entry with this path as it stands in the table; aborts where there is none.
[[nodiscard]] const ConfigKey& config_key(std::string_view path);

/// go-cluster's name of a key, or "": "election.leaderTtlMs" was "election.leaseTtlMs" there.
[[nodiscard]] std::string_view alias_of(std::string_view path);

/// The known key that looks most like `path`; "" where none comes near.
[[nodiscard]] std::string nearest_key(std::string_view path);

/// What people read in the column "default".
[[nodiscard]] std::string default_text(const ConfigKey& key);

}  // namespace model
