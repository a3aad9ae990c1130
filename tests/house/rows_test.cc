// Every behaviour of the managers before this one that ours must not have is named by a test that
// shows it: `defects.md C04`, directly above the test or in it.
#include <gtest/gtest.h>

#include <cctype>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace {

namespace fs = std::filesystem;
using Rows = std::set<std::string>;

const Rows wanted{"C02", "C04", "C05", "C06", "C08", "C09", "C11", "C12",
                  "C13", "C14", "C15", "C16", "C17", "C18", "C19", "C20",
                  "C21", "C37", "C38", "C39", "G01", "G02", "G03", "G04"};

/// A letter and two digits, in a line's words after `defects.md`.
Rows rows_in(std::string_view line) {
    constexpr std::string_view mark = "defects.md";
    const auto at = line.find(mark);
    if (at == std::string_view::npos) return {};
    Rows rows;
    std::string word;
    for (const char c : std::string{line.substr(at + mark.size())} + " ") {
        if (std::isalnum(static_cast<unsigned char>(c)) != 0) {
            word += c;
            continue;
        }
        const auto digit = [&word](std::size_t i) {
            return std::isdigit(static_cast<unsigned char>(word[i])) != 0;
        };
        if (word.size() == 3 && std::isupper(static_cast<unsigned char>(word[0])) != 0 &&
            digit(1) && digit(2)) {
            rows.insert(word);
        }
        word.clear();
    }
    return rows;
}

/// The rows that a test of this source names. What stands above anything else names nothing.
Rows named_in(std::istream& source) {
    Rows named;
    Rows above;  // by the comment that ends with the line before
    bool test = false;
    for (std::string line; std::getline(source, line);) {
        if (line.starts_with("TEST")) {
            test = true;
            named.merge(above);
        }
        if (test) {
            named.merge(rows_in(line));
            if (line.starts_with("}")) test = false;
        } else if (line.starts_with("//")) {
            above.merge(rows_in(line));
            continue;
        }
        above.clear();
    }
    return named;
}

Rows named_in_text(const std::string& text) {
    std::istringstream source{text};
    return named_in(source);
}

TEST(Rows, EachIsNamedByATest) {
    Rows named;
    for (const auto& file : fs::recursive_directory_iterator{fs::path{SOURCE_DIR} / "tests"}) {
        if (file.path().extension() != ".cc" || file.path().filename() == "rows_test.cc") continue;
        std::ifstream source{file.path()};
        named.merge(named_in(source));
    }
    for (const auto& row : wanted)
        EXPECT_TRUE(named.contains(row)) << "no test names defects.md " << row;
}

TEST(Rows, AreNamedAboveATestOrInItAndNowhereElse) {
    EXPECT_EQ(named_in_text("// defects.md C04, G03: why\n// more\nTEST(A, B) {\n}\n"),
              (Rows{"C04", "G03"}));
    EXPECT_EQ(named_in_text("TEST_F(A, B) {  // L9; defects.md C04\n    // defects.md C05\n}\n"),
              (Rows{"C04", "C05"}));
    EXPECT_EQ(named_in_text("TEST(A,\n     B) {  // defects.md C04\n}\n"), (Rows{"C04"}));
    EXPECT_EQ(named_in_text("// defects.md C04\n\nTEST(A, B) {\n}\n"), Rows{});
    EXPECT_EQ(named_in_text("// defects.md C04\nvoid help() {\n}\nTEST(A, B) {\n}\n"), Rows{});
    EXPECT_EQ(named_in_text("TEST(A, B) {\n}\nint a;  // defects.md C04\n"), Rows{});
    EXPECT_EQ(named_in_text("// C04 of defects.md\nTEST(A, B) {\n}\n"), Rows{});
    EXPECT_EQ(named_in_text("// defects.md C4 CC04 C045\nTEST(A, B) {\n}\n"), Rows{});
}

}  // namespace
