#include "model/config_given.h"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <variant>

namespace model {
namespace {

std::vector<std::string_view> segments_of(std::string_view path) {
    std::vector<std::string_view> segments;
    while (true) {
        const auto dot = path.find('.');
        segments.push_back(path.substr(0, dot));
        if (dot == std::string_view::npos) return segments;
        path.remove_prefix(dot + 1);
    }
}

bool same_letters(std::string_view a, std::string_view b) {
    const auto lower = [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    };
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [lower](char x, char y) {
        return lower(x) == lower(y);
    });
}

class Finder {
public:
    explicit Finder(const ConfigInput& input) : input_{input} {}

    GivenKeys run() {
        collect();
        for (const auto& given : out_.keys)
            check_given(given);
        return std::move(out_);
    }

private:
    void collect() {
        if (const auto* root = std::get_if<ConfigValue::Map>(&input_.root.data)) {
            for (const auto& [name, value] : *root)
                walk(value, name, "", "", 0);
        } else if (!std::holds_alternative<std::monostate>(input_.root.data)) {
            error(input_.file, "", to_text(input_.root), "the file must hold one object, {...}");
        }
        for (const auto& given : input_.overrides) {
            std::erase_if(out_.keys, [&](const Given& old) { return old.path == given.key; });
            out_.keys.push_back({&config_key(given.key), given.key, &given.value, given.where});
        }
    }

    std::string where(const ConfigValue& value) const {
        return value.line == 0 ? input_.file : input_.file + ":" + std::to_string(value.line);
    }

    /// `pattern` is the part of a key's path that was matched so far, `shown_path` the same with
    /// the names that people gave.
    void walk(const ConfigValue& value,
              std::string_view name,
              const std::string& pattern,
              const std::string& shown_path,
              std::size_t depth) {
        const auto join = [](const std::string& path, std::string_view part) {
            return path.empty() ? std::string{part} : path + "." + std::string{part};
        };
        // Among the keys that begin like this, what can come next? In the same case first.
        std::string next;
        bool list = false;
        bool other_case = false;
        for (const bool exact : {true, false}) {
            for (const auto& key : config_keys()) {
                const auto segments = segments_of(key.path);
                if (segments.size() <= depth || prefix_of(key.path, depth) != pattern) continue;
                std::string_view segment = segments[depth];
                const bool is_list = segment.ends_with("[]");
                if (is_list) segment.remove_suffix(2);
                const bool open = segment == "<name>";
                const auto alias = alias_of(key.path);
                const bool aliased = !alias.empty() && segments.size() == depth + 1 &&
                                     segments_of(alias).back() == name;
                if (open || aliased || (exact ? segment == name : same_letters(segment, name))) {
                    next = segments[depth];
                    list = is_list;
                    other_case = !open && !aliased && segment != name;
                    break;
                }
            }
            if (!next.empty()) break;
        }
        const auto given_path = join(shown_path, name);
        if (next.empty()) {
            const auto near = nearest_key(given_path);
            warn(where(value),
                 given_path,
                 "",
                 near.empty()
                     ? "is no key that is known, and is ignored"
                     : "is no key that is known, and is ignored; did you mean " + near + "?");
            return;
        }
        const bool open = next == "<name>";
        const auto written = open ? std::string{name} : next;
        if (other_case) {
            warn(where(value),
                 given_path,
                 "",
                 "is taken for " + join(pattern, next) + "; write it so");
        }
        const auto next_pattern = join(pattern, next);
        const auto next_shown = join(shown_path, written);
        if (const auto* key = exact_key(next_pattern)) {
            found(*key, next_shown, value);
            return;
        }
        if (std::holds_alternative<std::monostate>(value.data)) return;
        if (list) {
            walk_list(value, next_pattern, shown_path.empty() ? std::string{name} : given_path);
            return;
        }
        const auto* map = std::get_if<ConfigValue::Map>(&value.data);
        if (map == nullptr) {
            error(where(value),
                  next_shown,
                  to_text(value),
                  "is " + std::string{kind_of(value)} + ", and an object {...} belongs here");
            return;
        }
        if (open) out_.named.insert(next_shown);
        for (const auto& [child, below] : *map)
            walk(below, child, next_pattern, next_shown, depth + 1);
    }

    void walk_list(const ConfigValue& value, const std::string& pattern, const std::string& path) {
        const auto* elements = std::get_if<ConfigValue::List>(&value.data);
        if (elements == nullptr) {
            error(where(value), path, to_text(value), "a list [...] of objects belongs here");
            return;
        }
        for (std::size_t i = 0; i < elements->size(); ++i) {
            const auto& element = (*elements)[i];
            const auto element_path = path + "[" + std::to_string(i) + "]";
            out_.named.insert(element_path);
            if (const auto* map = std::get_if<ConfigValue::Map>(&element.data)) {
                for (const auto& [child, below] : *map)
                    walk(below, child, pattern, element_path, 1);
            } else {
                error(where(element), element_path, to_text(element), "an object belongs here");
            }
        }
    }

    static std::string prefix_of(std::string_view path, std::size_t depth) {
        std::string prefix;
        const auto segments = segments_of(path);
        for (std::size_t i = 0; i < depth; ++i)
            prefix += (i == 0 ? "" : ".") + std::string{segments[i]};
        return prefix;
    }

    static const ConfigKey* exact_key(std::string_view path) {
        for (const auto& key : config_keys()) {
            if (key.path == path) return &key;
        }
        return nullptr;
    }

    void found(const ConfigKey& key, const std::string& path, const ConfigValue& value) {
        // null leaves the default, as it did.
        if (std::holds_alternative<std::monostate>(value.data)) return;
        if (const auto* other = find(path)) {
            // The same key twice is refused by the reader of the file: these are two names of one.
            if (shown(key, *other->value) != shown(key, value)) {
                error(where(value),
                      path,
                      shown(key, value),
                      "is given by two names with two values, here and in " + other->where +
                          "; keep one");
            }
            return;
        }
        out_.keys.push_back({&key, path, &value, where(value)});
    }

    void check_given(const Given& given) {
        const auto& key = *given.key;
        const auto reason = why_wrong(key, *given.value);
        if (!reason.empty()) {
            error(given.where, given.path, shown(key, *given.value), reason);
        } else if (!key.active) {
            warn(given.where,
                 given.path,
                 shown(key, *given.value),
                 "is not active in this version of the manager, and has no effect");
        }
    }

    const Given* find(std::string_view path) const {
        for (const auto& given : out_.keys) {
            if (given.path == path) return &given;
        }
        return nullptr;
    }

    void error(std::string where, std::string key, std::string value, std::string reason) {
        out_.errors.push_back(
            {std::move(where), std::move(key), std::move(value), std::move(reason)});
    }
    void warn(std::string where, std::string key, std::string value, std::string reason) {
        out_.warnings.push_back(
            {std::move(where), std::move(key), std::move(value), std::move(reason)});
    }

    const ConfigInput& input_;
    GivenKeys out_;
};

}  // namespace

GivenKeys find_given(const ConfigInput& input) { return Finder{input}.run(); }

}  // namespace model
