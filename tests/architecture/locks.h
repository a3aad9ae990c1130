// Checks that every lock is an adapters::sync::Mutex, and that each of them guards something.
#pragma once

#include <string>
#include <vector>

namespace architecture {

/// A sentence for each line of `text` that names a lock of the system or of the C++ library, and
/// for each adapters::sync::Mutex that no annotation in the file names. file: path relative to the
/// root of the tree.
[[nodiscard]] std::vector<std::string> lock_violations(const std::string& file,
                                                       const std::string& text);

/// The same for the whole tree. root: the source tree.
[[nodiscard]] std::vector<std::string> tree_lock_violations(const std::string& root);

}  // namespace architecture
