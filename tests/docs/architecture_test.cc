// docs/architecture.md is the map of the tree: what it names exists, and what exists is named.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <string>

namespace {

namespace fs = std::filesystem;

std::string read(const fs::path& path) {
    std::ifstream file{path};
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

/// The document from one text up to another.
std::string part(const std::string& from, const std::string& to) {
    const auto text = read(fs::path{SOURCE_DIR} / "docs/architecture.md");
    const auto begin = text.find(from);
    const auto end = text.find(to, begin);
    EXPECT_NE(end, std::string::npos) << from << " … " << to;
    return end == std::string::npos ? "" : text.substr(begin, end - begin);
}

std::set<std::string> matches(const std::string& text, const char* expression) {
    const std::regex pattern{expression};
    std::set<std::string> all;
    for (std::sregex_iterator at{text.begin(), text.end(), pattern}, end; at != end; ++at)
        all.insert((*at)[1].str());
    return all;
}

std::set<std::string> directories(const fs::path& below) {
    std::set<std::string> all;
    for (const auto& entry : fs::directory_iterator{below}) {
        const auto name = entry.path().filename().string();
        if (entry.is_directory() && !name.starts_with('.') && name != "build") all.insert(name);
    }
    return all;
}

TEST(ArchitectureDocument, NamesEachDirectory) {
    const auto map = part("## The directories", "Arrows point inwards");
    const auto words = matches(map, R"(([\w]+))");
    for (const char* below : {"", "reconcilers", "adapters", "tests"}) {
        for (const auto& name : directories(fs::path{SOURCE_DIR} / below))
            EXPECT_TRUE(words.contains(name)) << below << '/' << name;
    }
}

TEST(ArchitectureDocument, NamesNoDirectoryThatIsNotThere) {
    const auto map = part("## The directories", "Arrows point inwards");
    const auto entries = matches(map, R"(\n    ([\w/]+)/ )");
    EXPECT_GT(entries.size(), 10U);
    for (const auto& name : entries)
        EXPECT_TRUE(fs::is_directory(fs::path{SOURCE_DIR} / name)) << name;
}

TEST(ArchitectureDocument, ListsTheViewsOfTheBoard) {
    EXPECT_EQ(
        matches(part("## The board", "Operators' requests"), R"(\| `(\w+View)` \|)"),
        matches(read(fs::path{SOURCE_DIR} / "reconcilers/board.h"), R"(struct (\w+View) \{)"));
}

}  // namespace
