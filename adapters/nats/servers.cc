#include "adapters/nats/servers.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "model/json_text.h"
#include "model/url.h"

namespace adapters::nats {
namespace {

bool has_login(const ConnectionOptions& options) {
    return !options.credentials.empty() || !options.user.empty() || !options.token.empty() ||
           !options.nkey_seed_file.empty();
}

std::string escaped(const std::string& text) {
    const auto quoted = model::JsonText{}.value(text).take();
    return quoted.substr(1, quoted.size() - 2);
}

/// As nats.c before 3.9 parses it: the user ends at the first colon, the login at the last @.
model::Result<std::string> as_it_stands(model::Url url) {
    const auto login = std::exchange(url.login, std::nullopt).value_or(model::Login{});
    auto text = to_text(url);
    if (login.user.empty()) return text;
    if (login.user.find(':') != std::string::npos) {
        return model::error(model::Errc::invalid,
                            "nats: the login for " + text +
                                " has a colon in its user, which works only where every server "
                                "has the same login");
    }
    const auto password = (login.password.empty() ? "" : ":") + login.password;
    text.insert(text.find("://") + 3, login.user + password + "@");
    return text;
}

}  // namespace

model::Result<Servers> choose_servers(const ConnectionOptions& options, bool decode) {
    Servers servers{.urls = {},
                    .user = escaped(options.user),
                    .password = escaped(options.password),
                    .token = escaped(options.token)};
    std::vector<model::Url> urls;
    for (const auto& text : options.servers) {
        auto url = model::parse_url(text);
        if (!url) return std::move(url).error().during("nats");
        if (url->scheme.empty()) url->scheme = "nats";
        if (url->scheme == "tls") servers.tls = true;
        if (url->login) {
            url->login = {.user = escaped(url->login->user),
                          .password = escaped(url->login->password)};
        }
        urls.push_back(*std::move(url));
    }
    const bool shared = std::all_of(urls.begin(), urls.end(), [&urls](const auto& url) {
        return url.login && url.login == urls.front().login;
    });
    if (shared && !urls.empty() && !has_login(options)) {
        const auto& login = *urls.front().login;
        (login.password.empty() ? servers.token : servers.user) = login.user;
        servers.password = login.password;
        for (auto& url : urls)
            url.login.reset();
    }
    for (auto& url : urls) {
        auto text =
            decode ? as_it_stands(std::move(url)) : model::Result<std::string>{to_text(url)};
        if (!text) return std::move(text).error();
        servers.urls.push_back(*std::move(text));
    }
    return servers;
}

std::string server_name(std::string_view url) {
    constexpr std::uint16_t default_port = 4222;
    auto parsed = model::parse_url(url);
    if (!parsed) return model::without_login(url);
    parsed->login.reset();
    if (parsed->scheme.empty()) parsed->scheme = "nats";
    if (!parsed->port) parsed->port = default_port;
    return to_text(*parsed);
}

}  // namespace adapters::nats
