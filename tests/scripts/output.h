// The output of a block: lines of cells, aligned in columns.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace scripts {

class Output {
public:
    /// Consecutive lines of one kind are aligned. The last cell may be empty.
    void add(std::string_view kind, std::vector<std::string> cells) {
        lines_.emplace_back(kind, std::move(cells));
    }
    [[nodiscard]] std::vector<std::string> lines() const;

private:
    using Line = std::pair<std::string, std::vector<std::string>>;
    std::vector<Line> lines_;
};

}  // namespace scripts
