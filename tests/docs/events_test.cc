// docs/events.md lists the events that the code emits, all of them and no others.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include "model/config_keys.h"

namespace {

namespace fs = std::filesystem;

std::string read(const fs::path& path) {
    std::stringstream text;
    text << std::ifstream{path}.rdbuf();
    return text.str();
}

/// "noun.verb_past", and nothing else.
bool looks_like_an_event(const std::string& text) {
    const auto dot = text.find('.');
    if (dot == std::string::npos || dot == 0 || dot + 1 == text.size()) return false;
    return std::all_of(text.begin(), text.end(), [&](const char& c) {
        return (c >= 'a' && c <= 'z') || c == '_' || (c == '.' && &c == &text[dot]);
    });
}

bool is_config_key(const std::string& text) {
    const auto keys = model::config_keys();
    return std::any_of(keys.begin(), keys.end(), [&](const auto& key) { return key.path == text; });
}

std::set<std::string> emitted() {
    std::set<std::string> names;
    for (const char* part : {"adapters", "app", "reconcilers", "warden"}) {
        for (const auto& entry : fs::recursive_directory_iterator{fs::path{SOURCE_DIR} / part}) {
            if (entry.path().extension() != ".cc") continue;
            const auto text = read(entry.path());
            for (auto begin = text.find('"'); begin != std::string::npos;) {
                const auto end = text.find('"', begin + 1);
                if (end == std::string::npos) break;
                const auto literal = text.substr(begin + 1, end - begin - 1);
                if (looks_like_an_event(literal) && !is_config_key(literal)) names.insert(literal);
                // From the closing quote on: it may open the next one where a quote was escaped.
                begin = end;
            }
        }
    }
    return names;
}

std::set<std::string> listed() {
    std::set<std::string> names;
    std::istringstream text{read(fs::path{SOURCE_DIR} / "docs/events.md")};
    for (std::string line; std::getline(text, line);) {
        if (line.starts_with("| `")) names.insert(line.substr(3, line.find('`', 3) - 3));
    }
    return names;
}

TEST(EventsDocument, ListsTheEventsThatTheCodeEmits) {
    const auto code = emitted();
    ASSERT_TRUE(code.contains("lease.lost"));
    EXPECT_THAT(listed(), ::testing::ContainerEq(code));
}

}  // namespace
