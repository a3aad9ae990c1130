// Reading a document's tables.
#pragma once

#include <set>
#include <string>
#include <string_view>

namespace docs_test {

/// The words in backquotes of a table cell.
inline std::set<std::string> words_in(std::string_view cell) {
    std::set<std::string> words;
    for (auto at = cell.find('`'); at != std::string_view::npos; at = cell.find('`', at)) {
        const auto end = cell.find('`', at + 1);
        if (end == std::string_view::npos) break;
        words.emplace(cell.substr(at + 1, end - at - 1));
        at = end + 1;
    }
    return words;
}

}  // namespace docs_test
