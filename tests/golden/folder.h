// The files of a bucket in a folder, and what they are together.
#pragma once

#include <filesystem>
#include <vector>

#include "model/bytes.h"

namespace golden {

/// Fails the test where there is none.
[[nodiscard]] model::Bytes read(const std::filesystem::path& path);

[[nodiscard]] std::vector<std::filesystem::path> sorted(const std::filesystem::path& folder);

/// The database that LTX files give, applied in this order by our decoder. Fails the test where one
/// is broken, and where a page is missing in the end.
[[nodiscard]] model::Bytes apply(const std::vector<std::filesystem::path>& files);

}  // namespace golden
