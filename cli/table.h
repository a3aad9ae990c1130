// Columns of text.
#pragma once

#include <string>
#include <vector>

namespace cli {

/// Lines with their columns two apart, the first row being the heads; every row has as many cells
/// as the first. Widths count characters, each one column wide.
[[nodiscard]] std::string table(const std::vector<std::vector<std::string>>& rows);

}  // namespace cli
