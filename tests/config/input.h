// Helpers: configuration trees as a parsed file gives them, and their errors.
#pragma once

#include <algorithm>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/config.h"

namespace config {

using List = Value::List;
using Map = Value::Map;

inline Value text(const char* value) { return {std::string{value}}; }
inline Value number(std::int64_t value) { return {value}; }

/// Sets the key "a.b.c" in a tree of objects.
inline void set(Value& root, std::string_view path, Value value) {
    if (std::holds_alternative<std::monostate>(root.data)) root.data = Map{};
    auto& map = std::get<Map>(root.data);
    const auto dot = path.find('.');
    const auto name = std::string{path.substr(0, dot)};
    auto member =
        std::find_if(map.begin(), map.end(), [&](const auto& entry) { return entry.name == name; });
    if (member == map.end()) member = map.insert(map.end(), {name, Value{}});
    if (dot == std::string_view::npos) {
        member->value = std::move(value);
    } else {
        set(member->value, path.substr(dot + 1), std::move(value));
    }
}

/// The smallest valid configuration, with keys added or replaced.
inline Input input(std::initializer_list<std::pair<const char*, Value>> more = {}) {
    Input input{.file = "c.json", .root = {}, .overrides = {}};
    set(input.root, "clusterId", text("prod"));
    set(input.root, "nodeId", text("n1"));
    set(input.root, "nats.servers", {List{text("nats://127.0.0.1:4222")}});
    set(input.root, "backend.process.command", {List{text("/usr/bin/backend")}});
    for (const auto& [path, value] : more)
        set(input.root, path, value);
    return input;
}

inline std::vector<std::string> texts(const std::vector<Problem>& problems) {
    std::vector<std::string> all;
    all.reserve(problems.size());
    for (const auto& problem : problems)
        all.push_back(to_text(problem));
    return all;
}

inline std::vector<std::string> errors(const Input& given) { return texts(build(given).errors); }

}  // namespace config
