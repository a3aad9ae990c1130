// A list as one text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace model {

/// join({"a", "b"}, ", ") is "a, b".
[[nodiscard]] inline std::string join(const std::vector<std::string>& words,
                                      std::string_view between) {
    std::string text;
    for (const auto& word : words) {
        if (!text.empty()) text += between;
        text += word;
    }
    return text;
}

}  // namespace model
