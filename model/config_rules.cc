// What each key's value must look like by itself.
#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "model/config_given.h"
#include "model/duration_text.h"

namespace model {
namespace {

/// user:password@ of a URL is nobody's business in a log.
std::string without_login(std::string_view url) {
    const auto scheme = url.find("://");
    const auto begin = scheme == std::string_view::npos ? 0 : scheme + 3;
    const auto at = url.rfind('@');
    if (at == std::string_view::npos || at < begin) return std::string{url};
    return std::string{url.substr(0, begin)} + "***@" + std::string{url.substr(at + 1)};
}

std::string range_text(const ConfigKey& key) {
    return "from " + std::to_string(key.least) + " to " + std::to_string(key.most);
}

std::string why_out_of_range(const ConfigKey& key, std::int64_t number) {
    if (number >= key.least && number <= key.most) return {};
    return "must lie " + range_text(key) + (key.type == ConfigType::span ? " ms" : "");
}

/// "" or [::1] or [::1]:80 as a URL has it: a host, and perhaps a port.
std::string why_no_authority(std::string_view text, std::string_view example) {
    const auto port = text.starts_with('[') ? text.find("]:") : text.find(':');
    const auto address =
        parse_host_port(port == std::string_view::npos ? std::string{text} + ":80" : text, example);
    return address ? "" : address.error().message;
}

std::string why_no_listener(const std::string& text) {
    const auto address = parse_host_port(text, "0.0.0.0:8080");
    if (!address) return address.error().message;
    if (address->host.find(':') == std::string::npos) return {};
    return "is an IPv6 address, which is not supported here; use 0.0.0.0 or an IPv4 address";
}

std::string why_no_endpoint(std::string_view url) {
    if (url.empty()) return {};
    if (url.starts_with("https://")) {
        return "begins with https://, which is not supported; the backend is on this machine: give "
               "its http:// address, or \"\" (healthy while it runs)";
    }
    constexpr std::string_view scheme = "http://";
    if (!url.starts_with(scheme)) return "must be a URL that begins with http:// and a host";
    if (std::any_of(url.begin(), url.end(), [](char c) { return c >= 0 && c <= ' '; })) {
        return "must not contain spaces or control characters";
    }
    const auto rest = url.substr(scheme.size());
    const auto host = rest.substr(0, rest.find_first_of("/?#"));
    if (host.find('@') != std::string_view::npos) return "must not contain a login";
    return why_no_authority(host, "http://127.0.0.1:3210/version");
}

std::string why_no_advertised(std::string_view text) {
    const bool v6 = std::count(text.begin(), text.end(), ':') > 1;
    if (text.find_first_of(" /[]@\t\n") != std::string_view::npos ||
        (!v6 && text.find(':') != std::string_view::npos)) {
        return "must be a host name or an address, without scheme, port, path or spaces";
    }
    return {};
}

/// Four numbers up to 255, or what can be an IPv6 address by its characters.
bool is_ip_address(std::string_view text) {
    if (text.find(':') != std::string_view::npos) {
        return text.find_first_not_of("0123456789abcdefABCDEF:.") == std::string_view::npos;
    }
    int parts = 0;
    while (parts < 4) {
        const auto dot = std::min(text.find('.'), text.size());
        const auto number = parse_number(text.substr(0, dot));
        if (!number || *number > 255 || dot > 3) return false;
        ++parts;
        if (dot == text.size()) break;
        text.remove_prefix(dot + 1);
        if (parts == 4) return false;
    }
    return parts == 4;
}

std::string why_no_text(const ConfigKey& key, const std::string& text) {
    if (key.path == "clusterId") return why_no_cluster_id(text);
    if (key.path == "nodeId") return why_no_node_id(text);
    if (key.path == "api.listen" || key.path == "metrics.listen") return why_no_listener(text);
    if (key.path == "backend.healthEndpoint") return why_no_endpoint(text);
    if (key.path == "advertise") return why_no_advertised(text);
    const bool virtual_address = key.path == "vip.address" || key.path == "vips[].address";
    if (virtual_address && !text.empty() && !is_ip_address(text)) {
        return "must be an IPv4 or IPv6 address, without its prefix";
    }
    if (key.choices.empty()) return {};
    std::string all;
    for (std::string_view rest = key.choices; !rest.empty();) {
        const auto end = std::min(rest.find(' '), rest.size());
        if (rest.substr(0, end) == text) return {};
        all += (all.empty() ? "" : ", ") + std::string{rest.substr(0, end)};
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return "must be one of " + all;
}

std::string why_no_texts(const ConfigKey& key, const ConfigValue& value) {
    const auto* list = std::get_if<ConfigValue::List>(&value.data);
    if (list == nullptr) {
        return "is " + std::string{kind_of(value)} + ", and a list [\"...\"] belongs here";
    }
    const bool urls = key.path == "nats.servers";
    std::set<std::string> seen;
    for (const auto& element : *list) {
        const auto* text = std::get_if<std::string>(&element.data);
        if (text == nullptr) {
            return "has " + std::string{kind_of(element)} + " in it, and only text belongs here";
        }
        if (!urls) continue;
        const auto server = parse_server(*text);
        if (!server) return server.error().message;
        if (!seen.insert(*server).second) {
            return "names " + without_login(*text) + " twice; name each server once";
        }
    }
    if (urls && list->empty()) return "must name at least one server";
    return {};
}

std::string why_no_map(const ConfigKey& key, const ConfigValue& value) {
    const auto* map = std::get_if<ConfigValue::Map>(&value.data);
    if (map == nullptr) {
        return "is " + std::string{kind_of(value)} + ", and an object {...} belongs here";
    }
    for (const auto& [name, element] : *map) {
        if (key.type == ConfigType::text_map) {
            if (!std::holds_alternative<std::string>(element.data)) {
                return name + " is " + std::string{kind_of(element)} +
                       ", and only text belongs here: put it in quotes";
            }
        } else {
            const auto number = integer(element);
            if (!number || *number < 0) return name + " must be a whole number, 0 or more";
        }
    }
    return {};
}

}  // namespace

std::string_view kind_of(const ConfigValue& value) {
    constexpr std::array<std::string_view, 7> names{
        "nothing", "true or false", "a number", "a number", "text", "a list", "an object"};
    return names[value.data.index()];
}

std::string shown(const ConfigKey& key, const ConfigValue& value) {
    if (key.path == "nats.password" || key.path.find(".env") != std::string_view::npos) {
        return "(not shown)";
    }
    if (key.path == "nats.servers") {
        if (const auto* list = std::get_if<ConfigValue::List>(&value.data)) {
            ConfigValue plain{ConfigValue::List{}};
            for (auto element : *list) {
                if (auto* url = std::get_if<std::string>(&element.data)) *url = without_login(*url);
                std::get<ConfigValue::List>(plain.data).push_back(std::move(element));
            }
            return to_text(plain);
        }
        if (const auto* url = std::get_if<std::string>(&value.data)) return without_login(*url);
    }
    return to_text(value);
}

std::string why_wrong(const ConfigKey& key, const ConfigValue& value) {
    const auto wrong_type = [&] {
        return "is " + std::string{kind_of(value)} + ", and a " + std::string{to_text(key.type)} +
               " belongs here";
    };
    switch (key.type) {
        case ConfigType::text: {
            const auto* text = std::get_if<std::string>(&value.data);
            return text == nullptr ? wrong_type() : why_no_text(key, *text);
        }
        case ConfigType::path: {
            const auto* text = std::get_if<std::string>(&value.data);
            if (text == nullptr) return wrong_type();
            if (text->find('\0') != std::string::npos) return "must not contain a zero byte";
            if (!text->empty() && text->front() != '/') {
                return "must be absolute: begin it with /";
            }
            return text->empty() && !key.fallback.empty() ? "must not be empty" : "";
        }
        case ConfigType::number: {
            const auto number = integer(value);
            if (number) return why_out_of_range(key, *number);
            return std::holds_alternative<double>(value.data)
                       ? "must be a whole number " + range_text(key)
                       : wrong_type();
        }
        case ConfigType::boolean:
            return std::holds_alternative<bool>(value.data) ? "" : wrong_type();
        case ConfigType::span: {
            const auto* text = std::get_if<std::string>(&value.data);
            if (text == nullptr) return wrong_type() + ", like \"24h\"";
            const auto span = parse_duration(*text);
            return span ? why_out_of_range(key, to_ms(*span)) : span.error().message;
        }
        case ConfigType::texts:
            return why_no_texts(key, value);
        case ConfigType::text_map:
        case ConfigType::number_map:
            return why_no_map(key, value);
    }
    return {};
}

Result<std::string> parse_server(std::string_view url) {
    const auto wrong = [url](std::string_view why) {
        return error(Errc::invalid,
                     "\"" + without_login(url) + "\" " + std::string{why} +
                         "; write it like nats://host:4222");
    };
    std::string scheme = "nats";
    auto rest = url;
    if (const auto end = url.find("://"); end != std::string_view::npos) {
        scheme = std::string{url.substr(0, end)};
        rest = url.substr(end + 3);
    }
    if (scheme != "nats" && scheme != "tls") return wrong("has a scheme that is not known");
    std::string login;
    if (const auto at = rest.rfind('@'); at != std::string_view::npos) {
        login = std::string{rest.substr(0, at + 1)};
        rest = rest.substr(at + 1);
    }
    if (rest.ends_with('/')) rest.remove_suffix(1);
    if (rest.empty() || rest.find_first_of(" ,/?#\t\n") != std::string_view::npos) {
        return wrong("names no server");
    }
    const bool bracket = rest.front() == '[';
    const auto port = bracket ? rest.find("]:") : rest.find(':');
    if (port == std::string_view::npos) {
        return scheme + "://" + login + std::string{rest} + ":4222";
    }
    auto address = parse_host_port(rest, "nats://host:4222");
    if (!address) return std::move(address).error();
    return scheme + "://" + login + to_text(*address);
}

std::optional<std::int64_t> integer(const ConfigValue& value) {
    if (const auto* number = std::get_if<std::int64_t>(&value.data)) return *number;
    const auto* real = std::get_if<double>(&value.data);
    constexpr double exact = 9007199254740992.0;
    if (real == nullptr || std::abs(*real) > exact || std::trunc(*real) != *real) {
        return std::nullopt;
    }
    return static_cast<std::int64_t>(*real);
}

}  // namespace model
