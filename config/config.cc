#include "config/config.h"

#include <algorithm>

#include "config/keys.h"

namespace config {

std::string_view to_text(Backend::Kind kind) {
    switch (kind) {
        case Backend::Kind::systemd:
            return "systemd";
        case Backend::Kind::process:
            return "process";
        case Backend::Kind::docker:
            return "docker";
        case Backend::Kind::exec:
            return "exec";
    }
    return "?";
}

model::Duration least_margin(model::Duration ttl) {
    return std::max<model::Duration>(ttl / 5, std::chrono::milliseconds{500});
}

void Problems::error(std::string where, std::string key, std::string value, std::string reason) {
    errors.push_back({std::move(where), std::move(key), std::move(value), std::move(reason)});
}

void Problems::warn(std::string where, std::string key, std::string value, std::string reason) {
    warnings.push_back({std::move(where), std::move(key), std::move(value), std::move(reason)});
}

std::string to_text(const Problem& problem) {
    std::string text = problem.where;
    for (const auto* part : {&problem.key, &problem.reason}) {
        if (part->empty()) continue;
        if (!text.empty()) text += part == &problem.reason && !problem.key.empty() ? " " : ": ";
        text += *part;
        if (part == &problem.key) {
            if (!problem.value.empty()) text += " = " + problem.value;
            if (!problem.value.empty()) text += ":";
        }
    }
    return text;
}

std::string to_text(const std::vector<Problem>& problems) {
    std::string all;
    for (const auto& problem : problems)
        all += (all.empty() ? "" : "\n") + to_text(problem);
    return all;
}

Value url_list(std::string_view text) {
    Value::List urls;
    while (!text.empty()) {
        const auto end = std::min(text.find(','), text.size());
        auto url = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        while (!url.empty() && url.front() == ' ')
            url.remove_prefix(1);
        while (!url.empty() && url.back() == ' ')
            url.remove_suffix(1);
        if (!url.empty()) urls.push_back({std::string{url}});
    }
    return {std::move(urls)};
}

std::vector<Override> environment_overrides(const std::map<std::string, std::string>& environment) {
    std::vector<Override> overrides;
    for (const auto& key : keys()) {
        if (key.environment.empty()) continue;
        const auto found = environment.find(std::string{key.environment});
        if (found == environment.end() || found->second.empty()) continue;
        overrides.push_back(
            {"environment " + found->first,
             std::string{key.path},
             key.type == Type::texts ? url_list(found->second) : Value{found->second}});
    }
    return overrides;
}

}  // namespace config
