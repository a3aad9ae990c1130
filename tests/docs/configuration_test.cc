// docs/configuration.md and the table in the code say the same.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

#include "model/config_keys.h"

namespace {

std::string row(const model::ConfigKey& key) {
    return "| `" + std::string{key.path} + "` | " + std::string{to_text(key.type)} + " | " +
           default_text(key) + " | " + (key.unit.empty() ? "–" : std::string{key.unit}) + " | " +
           (key.active ? "yes" : "no") + " | " + std::string{key.purpose} + " |";
}

TEST(ConfigurationDocument, ListsEveryKeyAsTheCodeHasIt) {
    std::ifstream file{std::string{SOURCE_DIR} + "/docs/configuration.md"};
    ASSERT_TRUE(file);
    std::vector<std::string> written;
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with("| `")) written.push_back(line);
    }
    std::vector<std::string> expected;
    std::string all;
    for (const auto& key : model::config_keys()) {
        expected.push_back(row(key));
        all += expected.back() + "\n";
    }
    EXPECT_EQ(written, expected) << "the rows as the code has them:\n" << all;
}

}  // namespace
