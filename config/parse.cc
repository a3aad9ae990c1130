#include "config/parse.h"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <map>
#include <utility>
#include <variant>

#include "config/validate.h"

namespace config {
namespace {

/// Suggestions cost time: after this many unknown keys no more are made.
constexpr int most_guesses = 20;

/// The rest of a key's path after its first `depth` parts; empty where there is no more.
std::string_view after_parts(std::string_view path, std::size_t depth) {
    for (; depth > 0 && !path.empty(); --depth) {
        const auto dot = path.find('.');
        path = dot == std::string_view::npos ? std::string_view{} : path.substr(dot + 1);
    }
    return path;
}

bool same_letters(std::string_view a, std::string_view b) {
    const auto lower = [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    };
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [lower](char x, char y) {
        return lower(x) == lower(y);
    });
}

class KeyMatcher {
public:
    explicit KeyMatcher(const Input& input) : input_{input} {}

    Assignments run() {
        collect();
        for (const auto& assignment : out_.keys)
            check_assignment(assignment);
        return std::move(out_);
    }

private:
    void collect() {
        if (const auto* root = std::get_if<Value::Map>(&input_.root.data)) {
            for (const auto& [name, value] : *root)
                walk(value, name, "", "", 0);
        } else if (!std::holds_alternative<std::monostate>(input_.root.data)) {
            out_.error(
                input_.file, "", to_text(input_.root), "the file must hold one object, {...}");
        }
        for (const auto& assignment : input_.overrides) {
            std::erase_if(out_.keys,
                          [&](const Assignment& old) { return old.path == assignment.key; });
            out_.keys.push_back(
                {&find_key(assignment.key), assignment.key, &assignment.value, assignment.where});
        }
    }

    std::string where(const Value& value) const {
        return value.line == 0 ? input_.file : input_.file + ":" + std::to_string(value.line);
    }

    /// `pattern` is the part of a key's path that was matched so far, with "<name>" and "[]";
    /// `shown_path` is the same part as the file has it.
    void walk(const Value& value,
              std::string_view name,
              const std::string& pattern,
              const std::string& shown_path,
              std::size_t depth) {
        const auto join = [](const std::string& path, std::string_view part) {
            return path.empty() ? std::string{part} : path + "." + std::string{part};
        };
        // The parts that may follow here. An exact match is preferred to one that ignores case.
        const auto matched = depth == 0 ? pattern : pattern + ".";
        std::string next;
        bool list = false;
        bool other_case = false;
        for (const bool exact : {true, false}) {
            for (const auto& key : keys()) {
                const auto rest = after_parts(key.path, depth);
                const auto before = key.path.substr(0, key.path.size() - rest.size());
                if (rest.empty() || before != matched) continue;
                const auto part = rest.substr(0, rest.find('.'));
                std::string_view segment = part;
                const bool is_list = segment.ends_with("[]");
                if (is_list) segment.remove_suffix(2);
                const bool open = segment == "<name>";
                const bool aliased =
                    !key.alias.empty() && part.size() == rest.size() && key.alias == name;
                if (open || aliased || (exact ? segment == name : same_letters(segment, name))) {
                    next = part;
                    list = is_list;
                    other_case = !open && !aliased && segment != name;
                    break;
                }
            }
            if (!next.empty()) break;
        }
        const auto assigned_path = join(shown_path, name);
        if (next.empty()) {
            const auto near = guesses_++ < most_guesses ? nearest_key(assigned_path) : "";
            out_.warn(where(value),
                      assigned_path,
                      "",
                      near.empty()
                          ? "is no key that is known, and is ignored"
                          : "is no key that is known, and is ignored; did you mean " + near + "?");
            return;
        }
        const bool open = next == "<name>";
        const auto plain = next.substr(0, next.size() - (list ? 2U : 0U));  // "vips", not "vips[]"
        const auto written = open ? std::string{name} : plain;
        if (other_case) {
            out_.warn(where(value),
                      assigned_path,
                      "",
                      "is taken for " + join(pattern, plain) + "; write it so");
        }
        const auto next_pattern = join(pattern, next);
        const auto next_shown = join(shown_path, written);
        if (const auto* key = exact_key(next_pattern)) {
            found(*key, next_shown, value);
            return;
        }
        if (std::holds_alternative<std::monostate>(value.data)) return;
        if (list) {
            walk_list(value, next_pattern, next_shown);
            return;
        }
        const auto* map = std::get_if<Value::Map>(&value.data);
        if (map == nullptr) {
            out_.error(where(value),
                       next_shown,
                       to_text(value),
                       "is " + std::string{kind_of(value)} + ", and an object {...} belongs here");
            return;
        }
        if (open) out_.named.insert(next_shown);
        for (const auto& [child, below] : *map)
            walk(below, child, next_pattern, next_shown, depth + 1);
    }

    void walk_list(const Value& value, const std::string& pattern, const std::string& path) {
        const auto* elements = std::get_if<Value::List>(&value.data);
        if (elements == nullptr) {
            out_.error(where(value), path, to_text(value), "a list [...] of objects belongs here");
            return;
        }
        for (std::size_t i = 0; i < elements->size(); ++i) {
            const auto& element = (*elements)[i];
            const auto element_path = path + "[" + std::to_string(i) + "]";
            out_.named.insert(element_path);
            if (const auto* map = std::get_if<Value::Map>(&element.data)) {
                for (const auto& [child, below] : *map)
                    walk(below, child, pattern, element_path, 1);
            } else {
                out_.error(
                    where(element), element_path, to_text(element), "an object belongs here");
            }
        }
    }

    static const Key* exact_key(std::string_view path) {
        for (const auto& key : keys()) {
            if (key.path == path) return &key;
        }
        return nullptr;
    }

    void found(const Key& key, const std::string& path, const Value& value) {
        // null means the default, as in the Go manager.
        if (std::holds_alternative<std::monostate>(value.data)) return;
        if (const auto* other = find(path)) {
            // The reader of the file refuses the same key twice; here a key was set by its name and
            // its alias.
            if (*other->value != value) {
                out_.error(where(value),
                           path,
                           key.show(value),
                           "is given by two names with two values, here and in " + other->where +
                               "; keep one");
            }
            return;
        }
        places_.emplace(path, out_.keys.size());
        out_.keys.push_back({&key, path, &value, where(value)});
    }

    void check_assignment(const Assignment& assignment) {
        const auto& key = *assignment.key;
        const auto reason = why_wrong(key, *assignment.value);
        if (!reason.empty()) {
            out_.error(assignment.where, assignment.path, key.show(*assignment.value), reason);
        } else if (!key.active) {
            out_.warn(assignment.where,
                      assignment.path,
                      key.show(*assignment.value),
                      "is not active in this version of the manager, and has no effect");
        }
    }

    const Assignment* find(std::string_view path) const {
        const auto place = places_.find(path);
        return place == places_.end() ? nullptr : &out_.keys[place->second];
    }

    const Input& input_;
    Assignments out_;
    std::map<std::string, std::size_t, std::less<>> places_;  // index into out_.keys
    int guesses_ = 0;
};

}  // namespace

Assignments match_keys(const Input& input) { return KeyMatcher{input}.run(); }

}  // namespace config
