// Parts of paths, as text: nothing is asked of a disk.
#pragma once

#include <string>
#include <string_view>

namespace model {

/// Of an absolute path, the directory that holds it: "/a" for "/a/b", "/" for "/a".
[[nodiscard]] std::string directory_of(std::string_view path);

/// Its last component: "b" for "/a/b".
[[nodiscard]] std::string name_of(std::string_view path);

/// Where a file's new content is written before it replaces the old: "/a/.b.tmp" for "/a/b".
[[nodiscard]] std::string temporary_of(std::string_view path);
[[nodiscard]] bool is_temporary(std::string_view name);

}  // namespace model
