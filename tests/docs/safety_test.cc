// docs/safety.md names tests, scripts and mutations of the models: each of them is there.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace {

namespace fs = std::filesystem;

std::string read(const fs::path& path) {
    std::ifstream file{path};
    return {std::istreambuf_iterator<char>{file}, {}};
}

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/// "Suite.Name" of every TEST, TEST_F and TEST_P in C++.
void take_tests(std::string_view code, std::set<std::string>& tests) {
    for (const std::string_view macro : {"\nTEST(", "\nTEST_F(", "\nTEST_P("}) {
        for (auto at = code.find(macro); at != std::string_view::npos;
             at = code.find(macro, at + 1)) {
            const auto begin = at + macro.size();
            const auto comma = code.find(',', begin);
            const auto end = code.find(')', begin);
            if (comma == std::string_view::npos || end == std::string_view::npos) continue;
            const auto name = code.find_first_not_of(" \n", comma + 1);
            tests.insert(std::string{code.substr(begin, comma - begin)} + '.' +
                         std::string{code.substr(name, end - name)});
        }
    }
}

std::set<std::string> all_tests() {
    std::set<std::string> tests;
    for (const auto& file : fs::recursive_directory_iterator{fs::path{SOURCE_DIR} / "tests"}) {
        if (file.path().extension() == ".cc") take_tests(read(file.path()), tests);
    }
    return tests;
}

/// The last cell of each row of a table, without the rows that make its head.
std::vector<std::string> last_cells(std::string_view document) {
    std::vector<std::string> cells;
    for (std::size_t at = 0; at < document.size();) {
        const auto end = std::min(document.find('\n', at), document.size());
        const auto line = document.substr(at, end - at);
        at = end + 1;
        if (!line.starts_with("| ") || !line.ends_with(" |") || line.ends_with("---|")) continue;
        const auto bar = line.rfind('|', line.size() - 2);
        cells.emplace_back(line.substr(bar + 1, line.size() - bar - 2));
    }
    if (!cells.empty()) cells.erase(cells.begin());
    return cells;
}

/// What stands in `...`.
std::vector<std::string> words_in(std::string_view text) {
    std::vector<std::string> words;
    for (auto at = text.find('`'); at != std::string_view::npos; at = text.find('`', at)) {
        const auto end = text.find('`', at + 1);
        if (end == std::string_view::npos) break;
        words.emplace_back(text.substr(at + 1, end - at - 1));
        at = end + 1;
    }
    return words;
}

/// Words of at least four capitals that stand outside `...`.
std::vector<std::string> mutations(std::string_view text) {
    std::vector<std::string> words;
    std::string word;
    bool code = false;
    for (const char c : std::string{text} + ' ') {
        if (c == '`') code = !code;
        if (is_letter(c)) {
            word += c;
            continue;
        }
        const bool capitals = std::all_of(
            word.begin(), word.end(), [](char letter) { return letter >= 'A' && letter <= 'Z'; });
        if (!code && capitals && word.size() >= 4) words.push_back(word);
        word.clear();
    }
    return words;
}

/// "" or what is wrong with a name of docs/safety.md.
std::string why_unknown(const std::string& name, const std::set<std::string>& tests) {
    if (name.starts_with("tests/")) {
        return fs::exists(fs::path{SOURCE_DIR} / name) ? "" : "there is no such file";
    }
    return tests.contains(name) ? "" : "there is no such test";
}

TEST(SafetyDocument, NamesTestsThatExistForEveryPromise) {
    const auto tests = all_tests();
    ASSERT_GT(tests.size(), 500U) << "the tests were not read";
    const auto cells = last_cells(read(fs::path{SOURCE_DIR} / "docs/safety.md"));
    EXPECT_GT(cells.size(), 10U) << "the promises were not read";
    for (const auto& cell : cells) {
        const auto names = words_in(cell);
        EXPECT_FALSE(names.empty()) << "a promise without a test: " << cell;
        for (const auto& name : names)
            EXPECT_EQ(why_unknown(name, tests), "") << name;
    }
}

TEST(SafetyDocument, NamesMutationsThatTheCheckOfTheModelsRuns) {
    const auto check = read(fs::path{SOURCE_DIR} / "docs/protocol/check");
    std::size_t named = 0;
    for (const auto& cell : last_cells(read(fs::path{SOURCE_DIR} / "docs/safety.md"))) {
        for (const auto& name : mutations(cell)) {
            ++named;
            EXPECT_NE(check.find(name), std::string::npos) << name;
        }
    }
    EXPECT_GT(named, 20U) << "the mutations were not read";
}

TEST(SafetyDocument, IsReadAsItIsWritten) {
    std::set<std::string> tests;
    take_tests("\nTEST(One, IsHere) {\n\nTEST_F(Two,\n       IsToo) {\n// TEST(Not, This)\n",
               tests);
    EXPECT_EQ(tests, (std::set<std::string>{"One.IsHere", "Two.IsToo"}));
    EXPECT_EQ(why_unknown("One.IsHere", tests), "");
    EXPECT_NE(why_unknown("One.IsNot", tests), "");
    EXPECT_EQ(why_unknown("tests/docs/safety_test.cc", tests), "");
    EXPECT_NE(why_unknown("tests/docs/none.cc", tests), "");
    const auto cells = last_cells("| a | b |\n|---|---|\n| I1 | `One.IsHere`; NOWARDEN |\ntext\n");
    ASSERT_EQ(cells.size(), 1U);
    EXPECT_EQ(words_in(cells[0]), std::vector<std::string>{"One.IsHere"});
    EXPECT_EQ(mutations(cells[0]), std::vector<std::string>{"NOWARDEN"});
}

}  // namespace
