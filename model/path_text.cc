#include "model/path_text.h"

namespace model {

std::string directory_of(std::string_view path) {
    const auto slash = path.rfind('/');
    const bool root = slash == 0 || slash == std::string_view::npos;
    return std::string{root ? "/" : path.substr(0, slash)};
}

std::string name_of(std::string_view path) { return std::string{path.substr(path.rfind('/') + 1)}; }

std::string temporary_of(std::string_view path) {
    const auto slash = path.rfind('/');
    return std::string{path.substr(0, slash + 1)} + "." + std::string{path.substr(slash + 1)} +
           ".tmp";
}

bool is_temporary(std::string_view name) {
    return name.size() > 5 && name.front() == '.' && name.ends_with(".tmp");
}

}  // namespace model
