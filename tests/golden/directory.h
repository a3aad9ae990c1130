// Reads a bucket's files from a directory and applies them.
#pragma once

#include <filesystem>
#include <vector>

#include "model/bytes.h"

namespace golden {

/// Fails the test where there is none.
[[nodiscard]] model::Bytes read(const std::filesystem::path& path);

[[nodiscard]] std::vector<std::filesystem::path> sorted(const std::filesystem::path& directory);

/// The database that results from LTX files applied in order by our decoder. Fails the test where a
/// file is broken or a page is missing in the end.
[[nodiscard]] model::Bytes apply(const std::vector<std::filesystem::path>& files);

}  // namespace golden
