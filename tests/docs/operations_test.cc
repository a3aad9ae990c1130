// docs/operations.md says what to do about every condition that a node has, and about every event
// of level warning or error; events_test.cc holds docs/events.md and the code together.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/status.h"
#include "tests/docs/words.h"

namespace {

using docs_test::words_in;

namespace fs = std::filesystem;
using Rows = std::vector<std::vector<std::string>>;

/// The cells of each line of a table, its head too; an empty row between two tables.
Rows rows(std::istream& document) {
    Rows all{{}};
    for (std::string line; std::getline(document, line);) {
        std::vector<std::string> cells;
        if (line.starts_with("|")) {
            for (std::size_t at = 1; at < line.size();) {
                const auto end = std::min(line.find('|', at), line.size());
                cells.push_back(line.substr(at, end - at));
                at = end + 1;
            }
        }
        if (!cells.empty() || !all.back().empty()) all.push_back(std::move(cells));
    }
    return all;
}

Rows rows_of(const char* name) {
    std::ifstream file{fs::path{SOURCE_DIR} / "docs" / name};
    EXPECT_TRUE(file) << name;
    return rows(file);
}

/// From each word in the first column of a table of events or conditions to what its last column,
/// "what to do", says.
std::map<std::string, std::string> advice(const Rows& document) {
    std::map<std::string, std::string> all;
    bool wanted = false;
    bool head = true;
    for (const auto& row : document) {
        if (row.empty()) {
            head = true;
            continue;
        }
        if (std::exchange(head, false)) {
            wanted = row.back().find("what to do") != std::string::npos &&
                     (row.front() == " event " || row.front() == " condition ");
            continue;
        }
        if (!wanted) continue;
        for (const auto& word : words_in(row.front())) {
            all[word] += row.back();
        }
    }
    return all;
}

/// Names and levels of docs/events.md.
std::map<std::string, std::string> events() {
    std::map<std::string, std::string> all;
    for (const auto& row : rows_of("events.md")) {
        if (row.size() < 4) continue;
        for (const auto& name : words_in(row[0]))
            all[name] = row[1];
    }
    return all;
}

bool needs_advice(const std::string& level) {
    return level.find("warning") != std::string::npos || level.find("error") != std::string::npos;
}

TEST(OperationsDocument, SaysWhatToDoAboutEveryCondition) {
    const auto advised = advice(rows_of("operations.md"));
    std::set<std::string> names;
    for (int i = 0; i < 64; ++i) {
        const auto name = model::to_text(static_cast<model::ConditionType>(i));
        if (name != "?") names.emplace(name);
    }
    EXPECT_GE(names.size(), 7U);
    for (const auto& name : names) {
        const auto row = advised.find(name);
        ASSERT_NE(row, advised.end()) << name;
        EXPECT_GT(row->second.size(), 10U) << name;
    }
}

TEST(OperationsDocument, SaysWhatToDoAboutEveryWarningAndError) {
    const auto advised = advice(rows_of("operations.md"));
    std::size_t needed = 0;
    for (const auto& [name, level] : events()) {
        if (!needs_advice(level)) continue;
        ++needed;
        const auto row = advised.find(name);
        EXPECT_NE(row, advised.end()) << name << " is a" << level << "and nothing says what to do";
        if (row == advised.end()) continue;
        EXPECT_GT(row->second.size(), 10U) << name;
    }
    EXPECT_GT(needed, 40U) << "the events were not read";
}

TEST(OperationsDocument, NamesNoEventThatIsNotOne) {
    const auto listed = events();
    for (const auto& [name, text] : advice(rows_of("operations.md"))) {
        const bool event =
            std::count(name.begin(), name.end(), '.') == 1 &&
            name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_.") == std::string::npos;
        EXPECT_TRUE(!event || listed.contains(name)) << name;
    }
}

TEST(OperationsDocument, IsReadAsItIsWritten) {
    std::istringstream text{
        "| event | what to do |\n|---|---|\n| `a.b`, `c.d` | mend it |\n\n| `e.f` | x |\n"};
    const auto advised = advice(rows(text));
    EXPECT_EQ(advised.size(), 2U);
    EXPECT_EQ(advised.at("c.d"), " mend it ");
    EXPECT_TRUE(needs_advice(" info or error "));
    EXPECT_FALSE(needs_advice(" info "));
}

}  // namespace
