#include "tests/scripts/output.h"

#include <algorithm>
#include <cstddef>

namespace scripts {

std::vector<std::string> Output::lines() const {
    std::vector<std::string> texts;
    for (auto begin = lines_.begin(); begin != lines_.end();) {
        const auto end = std::find_if(
            begin, lines_.end(), [&](const Line& line) { return line.first != begin->first; });
        std::vector<std::size_t> widths;
        for (auto line = begin; line != end; ++line) {
            const auto& cells = line->second;
            widths.resize(std::max(widths.size(), cells.size()));
            for (std::size_t i = 0; i < cells.size(); ++i)
                widths[i] = std::max(widths[i], cells[i].size());
        }
        for (; begin != end; ++begin) {
            std::string text;
            for (std::size_t i = 0; i < begin->second.size(); ++i) {
                const auto& cell = begin->second[i];
                text += cell + std::string(widths[i] - cell.size() + 2, ' ');
            }
            text.erase(text.find_last_not_of(' ') + 1);
            texts.push_back(std::move(text));
        }
    }
    return texts;
}

}  // namespace scripts
