// The URL of a server, with its login.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "model/result.h"

namespace model {

/// The login of a URL, decoded. Without a password, the user is a token.
struct Login {
    std::string user;
    std::string password;
    friend bool operator==(const Login&, const Login&) = default;
};

struct Url {
    std::string scheme;  // "" where there is none
    std::optional<Login> login;
    std::string host;  // an IPv6 address without its brackets
    std::optional<std::uint16_t> port;
    friend bool operator==(const Url&, const Url&) = default;
};

/// Parses `[scheme://][user[:password]@]host[:port][/]`. The login ends at the last @, the user at
/// the first colon of the login; characters that would be taken for separators are percent-encoded.
///
/// invalid  not such a URL; the message leaves out the login and ends with `example`, a valid one
///
/// Source: RFC 3986, sections 2.1 and 3.2. In a login more characters are accepted than there.
[[nodiscard]] Result<Url> parse_url(std::string_view text,
                                    std::string_view example = "nats://host:4222");

/// Parses back to the same Url; characters of the login that could be taken for separators are
/// encoded.
[[nodiscard]] std::string to_text(const Url& url);

/// A URL for messages: the login is left out, or replaced by ***. In a text that is not a URL,
/// everything before the last @ is taken for a login.
[[nodiscard]] std::string without_login(std::string_view url);
[[nodiscard]] std::string redacted(std::string_view url);

}  // namespace model
