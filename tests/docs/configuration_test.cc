// Compares the tables of docs/configuration.md with the rows of config/keys.cc. With DOCS_REWRITE=1
// in the environment it writes them instead (`make docs`).
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>
#include <string>
#include <string_view>

#include "config/keys.h"

namespace {

// Between these marks is one table. The words after the first mark select keys by the first part of
// their path: "nats" for "nats.tls.ca".
constexpr std::string_view begin_mark = "<!-- keys: ";
constexpr std::string_view end_mark = "<!-- end of keys -->";
constexpr std::string_view close = " -->";

std::string row(const config::Key& key) {
    return "| `" + std::string{key.path} + "` | " + std::string{to_text(key.type)} + " | " +
           default_text(key) + " | " + (key.unit.empty() ? "–" : std::string{key.unit}) + " | " +
           (key.active ? "yes" : "no") + " | " + std::string{key.purpose} + " |\n";
}

std::string_view section(const config::Key& key) {
    return key.path.substr(0, key.path.find_first_of(".["));
}

/// Counts in `shown` each key in the table.
std::string table(const std::string& words, std::map<std::string_view, int>& shown) {
    std::string text =
        "\n| key | type | default | unit | active | what it is for |\n|---|---|---|---|---|---|\n";
    std::istringstream sections{words};
    for (std::string word; sections >> word;) {
        for (const auto& key : config::keys()) {
            if (section(key) != word) continue;
            text += row(key);
            ++shown[key.path];
        }
    }
    return text + "\n";
}

/// The document with the tables between the marks replaced.
std::string with_tables(const std::string& document, std::map<std::string_view, int>& shown) {
    std::string text;
    bool inside = false;
    std::istringstream lines{document};
    for (std::string line; std::getline(lines, line);) {
        if (line == end_mark) inside = false;
        if (!inside) text += line + "\n";
        if (!line.starts_with(begin_mark) || !line.ends_with(close)) continue;
        EXPECT_FALSE(inside) << line << " stands between the marks of another table";
        inside = true;
        const auto length = line.size() - begin_mark.size() - close.size();
        text += table(line.substr(begin_mark.size(), length), shown);
    }
    EXPECT_FALSE(inside) << "the last table has no " << end_mark;
    return text;
}

TEST(ConfigurationDocument, ListsEveryKeyAsTheCodeHasIt) {
    const auto path = std::string{SOURCE_DIR} + "/docs/configuration.md";
    std::ifstream file{path};
    ASSERT_TRUE(file);
    const std::string written{std::istreambuf_iterator<char>{file}, {}};
    std::map<std::string_view, int> shown;
    const auto wanted = with_tables(written, shown);
    for (const auto& key : config::keys()) {
        EXPECT_EQ(shown[key.path], 1) << key.path << ": name \"" << section(key)
                                      << "\" in the mark of one table of docs/configuration.md";
    }
    const char* rewrite = std::getenv("DOCS_REWRITE");
    if (rewrite != nullptr && *rewrite != '\0') {
        if (!testing::Test::HasFailure()) std::ofstream{path} << wanted;
        return;
    }
    EXPECT_EQ(written, wanted) << "run `make docs`";
}

TEST(ConfigurationDocument, KeepsItsProseWhenItsTablesAreWritten) {
    std::map<std::string_view, int> shown;
    const auto document = with_tables(
        "# Title\n\n<!-- keys: log -->\n| `log.old` | gone |\n<!-- end of keys -->\n\nProse\n",
        shown);
    EXPECT_EQ(document.find("log.old"), std::string::npos);
    EXPECT_TRUE(document.starts_with("# Title\n\n<!-- keys: log -->\n\n| key | type |"))
        << document;
    EXPECT_TRUE(document.ends_with(" |\n\n<!-- end of keys -->\n\nProse\n")) << document;
    EXPECT_NE(document.find("\n| `log.level` | text | info | – | yes | "), std::string::npos);
    EXPECT_EQ(shown["log.level"], 1);
    EXPECT_EQ(shown["nodeId"], 0);
    EXPECT_EQ(with_tables(document, shown), document);
}

}  // namespace
