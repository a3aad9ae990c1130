// Suggests the key that was probably meant by an unknown one.
#include <algorithm>
#include <cstddef>
#include <vector>

#include "config/keys.h"

namespace config {
namespace {

/// Edit distance: insertions, deletions and replacements from one text to the other, ignoring case.
std::size_t distance(std::string_view a, std::string_view b) {
    const auto lower = [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    };
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j)
        row[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t changed = diagonal + (lower(a[i - 1]) == lower(b[j - 1]) ? 0U : 1U);
            diagonal = row[j];
            row[j] = std::min({row[j] + 1, row[j - 1] + 1, changed});
        }
    }
    return row[b.size()];
}

std::string_view last_part(std::string_view path) {
    const auto dot = path.rfind('.');
    return dot == std::string_view::npos ? path : path.substr(dot + 1);
}

}  // namespace

std::string nearest_key(std::string_view path) {
    // A very long name resembles no key, and the distance costs time quadratic in its length.
    if (path.size() > 100) return {};
    std::string_view best;
    std::size_t least = std::max<std::size_t>(2, path.size() / 3) + 1;
    const auto consider = [&](std::string_view known, std::size_t far) {
        if (far < least) {
            least = far;
            best = known;
        }
    };
    for (const auto& key : keys()) {
        consider(key.path, distance(path, key.path));
        // The section's name may be the misspelled part, with all the keys in it.
        for (auto dot = key.path.find('.'); dot != std::string_view::npos;
             dot = key.path.find('.', dot + 1)) {
            const auto section = key.path.substr(0, dot);
            if (section.find_first_of("<[") != std::string_view::npos) break;
            consider(section, distance(path, section));
        }
        // The most common mistake: the right last part in the wrong section.
        if (last_part(key.path).size() > 3) {
            consider(key.path, 1 + distance(last_part(path), last_part(key.path)) * 2);
        }
    }
    return std::string{best};
}

}  // namespace config
