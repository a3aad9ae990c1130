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

/// Directories that the map names and that are not there: words with a slash at their end, from
/// the root or from tests/, and the list of the adapters.
std::set<std::string> missing(const std::string& map) {
    const fs::path root{SOURCE_DIR};
    std::set<std::string> all;
    for (const auto& name : matches(map, R"(([\w/]+)/(?=[\s;:,]))")) {
        if (!fs::is_directory(root / name) && !fs::is_directory(root / "tests" / name))
            all.insert(name);
    }
    const auto adapters = matches(map, R"(implementations of the ports:([^;]*);)");
    EXPECT_EQ(adapters.size(), 1U) << "the adapters are not listed";
    for (const auto& list : adapters) {
        for (const auto& name : matches(list, R"((\w+))")) {
            if (!fs::is_directory(root / "adapters" / name)) all.insert("adapters/" + name);
        }
    }
    return all;
}

TEST(ArchitectureDocument, NamesNoDirectoryThatIsNotThere) {
    const auto map = part("## The directories", "Arrows point inwards");
    EXPECT_GT(matches(map, R"(\n    ([\w/]+)/ )").size(), 10U);
    EXPECT_EQ(missing(map), std::set<std::string>{});
    const std::string wrong =
        "    old/  x\n tests/ support/ older/\n"
        "adapters/ implementations of the ports: nats older; kv";
    EXPECT_EQ(missing(wrong), (std::set<std::string>{"adapters/older", "old", "older"}));
}

TEST(ArchitectureDocument, ListsTheViewsOfTheBoard) {
    EXPECT_EQ(
        matches(part("## The board", "Operators' requests"), R"(\| `(\w+View)` \|)"),
        matches(read(fs::path{SOURCE_DIR} / "reconcilers/board.h"), R"(struct (\w+View) \{)"));
}

}  // namespace
