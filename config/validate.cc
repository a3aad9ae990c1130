// Checks of single values.
#include "config/validate.h"

#include <algorithm>
#include <set>
#include <utility>

#include "model/duration_text.h"
#include "model/host_port.h"
#include "model/ids.h"
#include "model/ip_address.h"
#include "model/names.h"
#include "model/url.h"

namespace config {
namespace {

const std::string& text_of(const Value& value) { return std::get<std::string>(value.data); }

std::string range_text(const Key& key) {
    return "from " + std::to_string(key.least) + " to " + std::to_string(key.most);
}

std::string why_out_of_range(const Key& key, std::int64_t number) {
    if (number >= key.least && number <= key.most) return {};
    return "must lie " + range_text(key) + (key.type == Type::span ? " ms" : "");
}

std::string why_no_choice(const Key& key, const std::string& text) {
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

std::string why_no_path(const Key& key, const std::string& text) {
    if (text.find('\0') != std::string::npos) return "must not contain a zero byte";
    if (!text.empty() && text.front() != '/') return "must be absolute: begin it with /";
    return text.empty() && !key.fallback.empty() ? "must not be empty" : "";
}

std::string why_no_texts(const Value& value) {
    const auto* list = std::get_if<Value::List>(&value.data);
    if (list == nullptr) {
        return "is " + std::string{kind_of(value)} + ", and a list [\"...\"] belongs here";
    }
    for (const auto& element : *list) {
        if (std::holds_alternative<std::string>(element.data)) continue;
        return "has " + std::string{kind_of(element)} + " in it, and only text belongs here";
    }
    return {};
}

std::string why_no_map(const Key& key, const Value& value) {
    const auto* map = std::get_if<Value::Map>(&value.data);
    if (map == nullptr) {
        return "is " + std::string{kind_of(value)} + ", and an object {...} belongs here";
    }
    for (const auto& [name, element] : *map) {
        if (key.type == Type::text_map) {
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

/// Checks type, range and choices of the row.
std::string why_no_value(const Key& key, const Value& value) {
    const auto wrong_type = [&] {
        return "is " + std::string{kind_of(value)} + ", and a " + std::string{to_text(key.type)} +
               " belongs here";
    };
    const auto* text = std::get_if<std::string>(&value.data);
    switch (key.type) {
        case Type::text:
            return text == nullptr ? wrong_type() : why_no_choice(key, *text);
        case Type::path:
            return text == nullptr ? wrong_type() : why_no_path(key, *text);
        case Type::number: {
            if (const auto number = integer(value)) return why_out_of_range(key, *number);
            return std::holds_alternative<double>(value.data)
                       ? "must be a whole number " + range_text(key)
                       : wrong_type();
        }
        case Type::boolean:
            return std::holds_alternative<bool>(value.data) ? "" : wrong_type();
        case Type::span: {
            if (text == nullptr) return wrong_type() + ", like \"24h\"";
            const auto span = model::parse_duration(*text);
            return span ? why_out_of_range(key, model::to_ms(*span)) : span.error().message;
        }
        case Type::texts:
            return why_no_texts(value);
        case Type::text_map:
        case Type::number_map:
            return why_no_map(key, value);
    }
    return {};
}

/// "", or why the text is not HOST[:PORT] as in a URL, with an IPv6 address in brackets.
std::string why_no_authority(std::string_view text, std::string_view example) {
    const auto port = text.starts_with('[') ? text.find("]:") : text.find(':');
    const auto address = model::parse_host_port(
        port == std::string_view::npos ? std::string{text} + ":80" : text, example);
    return address ? "" : address.error().message;
}

/// A dotted IPv4 address, or a text that by its characters may be an IPv6 address.
}  // namespace

std::string why_wrong(const Key& key, const Value& value) {
    auto reason = why_no_value(key, value);
    return reason.empty() && key.validate != nullptr ? key.validate(value) : reason;
}

namespace validate {

std::string cluster_id(const Value& value) { return model::why_no_cluster_id(text_of(value)); }
std::string node_id(const Value& value) { return model::why_no_node_id(text_of(value)); }

std::string host(const Value& value) {
    const auto& text = text_of(value);
    const bool v6 = std::count(text.begin(), text.end(), ':') > 1;
    if (text.find_first_of(" /[]@\t\n") != std::string::npos ||
        (!v6 && text.find(':') != std::string::npos)) {
        return "must be a host name or an address, without scheme, port, path or spaces";
    }
    return {};
}

std::string servers(const Value& value) {
    const auto& list = std::get<Value::List>(value.data);
    if (list.empty()) return "must name at least one server";
    std::set<std::string> seen;
    for (const auto& element : list) {
        const auto server = parse_server(text_of(element));
        if (!server) return server.error().message;
        if (!seen.insert(*server).second) {
            return "names " + model::redacted(text_of(element)) + " twice; name each server once";
        }
    }
    return {};
}

std::string service_name(const Value& value) {
    const std::string_view name = text_of(value);
    constexpr std::size_t longest = 255;  // UNIT_NAME_MAX of systemd
    if (name.empty() || name.size() > longest) return "must be the name of a unit of systemd";
    const auto fits = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view{":-_.\\@"}.find(c) != std::string_view::npos;
    };
    if (!std::all_of(name.begin(), name.end(), fits))
        return "must be the name of a unit, not a path: letters, digits and :-_.\\@";
    auto plain = name;
    if (plain.ends_with(".service")) plain.remove_suffix(std::string_view{".service"}.size());
    if (plain == "convex-cluster-manager" || plain == "convex-cluster-manager-fence")
        return "is the manager itself; name the unit of the service that it shall run";
    if (plain.ends_with('@'))
        return "is a template: name an instance of it, " + std::string{plain} + "1";
    for (const auto* const suffix : {".socket", ".timer", ".target", ".path", ".mount", ".slice"})
        if (name.ends_with(suffix))
            return std::string{"must be a service; a unit of the kind "} + (suffix + 1) +
                   " has no processes of its own";
    return {};
}

std::string health_endpoint(const Value& value) {
    const std::string_view url = text_of(value);
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

std::string ip_address(const Value& value) {
    const auto& text = text_of(value);
    if (text.empty() || model::parse_ip_address(text)) return {};
    return "must be an IPv4 or IPv6 address, without its prefix";
}

std::string interface_name(const Value& value) {
    const auto& name = text_of(value);
    const bool word =
        name.size() <= 15 && name.find_first_of(" /") == std::string::npos &&
        std::none_of(name.begin(), name.end(), [](char c) { return c >= 0 && c < ' '; });
    if (word) return {};
    return "must be the name of a network interface: at most 15 characters, no space, no slash";
}

std::string listener(const Value& value) {
    const auto address = model::parse_host_port(text_of(value), "0.0.0.0:8080");
    if (!address) return address.error().message;
    if (address->host.find(':') == std::string::npos) return {};
    return "is an IPv6 address, which is not supported here; use 0.0.0.0 or an IPv4 address";
}

std::string url_path(const Value& value) {
    const auto& path = text_of(value);
    if (path.empty()) return {};
    if (path.front() != '/') return "must begin with /";
    if (std::any_of(path.begin(), path.end(), [](char c) { return c >= 0 && c <= ' '; })) {
        return "must not contain spaces or control characters";
    }
    return {};
}

}  // namespace validate

namespace show {

std::string nothing(const Value&) { return "(not shown)"; }

std::string without_logins(const Value& value) {
    if (const auto* url = std::get_if<std::string>(&value.data)) return model::redacted(*url);
    auto plain = value;
    if (auto* list = std::get_if<Value::List>(&plain.data)) {
        for (auto& element : *list) {
            if (auto* url = std::get_if<std::string>(&element.data)) *url = model::redacted(*url);
        }
    }
    return to_text(plain);
}

}  // namespace show

model::Result<std::string> parse_server(std::string_view text) {
    auto url = model::parse_url(text);
    if (!url) return std::move(url).error();
    if (url->scheme.empty()) url->scheme = "nats";
    if (url->scheme != "nats" && url->scheme != "tls") {
        return model::error(model::Errc::invalid,
                            "\"" + model::redacted(text) +
                                "\" has a scheme that is not known; write it like "
                                "nats://host:4222");
    }
    if (!url->port) url->port = 4222;
    return to_text(*url);
}

}  // namespace config
