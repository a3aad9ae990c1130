#include "model/url.h"

#include <algorithm>
#include <cstddef>

#include "model/host_port.h"

namespace model {
namespace {

/// A text that may be a URL, split into parts. The concatenated parts are the whole text.
struct Pieces {
    std::string_view scheme;  // including "://"
    std::string_view login;   // including "@"
    std::string_view rest;
};

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

Pieces cut(std::string_view text) {
    const auto colon = text.find("://");
    // Otherwise the "://" is part of a password.
    const bool scheme = colon != std::string_view::npos &&
                        std::all_of(text.begin(),
                                    text.begin() + static_cast<std::ptrdiff_t>(colon),
                                    [](char c) { return is_letter(c) || is_digit(c); });
    const std::size_t begin = scheme ? colon + 3 : 0;
    const auto at = text.rfind('@');
    const std::size_t end = at == std::string_view::npos || at < begin ? begin : at + 1;
    return {text.substr(0, begin), text.substr(begin, end - begin), text.substr(end)};
}

int hex_digit(char c) {
    if (is_digit(c)) return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

std::optional<std::string> decoded(std::string_view text) {
    std::string plain;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            plain += text[i];
            continue;
        }
        const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
        const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
        if (high < 0 || low < 0) return std::nullopt;
        plain += static_cast<char>(high * 16 + low);
        i += 2;
    }
    return plain;
}

std::string encoded(std::string_view text) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string all;
    for (const char c : text) {
        const bool plain = is_letter(c) || is_digit(c) ||
                           std::string_view{"-._~"}.find(c) != std::string_view::npos;
        const auto byte = static_cast<unsigned char>(c);
        if (plain) {
            all += c;
        } else {
            all += '%';
            all += digits[byte >> 4U];
            all += digits[byte & 0xFU];
        }
    }
    return all;
}

/// Parses a login without its @. Empty: it is invalid.
Result<Login> parse_login(std::string_view text) {
    const auto wrong = [](const char* why) { return error(Errc::invalid, why); };
    const auto colon = std::min(text.find(':'), text.size());
    auto user = decoded(text.substr(0, colon));
    auto password = decoded(text.substr(std::min(colon + 1, text.size())));
    if (!user || !password) {
        return wrong("has a % in its login without two hex digits after it; write %25 for it");
    }
    if (user->empty()) return wrong("has a login without a user");
    if (user->find('\0') != std::string::npos || password->find('\0') != std::string::npos) {
        return wrong("has a zero byte in its login");
    }
    return Login{*std::move(user), *std::move(password)};
}

}  // namespace

Result<Url> parse_url(std::string_view text, std::string_view example) {
    const auto wrong = [text, example](const std::string& why) {
        return error(
            Errc::invalid,
            "\"" + redacted(text) + "\" " + why + "; write it like " + std::string{example});
    };
    auto [scheme, login, rest] = cut(text);
    Url url;
    if (scheme == "://") return wrong("names no scheme");
    if (!scheme.empty()) url.scheme = scheme.substr(0, scheme.size() - 3);
    if (login.size() > 1) {
        auto parsed = parse_login(login.substr(0, login.size() - 1));
        if (!parsed) return wrong(parsed.error().message);
        url.login = *std::move(parsed);
    }
    if (rest.ends_with('/')) rest.remove_suffix(1);
    if (rest.empty() || rest.find_first_of(" ,/?#\t\n") != std::string_view::npos) {
        return wrong("names no server");
    }
    const auto bracket = rest.find(']');
    const bool has_port =
        rest.find(':', bracket == std::string_view::npos ? 0 : bracket) != std::string_view::npos;
    auto address =
        parse_host_port(has_port ? std::string{rest} : std::string{rest} + ":1", example);
    if (!address) return std::move(address).error();
    url.host = std::move(address->host);
    if (has_port) url.port = address->port;
    return url;
}

std::string to_text(const Url& url) {
    std::string text = url.scheme.empty() ? "" : url.scheme + "://";
    if (url.login) {
        text += encoded(url.login->user);
        if (!url.login->password.empty()) text += ":" + encoded(url.login->password);
        text += '@';
    }
    const bool v6 = url.host.find(':') != std::string::npos;
    text += v6 ? "[" + url.host + "]" : url.host;
    if (url.port) text += ":" + std::to_string(*url.port);
    return text;
}

std::string without_login(std::string_view url) {
    const auto pieces = cut(url);
    return std::string{pieces.scheme} + std::string{pieces.rest};
}

std::string redacted(std::string_view url) {
    const auto pieces = cut(url);
    return std::string{pieces.scheme} + (pieces.login.empty() ? "" : "***@") +
           std::string{pieces.rest};
}

}  // namespace model
