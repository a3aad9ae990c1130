// Every link from a document to this repository leads to an existing file and heading.
#include <gtest/gtest.h>

#include <cctype>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace {

namespace fs = std::filesystem;

/// Lines of a document that are not in a block of code.
std::vector<std::string> prose(const fs::path& document) {
    std::vector<std::string> lines;
    std::ifstream file{document};
    bool code = false;
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with("```")) code = !code;
        if (!code && !line.starts_with("    ")) lines.push_back(line);
    }
    return lines;
}

/// The anchors of the headings: #what-is-not-here-yet for "## What is not here yet".
std::set<std::string> anchors(const fs::path& document) {
    std::set<std::string> all;
    for (const auto& line : prose(document)) {
        const auto text = line.find_first_not_of('#');
        if (text == 0 || text == std::string::npos || line[text] != ' ') continue;
        std::string anchor;
        for (const char c : line.substr(text + 1)) {
            const auto letter = static_cast<unsigned char>(c);
            if (c == ' ') anchor += '-';
            if (std::isalnum(letter) != 0 || c == '-' || c == '_') {
                anchor += static_cast<char>(std::tolower(letter));
            }
        }
        all.insert(anchor);
    }
    return all;
}

/// The targets of links: the text in the parentheses of [text](target).
std::vector<std::string> targets(std::string_view line) {
    std::vector<std::string> all;
    for (auto at = line.find("]("); at != std::string_view::npos; at = line.find("](", at + 2)) {
        const auto end = line.find(')', at);
        if (end == std::string_view::npos) break;
        all.emplace_back(line.substr(at + 2, end - at - 2));
    }
    return all;
}

/// Why the target cannot be reached from the document; "" it can.
std::string why_broken(const fs::path& document, const std::string& target) {
    if (target.find("://") != std::string::npos) return {};
    const auto hash = target.find('#');
    const auto path = target.substr(0, hash);
    const auto file = path.empty() ? document : document.parent_path() / path;
    if (!fs::exists(file)) return "there is no such file";
    if (hash == std::string::npos) return {};
    return anchors(file).contains(target.substr(hash + 1)) ? "" : "there is no such heading";
}

TEST(DocumentLinks, LeadSomewhere) {
    const fs::path root{SOURCE_DIR};
    std::vector<fs::path> documents{root / "README.md", root / "CONTRIBUTING.md"};
    for (const auto& file : fs::recursive_directory_iterator{root / "docs"}) {
        if (file.path().extension() == ".md") documents.push_back(file.path());
    }
    std::size_t followed = 0;
    for (const auto& document : documents) {
        for (const auto& line : prose(document)) {
            for (const auto& target : targets(line)) {
                ++followed;
                EXPECT_EQ(why_broken(document, target), "")
                    << document.lexically_relative(root) << " names " << target;
            }
        }
    }
    EXPECT_GT(followed, 20U) << "the documents were not read";
}

TEST(DocumentLinks, AreFoundBrokenWhereFileOrHeadingIsMissing) {
    const auto readme = fs::path{SOURCE_DIR} / "README.md";
    EXPECT_EQ(why_broken(readme, "LICENSE"), "");
    EXPECT_EQ(why_broken(readme, "docs/architecture.md#the-board"), "");
    EXPECT_EQ(why_broken(readme, "#try-it"), "");
    EXPECT_NE(why_broken(readme, "docs/none.md"), "");
    EXPECT_NE(why_broken(readme, "docs/architecture.md#no-such-heading"), "");
    EXPECT_EQ(targets("see [a](b.md), [c](d.md#e) and (f)"),
              (std::vector<std::string>{"b.md", "d.md#e"}));
}

}  // namespace
