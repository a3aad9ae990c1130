// Compares docs/events.md with the code: every emitted event is listed with its levels and fields,
// and no other.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tests/docs/words.h"

namespace {

using docs_test::words_in;

namespace fs = std::filesystem;

struct Event {
    // possible levels; a call with two names and two levels counts for both
    std::set<std::string> levels;
    std::set<std::string> fields;
    bool exact = true;  // `levels` are those of this event alone
};
using Events = std::map<std::string, Event>;

std::string read(const fs::path& path) {
    std::ifstream file{path};
    return {std::istreambuf_iterator<char>{file}, {}};
}

bool is_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/// noun.verb_past
bool is_event_name(std::string_view text) {
    const auto dot = text.find('.');
    if (dot == 0 || dot == std::string_view::npos || dot + 1 == text.size()) return false;
    const auto plain = [](std::string_view part) {
        return std::all_of(
            part.begin(), part.end(), [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
    };
    return plain(text.substr(0, dot)) && plain(text.substr(dot + 1));
}

/// C++ without its comments; literals stay.
std::string without_comments(std::string_view text) {
    std::string code;
    bool literal = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (literal && text[i] == '\\') {
            code += text[i++];
        } else if (text[i] == '"') {
            literal = !literal;
        } else if (!literal && text.substr(i, 3) == "'\"'") {
            i += 2;
            continue;
        } else if (!literal && text.substr(i, 2) == "//") {
            i = std::min(text.find('\n', i), text.size() - 1);
        }
        if (i < text.size()) code += text[i];
    }
    return code;
}

/// The text between the parenthesis at `open` and its counterpart.
std::string_view arguments(std::string_view code, std::size_t open) {
    int depth = 0;
    bool literal = false;
    for (std::size_t i = open; i < code.size(); ++i) {
        if (literal && code[i] == '\\') {
            ++i;
        } else if (code[i] == '"') {
            literal = !literal;
        } else if (!literal && code[i] == '(') {
            ++depth;
        } else if (!literal && code[i] == ')' && --depth == 0) {
            return code.substr(open + 1, i - open - 1);
        }
    }
    return {};
}

/// Each string literal, and whether it begins a pair: {"epoch", ...} names a field.
std::vector<std::pair<std::string, bool>> literals(std::string_view code) {
    std::vector<std::pair<std::string, bool>> all;
    for (auto at = code.find('"'); at != std::string_view::npos; at = code.find('"', at)) {
        const auto end = code.find('"', at + 1);
        if (end == std::string_view::npos) break;
        const auto before = code.find_last_not_of(" \n", at == 0 ? 0 : at - 1);
        all.emplace_back(code.substr(at + 1, end - at - 1), at > 0 && code[before] == '{');
        at = end + 1;
    }
    return all;
}

std::set<std::string> levels_of(std::string_view function, std::string_view arguments) {
    if (function == "info" || function == "warning" || function == "error") {
        return {std::string{function}};
    }
    std::set<std::string> levels;
    for (const std::string level : {"debug", "info", "warning", "error"}) {
        if (arguments.find("Level::" + level) != std::string_view::npos) levels.insert(level);
    }
    return levels;
}

/// Adds every call that emits an event. A call on an Events whose name is not a literal goes to
/// `unnamed`.
void collect(const std::string& code, Events& events, std::vector<std::string>& unnamed) {
    for (const std::string function : {"info", "warning", "error", "emit", "log_event", "write"}) {
        for (auto at = code.find(function + "("); at != std::string::npos;
             at = code.find(function + "(", at + 1)) {
            if (at > 0 && is_word(code[at - 1])) continue;
            const auto inside = arguments(code, at + function.size());
            std::vector<std::string> names;
            std::set<std::string> fields;
            for (const auto& [text, opens] : literals(inside)) {
                if (opens) fields.insert(text);
                if (!opens && is_event_name(text)) names.push_back(text);
            }
            const std::string_view before = std::string_view{code}.substr(0, at);
            if (names.empty() && (before.ends_with("events.") || before.ends_with("events_."))) {
                unnamed.emplace_back(inside.substr(0, inside.find(',')));
            }
            const auto levels = levels_of(function, inside);
            if (levels.empty()) continue;
            for (const auto& name : names) {
                auto& event = events[name];
                event.levels.insert(levels.begin(), levels.end());
                event.fields.insert(fields.begin(), fields.end());
                event.exact = event.exact && names.size() == 1;
            }
        }
    }
}

Events emitted() {
    Events events;
    std::vector<std::string> unnamed;
    for (const char* directory : {"adapters", "api", "app", "cli", "reconcilers", "warden"}) {
        for (const auto& file :
             fs::recursive_directory_iterator{fs::path{SOURCE_DIR} / directory}) {
            const auto extension = file.path().extension();
            if (extension != ".cc" && extension != ".h") continue;
            collect(without_comments(read(file.path())), events, unnamed);
        }
    }
    // The name of this one call comes from a function; its possible values are listed here.
    EXPECT_EQ(unnamed, std::vector<std::string>{"name(kind)"});
    const auto role = read(fs::path{SOURCE_DIR} / "reconcilers/role/role.cc");
    for (const std::string name : {"lease.taken", "lease.adopted", "lease.raised"}) {
        EXPECT_NE(role.find('"' + name + '"'), std::string::npos) << name;
        events[name] = {.levels = {"info"}, .fields = {"epoch", "ttlMs"}};
    }
    return events;
}

/// "info or error"
std::set<std::string> levels_in(std::string_view cell) {
    std::set<std::string> levels;
    for (const std::string level : {"debug", "info", "warning", "error"}) {
        if (cell.find(level) != std::string_view::npos) levels.insert(level);
    }
    return levels;
}

/// Rows of docs/events.md: | `name` | level | fields | meaning |
Events listed() {
    Events events;
    std::ifstream file{fs::path{SOURCE_DIR} / "docs/events.md"};
    EXPECT_TRUE(file);
    for (std::string line; std::getline(file, line);) {
        if (!line.starts_with("| `")) continue;
        std::vector<std::string> cells;
        for (std::size_t at = 1; at < line.size();) {
            const auto end = std::min(line.find('|', at), line.size());
            cells.push_back(line.substr(at, end - at));
            at = end + 1;
        }
        if (cells.size() < 4) {
            ADD_FAILURE() << "not four cells: " << line;
            continue;
        }
        const auto names = words_in(cells[0]);
        EXPECT_EQ(names.size(), 1U) << line;
        EXPECT_FALSE(events.contains(*names.begin())) << "listed twice: " << *names.begin();
        EXPECT_GT(cells[3].size(), 10U) << "no meaning: " << line;
        events[*names.begin()] = {.levels = levels_in(cells[1]), .fields = words_in(cells[2])};
    }
    return events;
}

TEST(EventsDocument, ListsEveryEventThatIsEmitted) {
    const auto document = listed();
    const auto code = emitted();
    ASSERT_GT(code.size(), 60U) << "the code was not read";
    for (const auto& [name, event] : code) {
        EXPECT_TRUE(document.contains(name)) << name << " is emitted, and not listed";
    }
}

TEST(EventsDocument, ListsNoEventThatNobodyEmits) {
    const auto code = emitted();
    for (const auto& [name, event] : listed()) {
        EXPECT_TRUE(code.contains(name)) << name << " is listed, and not emitted";
    }
}

TEST(EventsDocument, NamesLevelsAndFieldsAsTheCodeHasThem) {
    const auto document = listed();
    for (const auto& [name, event] : emitted()) {
        const auto row = document.find(name);
        if (row == document.end()) continue;  // reported by the first test
        EXPECT_EQ(row->second.fields, event.fields) << name;
        const auto& levels = row->second.levels;
        EXPECT_FALSE(levels.empty()) << name;
        if (event.exact) {
            EXPECT_EQ(levels, event.levels) << name;
        } else {
            EXPECT_TRUE(std::includes(
                event.levels.begin(), event.levels.end(), levels.begin(), levels.end()))
                << name;
        }
    }
}

TEST(EventsDocument, TheScannerIgnoresCommentsAndDistinguishesNamesFromFields) {
    Events events;
    std::vector<std::string> unnamed;
    collect(without_comments("// events.info(\"not.this\")\n"
                             "ports.events.warning(\"disk.filled\", {{\"path\", p(\")\")}});\n"
                             "log_event(a ? EventLevel::info : EventLevel::error,\n"
                             "    \"node.died\", {{\"status\", s}});\n"
                             "events_.info(name(kind), {{\"epoch\", e}});\n"
                             "files.write(\"some.file\", bytes);\n"),
            events,
            unnamed);
    ASSERT_EQ(events.size(), 2U);
    EXPECT_EQ(events.at("disk.filled").levels, std::set<std::string>{"warning"});
    EXPECT_EQ(events.at("disk.filled").fields, std::set<std::string>{"path"});
    EXPECT_EQ(events.at("node.died").levels, (std::set<std::string>{"info", "error"}));
    EXPECT_EQ(unnamed, std::vector<std::string>{"name(kind)"});
}

}  // namespace
