// Checks of single values. Each function returns "" for a valid value, else what is wrong and what
// to do, as text to follow "KEY = VALUE: ".
#pragma once

#include <string>
#include <string_view>

#include "config/keys.h"
#include "config/value.h"
#include "model/result.h"

namespace config {

/// Applies the checks of the key's row: type, range, choices, and its own function.
[[nodiscard]] std::string why_wrong(const Key& key, const Value& value);

/// Checks for rows of the table; the value has the row's type.
namespace validate {
[[nodiscard]] std::string cluster_id(const Value& value);
[[nodiscard]] std::string node_id(const Value& value);
[[nodiscard]] std::string host(const Value& value);  // "" is valid too
[[nodiscard]] std::string servers(const Value& value);
[[nodiscard]] std::string service_name(const Value& value);
[[nodiscard]] std::string health_endpoint(const Value& value);
[[nodiscard]] std::string ip_address(const Value& value);
[[nodiscard]] std::string interface_name(const Value& value);  // "" is valid too
[[nodiscard]] std::string listener(const Value& value);
[[nodiscard]] std::string url_path(const Value& value);  // or ""
}  // namespace validate

/// Formatters for rows of the table: a value of any type, as a message shows it.
namespace show {
[[nodiscard]] std::string nothing(const Value& value);
[[nodiscard]] std::string without_logins(const Value& value);
}  // namespace show

/// The URL of a server with scheme and port, its login percent-encoded. invalid: not a server's
/// URL.
[[nodiscard]] model::Result<std::string> parse_server(std::string_view text);

}  // namespace config
