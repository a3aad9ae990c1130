// Each defect of earlier managers that must not recur has a test that names its row: `// defects.md
// C04` directly above the test or in it, or `# defects.md C04` anywhere in a transcript of
// tests/scripts.
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

const Rows wanted{"C01", "C02", "C04", "C05", "C06", "C08", "C09", "C10", "C11", "C12",
                  "C13", "C14", "C15", "C16", "C17", "C18", "C19", "C20", "C21", "C22",
                  "C23", "C26", "C27", "C28", "C29", "C30", "C31", "C33", "C37", "C38",
                  "C39", "G01", "G02", "G03", "G04", "G07", "G10", "G12", "G13", "M09",
                  "M10", "M11", "M12", "M13", "M14", "M15", "M16", "M19", "M20"};

/// Rows (a letter and two digits) named in the words after `defects.md`.
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

/// Rows named at tests of this source; a name above anything else does not count.
Rows named_in(std::istream& source) {
    Rows named;
    Rows above;  // named in the comment that ends on the line before
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

/// Rows named in the transcript's comments; none where it prints nothing.
Rows named_in_script(std::istream& script) {
    Rows named;
    bool prints = false;
    for (std::string line; std::getline(script, line);) {
        if (line.starts_with('#')) named.merge(rows_in(line));
        prints |= line == "----";
    }
    return prints ? named : Rows{};
}

Rows named_in_text(const std::string& text) {
    std::istringstream source{text};
    return named_in(source);
}

Rows named_in_script_text(const std::string& text) {
    std::istringstream script{text};
    return named_in_script(script);
}

TEST(Rows, EachIsNamedByATest) {
    Rows named;
    for (const auto& file : fs::recursive_directory_iterator{fs::path{SOURCE_DIR} / "tests"}) {
        if (file.path().extension() != ".cc" || file.path().filename() == "rows_test.cc") continue;
        std::ifstream source{file.path()};
        named.merge(named_in(source));
    }
    for (const auto& file : fs::directory_iterator{fs::path{SOURCE_DIR} / "tests" / "scripts"}) {
        if (file.path().extension() != ".txt") continue;
        std::ifstream script{file.path()};
        named.merge(named_in_script(script));
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

TEST(Rows, AreNamedInCommentsOfATranscript) {
    EXPECT_EQ(named_in_script_text("# defects.md C04, G03: why\n\nstart\n----\n# defects.md C05\n"),
              (Rows{"C04", "C05", "G03"}));
    EXPECT_EQ(named_in_script_text("start\n----\nn1  defects.md C04\n"), Rows{});
    EXPECT_EQ(named_in_script_text("# defects.md C04\nstart\n"), Rows{});
}

}  // namespace
