// Converts servers and login of the options into what nats.c expects, whatever characters they
// contain.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "adapters/nats/connection.h"
#include "model/result.h"

namespace adapters::nats {

/// For nats.c, which writes logins unescaped into its JSON: they are escaped here.
struct Servers {
    std::vector<std::string> urls;
    bool tls = false;  // one of them says tls://
    // A login for all servers, of one kind at most; "": none.
    std::string user;
    std::string password;
    std::string token;
};

/// Removes the login from the URLs where all have the same one and no other kind of login is set.
/// Otherwise each URL keeps its own, which takes precedence over other kinds.
///
/// decode  for nats.c before 3.9, which uses the login of a URL without decoding it; later versions
///         decode it
///
/// invalid  a URL is not valid, or has a login that such a nats.c cannot be given
[[nodiscard]] model::Result<Servers> choose_servers(const ConnectionOptions& options, bool decode);

/// A server's name in events and comparisons: "user:secret@host" is "nats://host:4222". A text that
/// is not a URL is returned without its login.
[[nodiscard]] std::string server_name(std::string_view url);

}  // namespace adapters::nats
